import { globSync, readFileSync } from 'node:fs';
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

/** What every module may use; a domain module may use these and nothing of another domain. */
const SHARED = ['errors.ts', 'schema-check.ts', 'oci', 'seal', 'toolchain', 'builders', 'workspace', 'kinds'];
const ALL = [...SHARED, 'publish', 'doctor', 'scaffold', 'init', 'adapters', 'render', 'cli', 'commands'];

/** Module -> the modules that it may import at run time. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'errors.ts': [],
  'schema-check.ts': [],
  toolchain: ['errors.ts'],
  oci: ['errors.ts', 'toolchain'],
  builders: ['errors.ts', 'oci', 'toolchain'],
  seal: ['errors.ts', 'schema-check.ts', 'oci', 'toolchain'],
  kinds: ['errors.ts', 'oci', 'workspace'],
  workspace: ['errors.ts', 'schema-check.ts', 'oci', 'kinds'],
  publish: SHARED,
  doctor: SHARED,
  scaffold: SHARED,
  init: SHARED,
  adapters: SHARED,
  render: [],
  cli: ALL.filter((module) => module !== 'commands'),
  commands: ALL.filter((module) => module !== 'adapters' && module !== 'commands'),
};

/** Module -> what it may name as a type only, besides. A port lives with its consumer, so adapters name all of them. */
const MAY_NAME: Readonly<Record<string, readonly string[]>> = {
  toolchain: [],
  workspace: ['seal', 'builders'],
  kinds: ['builders'],
  seal: ['builders', 'workspace'],
  builders: ['workspace'],
  adapters: ['publish', 'doctor', 'init'],
  render: [...SHARED, 'publish', 'doctor', 'scaffold', 'init'],
};

/** Package or builtin -> the only places that may import it. */
const PLACES: readonly { readonly what: RegExp; readonly where: RegExp }[] = [
  { what: /^execa$/, where: /^adapters\/process\.ts$/ },
  { what: /^node:child_process$/, where: /^$/ },
  { what: /^(undici.*|node:https?|node:tls)$/, where: /^(oci\/|adapters\/github)/ },
  // A socket also serves as a lock that the system takes back when its owner dies.
  { what: /^node:net$/, where: /^(oci\/|adapters\/github|builders\/buildah-store)/ },
  { what: /^@sigstore\//, where: /^seal\// },
  { what: /^@octokit\//, where: /^adapters\/github/ },
  { what: /^@oclif\//, where: /^(cli|commands)\// },
];

/** Text that must not stand in a source, but for these files. */
const WORDS: readonly { readonly what: RegExp; readonly where: RegExp; readonly why: string }[] = [
  {
    what: /\bprocess\.(env|cwd|argv|stdin|stdout|stderr|exitCode)\b/,
    where: /^cli\//,
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
    where: /^(oci\/|seal\/|adapters\/(github|oidc))/,
    why: 'only oci/, seal/ and adapters/github speak HTTP',
  },
];

/** Files past 400 lines, each with the reason why it is better whole. */
const LONG: Readonly<Record<string, string>> = {};

/** `oci/registry.ts` -> `oci`, `errors.ts` -> `errors.ts`. */
function moduleOf(file: string): string {
  return file.split('/')[0] ?? file;
}

function isAllowed(from: string, { file, kind }: Import): boolean {
  if (file === undefined) return true;
  const own = moduleOf(from);
  const other = moduleOf(file);
  if (own === other) return own !== 'commands';
  const allowed = MAY_IMPORT[own] ?? [];
  return allowed.includes(other) || (kind === 'type' && (MAY_NAME[own] ?? []).includes(other));
}

describe('the house', () => {
  test('the rules name every module that there is', () => {
    expect([...new Set(files.map(moduleOf))].filter((module) => !(module in MAY_IMPORT))).toEqual([]);
  });

  test('a module imports only what its rule allows', () => {
    const offending = allImports
      .filter((entry) => !isAllowed(entry.from, entry))
      .map(({ from, line, specifier, kind }) => {
        const rule = [
          ...(MAY_IMPORT[moduleOf(from)] ?? []),
          ...(MAY_NAME[moduleOf(from)] ?? []).map((name) => `types of ${name}`),
        ];
        return `src/${from}:${line} imports ${specifier} (${kind}); ${moduleOf(from)} may import: ${rule.join(', ') || 'nothing'}`;
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
      .filter(({ file }) => file !== undefined && !sources.has(file))
      .map(({ from, line, specifier }) => `src/${from}:${line} imports ${specifier}`);
    expect(offending).toEqual([]);
  });

  test('there are no barrels and no drawers for odds and ends', () => {
    const barrels = [...sources].filter(([, source]) =>
      /^(export [^;=(]* from '[^']+';\s*)+$/.test(source.trim()),
    );
    const drawers = files.filter((file) => /(^|\/)(index|utils?|helpers?|common|misc)(\.ts$|\/)/.test(file));
    expect([...barrels.map(([file]) => file), ...drawers]).toEqual([]);
  });

  test('commands are thin, and a file past 400 lines has a reason', () => {
    const long = [...sources].flatMap(([file, source]) => {
      const lines = source.split('\n').length - 1;
      const limit = moduleOf(file) === 'commands' ? 60 : 400;
      return lines > limit && !(file in LONG) ? [`src/${file} has ${lines} lines of ${limit}`] : [];
    });
    expect(long).toEqual([]);
    expect(Object.keys(LONG).filter((file) => (sources.get(file) ?? '').split('\n').length <= 400)).toEqual(
      [],
    );
  });

  test('errors.ts stands alone', () => {
    expect(allImports.filter(({ from }) => from === 'errors.ts')).toEqual([]);
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
