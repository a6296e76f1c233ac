import { existsSync, globSync, readFileSync } from 'node:fs';
import { isAbsolute, join, relative } from 'node:path';
import { type Plugin, rolldown } from 'rolldown';
import { describe, expect, test } from 'vitest';
import { type Import, importsOf } from '../support/imports.ts';

const root = join(import.meta.dirname, '../..');
const files = globSync('**/*.ts', { cwd: join(root, 'src'), exclude: ['**/*.d.ts'] }).sort();
const sources = new Map(files.map((file) => [file, readFileSync(join(root, 'src', file), 'utf8')]));
const allImports = files.flatMap((file) =>
  importsOf(file, sources.get(file) ?? '').map((entry) => ({ from: file, ...entry })),
);

/** The layers below the features, lowest first. */
const BELOW = [
  'core',
  'languages',
  'http',
  'yaml',
  'toolchain',
  'oci',
  'repository',
  'builders',
  'seal',
  'plugins',
  'kinds',
  'render',
  'gitops',
  'dispatch',
];
const FEATURES = [...new Set(files.map(layerOf).filter((layer) => layer.startsWith('features/')))];
/** Everything but the two entries: the start, and what plugins import. */
const ALL = [...BELOW, ...FEATURES, 'adapters', 'app', 'cli'];

/** Layer -> the layers that it may import at run time; a feature may import all that stand below it and no other feature. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  languages: ['core'],
  http: ['core'],
  yaml: ['core'],
  render: ['core'],
  toolchain: ['core', 'languages'],
  oci: ['core', 'http', 'toolchain'],
  repository: ['core', 'languages', 'yaml', 'oci'],
  builders: ['core', 'oci', 'toolchain'],
  seal: ['core', 'oci', 'toolchain'],
  kinds: ['core', 'languages', 'yaml', 'oci', 'repository', 'plugins'],
  gitops: ['core', 'yaml', 'oci', 'repository', 'seal', 'kinds'],
  dispatch: ['core', 'http', 'yaml', 'kinds', 'repository', 'render'],
  plugins: ['core', 'yaml', 'repository'],
  adapters: BELOW.filter((layer) => layer !== 'render'),
  app: [...BELOW.filter((layer) => layer !== 'render'), 'adapters'],
  cli: ['core', 'toolchain', 'render', 'app', 'plugins'],
  commands: ALL.filter((layer) => layer !== 'adapters'),
  'plugin.ts': ['core', 'app', 'cli', 'plugins', 'features/verify'],
  ...Object.fromEntries(FEATURES.map((feature) => [feature, BELOW])),
};

/** Layer -> what it may name as a type only, besides. A port lives with its consumer, so adapters name all of them. */
const MAY_NAME: Readonly<Record<string, readonly string[]>> = {
  kinds: ['builders'],
  seal: ['builders', 'repository'],
  builders: ['repository'],
  adapters: FEATURES,
  app: FEATURES,
  cli: ['repository'],
};

/** Package or builtin -> the only places that may import it. */
const PLACES: readonly { readonly what: RegExp; readonly where: RegExp }[] = [
  { what: /^execa$/, where: /^adapters\/process\.ts$/ },
  { what: /^node:child_process$/, where: /^$/ },
  { what: /^(undici.*|node:https?|node:tls)$/, where: /^(http\/|adapters\/github)/ },
  // A socket also serves as a lock that the system takes back when its owner dies.
  { what: /^node:net$/, where: /^(http\/|adapters\/github|builders\/buildah-store)/ },
  { what: /^@sigstore\//, where: /^seal\// },
  { what: /^@octokit\//, where: /^adapters\/github/ },
  { what: /^@oclif\//, where: /^(cli\/|commands\/|plugin\.ts$)/ },
];

/** Text that must not stand in a source, but for these files. */
const WORDS: readonly { readonly what: RegExp; readonly where: RegExp; readonly why: string }[] = [
  {
    what: /\bprocess\.(env|cwd|argv|stdin|stdout|stderr|exitCode)\b/,
    // The other is what a process of its own runs: it talks by stdin and stdout.
    where: /^(cli\/|features\/verify\/rule-process\.ts$)/,
    why: 'only cli/ reads the environment',
  },
  { what: /\bprocess\.exit\(/, where: /^cli\//, why: 'only cli/ ends the process' },
  { what: /\bconsole\./, where: /^$/, why: 'nothing prints past the renderers' },
  { what: /\b(homedir|tmpdir)\(/, where: /^cli\//, why: 'only cli/ reads the environment' },
  {
    what: /\blocaleCompare\b|\btoLocale\w+\(/,
    where: /^$/,
    why: 'order and text must not depend on the locale',
  },
  {
    what: /\bfetch\(/,
    where: /^(http\/|oci\/|seal\/|adapters\/github)/,
    why: 'only http/, oci/, seal/ and adapters/github speak HTTP',
  },
];

/** Files past 400 lines, each with the reason why it is better whole. */
const LONG: Readonly<Record<string, string>> = {};

/** `oci/registry.ts` -> `oci`, `features/publish/plan.ts` -> `features/publish`. */
function layerOf(file: string): string {
  const [first = file, second = ''] = file.split('/');
  return first === 'features' ? `${first}/${second}` : first;
}

function isAllowed(from: string, { file, kind }: Import): boolean {
  if (file === undefined) return true;
  const own = layerOf(from);
  const other = layerOf(file);
  if (own === other) return own !== 'commands';
  const allowed = MAY_IMPORT[own] ?? [];
  return allowed.includes(other) || (kind === 'type' && (MAY_NAME[own] ?? []).includes(other));
}

/** Types of ours as plugins see them, by the same names. */
const PUBLIC_TYPES = { 'plugins/api.ts': true, 'plugin.ts': true };

describe('the layers', () => {
  test('the rules name every layer that there is', () => {
    expect([...new Set(files.map(layerOf))].filter((module) => !(module in MAY_IMPORT))).toEqual([]);
  });

  test('a layer imports only what its rule allows', () => {
    const offending = allImports
      .filter((entry) => !isAllowed(entry.from, entry))
      .map(({ from, line, specifier, kind }) => {
        const rule = [
          ...(MAY_IMPORT[layerOf(from)] ?? []),
          ...(MAY_NAME[layerOf(from)] ?? []).map((name) => `types of ${name}`),
        ];
        return `src/${from}:${line} imports ${specifier} (${kind}); ${layerOf(from)} may import: ${rule.join(', ') || 'nothing'}`;
      });
    expect(offending).toEqual([]);
  });

  test('no file imports itself in a circle', () => {
    const imported = Map.groupBy(
      allImports.filter(({ file }) => file !== undefined),
      ({ from }) => from,
    );
    const done = new Set<string>();
    const circles: string[] = [];
    const visit = (file: string, above: readonly string[]): void => {
      if (above.includes(file)) circles.push([...above.slice(above.indexOf(file)), file].join(' -> '));
      if (done.has(file) || above.includes(file)) return;
      for (const entry of imported.get(file) ?? []) visit(entry.file ?? '', [...above, file]);
      done.add(file);
    };
    for (const file of files) visit(file, []);
    expect(circles).toEqual([]);
  });

  test('no two layers import each other, not even types', () => {
    const between = new Map<string, string>(
      allImports.flatMap(({ from, line, file, specifier }) =>
        file === undefined || layerOf(file) === layerOf(from)
          ? []
          : [[`${layerOf(from)} ${layerOf(file)}`, `src/${from}:${line} imports ${specifier}`] as const],
      ),
    );
    const offending = [...between].flatMap(([pair, one]) => {
      const other = between.get(pair.split(' ').toReversed().join(' '));
      return other === undefined ? [] : [`${one}, and ${other}`];
    });
    expect(offending).toEqual([]);
  });

  test('programs are started, HTTP is spoken and oclif is known only where it is meant to be', () => {
    const offending = allImports.flatMap(({ from, line, specifier }) =>
      PLACES.filter(({ what, where }) => what.test(specifier) && !where.test(from)).map(
        ({ where }) => `src/${from}:${line} imports ${specifier}; only ${where.source} may`,
      ),
    );
    expect(offending).toEqual([]);
  });

  test('environment, printing, locale and HTTP stay in their places', () => {
    const offending = [...sources].flatMap(([file, source]) =>
      source
        .split('\n')
        .flatMap((line, index) =>
          WORDS.filter(
            ({ what, where }) => !/^\s*(\/\/|\*|\/\*)/.test(line) && what.test(line) && !where.test(file),
          ).map(({ why }) => `src/${file}:${index + 1} ${line.trim()}: ${why}`),
        ),
    );
    expect(offending).toEqual([]);
  });

  test('relative imports name files that exist, with their suffix', () => {
    const offending = allImports
      .filter(({ file }) => file !== undefined && !sources.has(file) && !isData(file))
      .map(({ from, line, specifier }) => `src/${from}:${line} imports ${specifier}`);
    expect(offending).toEqual([]);
  });

  /** Data in our sources, which says whose it is. */
  const isData = (file: string) => file.endsWith('.json') && existsSync(join(root, 'src', file));

  test('there are no barrels and no catch-all modules', () => {
    const barrels = [...sources].filter(([, source]) =>
      /^(export [^;=(]* from '[^']+';\s*)+$/.test(source.trim()),
    );
    const catchAll = files.filter((file) => /(^|\/)(index|utils?|helpers?|common|misc)(\.ts$|\/)/.test(file));
    expect([...barrels.map(([file]) => file), ...catchAll]).toEqual([]);
  });

  test('a type has a name of its own', () => {
    const named = [...sources].flatMap(([file, source]) =>
      file in PUBLIC_TYPES
        ? []
        : [...source.matchAll(/^export (?:interface|type|(?:abstract )?class) (\w+)/gm)].map(
            ([, name = '']) => ({
              name,
              file,
            }),
          ),
    );
    const shared = [...Map.groupBy(named, ({ name }) => name)].filter(([, places]) => places.length > 1);
    expect(shared.map(([name, places]) => `${name}: ${places.map(({ file }) => file)}`)).toEqual([]);
  });

  test('commands are thin, and a file past 400 lines has a reason', () => {
    const long = [...sources].flatMap(([file, source]) => {
      const lines = source.split('\n').length - 1;
      const limit = layerOf(file) === 'commands' ? 60 : 400;
      return lines > limit && !(file in LONG) ? [`src/${file} has ${lines} lines of ${limit}`] : [];
    });
    expect(long).toEqual([]);
    expect(Object.keys(LONG).filter((file) => (sources.get(file) ?? '').split('\n').length <= 400)).toEqual(
      [],
    );
  });
});

describe('the reader of imports', () => {
  test.each([
    ["import { a } from './a.ts';", 'value', 'a.ts'],
    ["import type { A } from './a.ts';", 'type', 'a.ts'],
    ["import { type A, type B } from './a.ts';", 'type', 'a.ts'],
    ["import {\n  type A,\n  b,\n} from './a.ts';", 'value', 'a.ts'],
    ["import './a.ts';", 'value', 'a.ts'],
    ["export { a } from './a.ts';", 'value', 'a.ts'],
    ["export * from './a.ts';", 'value', 'a.ts'],
    ["export type { A } from './a.ts';", 'type', 'a.ts'],
    ["const a = await import('./a.ts');", 'dynamic', 'a.ts'],
    ["let a: import('./a.ts').A;", 'type', 'a.ts'],
    ["let a: typeof import('./a.ts');", 'type', 'a.ts'],
  ])('%j is a %s import', (source, kind, file) => {
    expect(importsOf('b.ts', source)).toEqual([{ line: 1, specifier: `./${file}`, file, kind }]);
  });

  test('it sees every import that a bundler sees in the sources', async () => {
    const bundled: string[] = [];
    const folder = join(root, 'src');
    const note: Plugin = {
      name: 'note',
      resolveId(source, importer) {
        if (importer === undefined || !isAbsolute(importer)) return undefined;
        bundled.push(`${relative(folder, importer)} ${source}`);
        return source.startsWith('.') ? undefined : { id: source, external: true };
      },
    };
    await using build = await rolldown({
      cwd: folder,
      input: files,
      platform: 'node',
      treeshake: false,
      plugins: [note],
    });
    await build.generate({ format: 'esm' });
    const read = new Set(allImports.map(({ from, specifier }) => `${from} ${specifier}`));
    expect(bundled.length).toBeGreaterThan(50);
    expect([...new Set(bundled)].filter((entry) => !read.has(entry))).toEqual([]);
  });
});
