import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { Errors } from 'typebox/schema';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { readDockerfile } from '../../src/builders/dockerfile/pins.ts';
import { readProtoFile } from '../../src/kinds/generators/connect/proto-file.ts';
import { eventSchema } from '../../src/kinds/generators/events/events.ts';
import { allKinds, bundledKinds, openKinds } from '../../src/kinds/kind.ts';
import { type Block, blocks, commandsOf, pages } from '../support/pages.ts';

const root = join(import.meta.dirname, '../..');
const json = (file: string) => JSON.parse(readFileSync(join(root, file), 'utf8'));

interface Flag {
  readonly type: 'boolean' | 'option';
  readonly char?: string;
  readonly multiple?: boolean;
  readonly options?: readonly string[];
}

interface Command {
  readonly args: Readonly<Record<string, { readonly multiple?: boolean }>>;
  readonly flags: Readonly<Record<string, Flag>>;
}

const commands: Readonly<Record<string, Command>> = json('oclif.manifest.json').commands;
const scripts = Object.keys(json('package.json').scripts);
const kinds = new Map(
  (await allKinds(await openKinds({ bundled: bundledKinds() }))).map((kind) => [kind.kind, kind]),
);
const all = blocks();
const shell = all.flatMap((block) => {
  if (block.language === 'sh') return [block];
  return block.subject === 'workflow' ? [{ ...block, text: stepsOf(block).join('\n') }] : [];
});

/** The commands of a GitHub Actions workflow. */
function stepsOf({ text }: Block): readonly string[] {
  const { jobs }: { jobs: Record<string, { steps: readonly { run?: string }[] }> } = parse(text);
  return Object.values(jobs).flatMap(({ steps }) => steps.flatMap(({ run }) => run ?? []));
}

/** What is wrong with a call, as the manifest and the inputs of kinds have it. */
function faultsOf([first = '', ...rest]: readonly string[]): readonly string[] {
  if (first === '--help') return [];
  // A topic has its commands below it: `gitops scaffold`.
  const [id, words] = first in commands ? [first, rest] : [`${first}:${rest[0]}`, rest.slice(1)];
  const command = commands[id];
  if (command === undefined) return [`${id} is no command`];
  const flags: Record<string, Flag> = { ...command.flags };
  const kind = words[words.indexOf('--kind') + 1] ?? '';
  if (id === 'scaffold') {
    for (const input of Object.keys(kinds.get(kind)?.inputs ?? {})) flags[input] = { type: 'option' };
  }
  const options = Object.entries(flags).map(([name, { type, char }]) => [
    name,
    {
      type: type === 'boolean' ? 'boolean' : 'string',
      multiple: true,
      ...(char && { short: char }),
    } as const,
  ]);
  const { values, positionals } = parseArgs({
    args: [...words],
    options: Object.fromEntries(options),
    allowNegative: true,
    allowPositionals: true,
  });
  const given = Object.entries(values).flatMap(([name, value]) =>
    [value].flat().map((each) => [name, each] as const),
  );
  const limit = Object.values(command.args).reduce((sum, { multiple }) => sum + (multiple ? 100 : 1), 0);
  return [
    ...given
      .filter(([name, value]) => !(flags[name]?.options?.includes(String(value)) ?? true))
      .map(([name, value]) => `--${name} does not take ${value}`),
    ...(positionals.length > limit ? [`${id} does not take ${positionals.join(' ')}`] : []),
  ];
}

describe('what the documentation shows', () => {
  test('is of a kind that is checked here', () => {
    expect(shell.length).toBeGreaterThan(5);
    const unknown = all.filter(
      ({ language, subject }) =>
        language !== 'sh' &&
        language !== 'proto' &&
        language !== 'dockerfile' &&
        // The plugin that they make up is run by test/e2e/plugins.test.ts.
        !subject.startsWith('plugin ') &&
        !(language === 'yaml' && (subject === 'workflow' || subject in FRAGMENTS)),
    );
    expect(unknown.map(({ page, line, language }) => `${page}:${line} ${language}`)).toEqual([]);
  });

  test('calls of primitive have the commands, flags and values that there are', () => {
    const calls = shell.flatMap((block) =>
      commandsOf(block).flatMap((words) => {
        const at = words.findIndex((word) => /^(primitive|\$PRIMITIVE)$/.test(word));
        return at < 0 ? [] : [{ place: `${block.page}:${block.line}`, words: words.slice(at + 1) }];
      }),
    );
    expect(calls.length).toBeGreaterThan(15);
    for (const { place, words } of calls) {
      expect(() => faultsOf(words), `${place} primitive ${words.join(' ')}`).not.toThrow();
      expect(faultsOf(words), `${place} primitive ${words.join(' ')}`).toEqual([]);
    }
  });

  test('proto files declare events, or are the options for that', () => {
    const [events, options] = all.filter(({ language }) => language === 'proto');
    const file = readProtoFile(`package acme.v1;\n${events?.text}`, 'docs');
    expect(eventSchema(file).events).toEqual([
      { type: 'acme.v1.InvoiceIssued', message: 'acme.v1.InvoiceIssued', subject: 'invoice.number' },
    ]);
    expect(file.types.get('acme.v1.Invoice')).toMatchObject({
      fields: [{ isRequired: true }, { isRequired: false }],
    });
    const template = 'templates/kinds/domain/files/proto/primitive/events/v1/events.proto.eta';
    expect(readFileSync(join(root, template), 'utf8')).toContain(options?.text);
  });

  test('scripts of npm are those of package.json', () => {
    const called = shell.flatMap((block) =>
      commandsOf(block).flatMap(([program, run, script]) =>
        program === 'npm' && (run === 'run' || run === 'test') ? [script ?? run, run] : [],
      ),
    );
    const names = called.filter((name) => name !== 'run' && !name.startsWith('-'));
    expect(names.filter((name) => !scripts.includes(name) && !name.startsWith('test/'))).toEqual([]);
  });

  test.each(all.filter(({ language, subject }) => language === 'yaml' && subject in FRAGMENTS))(
    'YAML is valid by its schema: $page:$line',
    ({ subject, text }) => {
      const { schema, rest } = FRAGMENTS[subject] ?? {};
      const document = { ...rest, ...parse(text) };
      expect(Errors(json(schema?.includes('/') ? schema : `schemas/${schema}.json`), document)[1]).toEqual(
        [],
      );
    },
  );

  test.each(all.filter(({ language }) => language === 'dockerfile'))(
    'Dockerfile has pinned bases and a user: $page:$line',
    ({ page, text }) => {
      const platforms = [{ os: 'linux', architecture: 'amd64' }] as const;
      const read = readDockerfile({ file: page, text, args: {}, bases: {}, platforms });
      expect(read.findings).toEqual([]);
      expect(read.target?.instructions.findLast(({ name }) => name === 'USER')?.rest).toBe('65532:65532');
    },
  );

  test('links lead to files, and to headings of them', () => {
    const broken = [...pages].flatMap(([page, text]) =>
      [...text.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)]+))?\)/g)].flatMap(
        ([link, target = '', heading]) => {
          const file = target === '' ? page : join(dirname(page), target);
          if (!existsSync(join(root, file))) return [`${page} ${link}`];
          return heading === undefined || headingsOf(file).includes(heading) ? [] : [`${page} ${link}`];
        },
      ),
    );
    expect(broken).toEqual([]);
  });
});

describe('the threat model', () => {
  const tables = (pages.get('docs/threats.md') ?? '').split('| attack | held by | test |\n').slice(1);
  const rows = tables.flatMap((table) => table.trimEnd().split('\n\n', 1)[0]?.split('\n').slice(1) ?? []);

  test('names for each attack a test that exists under that name', () => {
    expect(rows.length).toBeGreaterThan(20);
    const missing = rows.flatMap((row) => {
      const tests = [...row.matchAll(/\[([^\]]+)\]\(\.\.\/(test\/[^)]+)\)/g)];
      if (tests.length === 0) return [row];
      return tests.flatMap(([, name = '', file = '']) => {
        const text = readFileSync(join(root, file), 'utf8').replaceAll("\\'", "'");
        return text.includes(name) ? [] : [`${file}: ${name}`];
      });
    });
    expect(missing).toEqual([]);
  });
});

/** A kit.yaml, but its lanes. */
const KIT = {
  schema: 'primitive.kit/v1',
  organisation: 'acme',
  registry: 'ghcr.io/acme',
  repository: 'https://github.com/acme/gitops.git',
  branch: 'main',
  apiGroup: 'primitives.acme.internal',
  charts: 'sources/charts',
  kinds: ['domain'],
  clusters: [{ name: 'main', server: 'https://kubernetes.default.svc' }],
  previews: { repository: 'acme/app', label: 'preview', cluster: 'main' },
  lanes: [{ name: 'dev', cluster: 'main', namespace: 'acme-dev', digest: true }],
};

/** The schema of a block by what its fence names, and the keys that a fragment leaves out. */
const FRAGMENTS: Readonly<Record<string, { readonly schema: string; readonly rest?: object }>> = {
  config: { schema: 'primitive.config.v1', rest: { registry: 'ghcr.io/acme' } },
  primitive: { schema: 'primitive.primitive.v1', rest: { kind: 'domain', name: 'orders' } },
  kind: { schema: 'primitive.kind.v1' },
  suppressions: { schema: 'primitive.suppressions.v1' },
  advisories: { schema: 'primitive.advisories.v1' },
  kit: { schema: 'primitive.kit.v1', rest: KIT },
  values: {
    schema: 'templates/gitops/charts/primitive-runtime/values.schema.json',
    rest: { imagePolicy: { requireDigest: true } },
  },
};

/** Anchors as GitHub makes them. */
function headingsOf(file: string): readonly string[] {
  return [...(pages.get(file) ?? '').matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replace(/ /g, '-'),
  );
}
