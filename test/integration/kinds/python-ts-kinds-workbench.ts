import { createHash } from 'node:crypto';
import { access, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join, resolve } from 'node:path';
import { entityOf } from '../../../src/kinds/entity.ts';
import { withGenerated } from '../../../src/kinds/generators/built-in.ts';
import { type Kind, openKinds } from '../../../src/kinds/kind.ts';
import { type RenderedFile, render, templateVariables } from '../../../src/kinds/render.ts';
import type { SourcePrimitive } from '../../../src/kinds/source.ts';
import { readBases, readTemplate } from '../../../src/kinds/template.ts';
import { sampleSource } from '../../support/sample-source.ts';
import { attempt, run } from '../../support/services/run.ts';
import { tool, toolsDir } from '../../tools/locate.ts';
import { exclusively } from '../../tools/lock.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const TEMPLATES = join(ROOT, 'templates');
/** Installed dependencies, for the next run of the tests, too: one folder per lock file, the same for every name. */
const CACHE = join(toolsDir(), 'cache/kinds');
/** `python3` and `npm` of this machine, and the Node that runs this. */
export const PATH = [dirname(process.execPath), process.env.PATH].join(delimiter);

export type Files = ReadonlyMap<string, RenderedFile>;

/** What a kind writes for a name, in a workspace where every language has an entry; with a domain that it calls, if given. */
export async function scaffold(kind: Kind, name: string, source?: SourcePrimitive): Promise<Files> {
  const rendered = await renderFolder(
    kind,
    { name, source },
    join(TEMPLATES, 'kinds', kind.kind, 'files'),
    kind.files ?? [],
  );
  return (await withGenerated(kind.generators ?? [], rendered, { shown: '' })).files;
}

/** The reference implementation of a kind for that name: files to put in the place of the stubs. */
export async function reference(kind: Kind, name: string): Promise<Files> {
  const everything = [{ path: '**', owner: 'impl' as const }];
  return renderFolder(kind, { name }, join(ROOT, 'test/reference', kind.kind), everything);
}

/** The tests of the shared code of a kind, for a scaffold with that name. */
export async function platformTests(kind: Kind, name: string): Promise<Files> {
  const language = kind.kind === 'agent' ? 'python' : 'typescript';
  const everything = [{ path: '**', owner: 'impl' as const }];
  return renderFolder(kind, { name }, join(ROOT, 'test/platform', language), everything);
}

const LANGUAGES = { python: { prefix: 'acme' }, ts: { scope: '@acme' }, proto: { package: 'acme' } };

async function renderFolder(
  kind: Kind,
  { name, source }: { readonly name: string; readonly source?: SourcePrimitive | undefined },
  folder: string,
  rules: Parameters<typeof render>[1],
): Promise<Files> {
  const it = templateVariables(
    {
      kind: kind.kind,
      name,
      templateVersion: kind.version,
      image: `${kind.kind}-${name}`,
      inputs: {},
      source:
        source ?? (kind.inputs?.source?.optional ? undefined : await sampleDomain(name, entityOf(name))),
      bases: await readBases(join(TEMPLATES, 'bases.yaml')),
      run: kind.run,
    },
    LANGUAGES,
  );
  return render(readTemplate([folder]), rules, it);
}

/** A domain as it is scaffolded. */
export function sampleDomain(name: string, entity: string): Promise<SourcePrimitive> {
  return sampleSource({ kind: 'domain', name, entity }, LANGUAGES);
}

/** A kind of this project. */
export async function kindOf(name: string): Promise<Kind> {
  const kind = await (await openKinds({ test: join(TEMPLATES, 'kinds') })).get(name);
  if (kind === undefined) throw new Error(`there is no kind ${name}`);
  return kind;
}

export async function writeFiles(folder: string, files: Files): Promise<void> {
  for (const [path, { bytes }] of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), bytes);
  }
}

/**
 * Installs a uv project in its folder. Projects of this checkout with the same dependencies share an environment, each
 * of them editable in it, because Python compiles a package when it is first imported.
 */
export async function syncPython(folder: string): Promise<void> {
  const env = { UV_CACHE_DIR: join(CACHE, 'uv') };
  const lock = withoutName(await readFile(join(folder, 'uv.lock')));
  const environment = await installed('python', [Buffer.from(ROOT), lock], async (target) => {
    await run(tool('uv'), ['venv', '--quiet', '--allow-existing', target], { env });
  });
  await symlink(environment, join(folder, '.venv'));
  await run(tool('uv'), ['sync', '--quiet', '--frozen', '--inexact'], { cwd: folder, env });
}

/** A folder with the `node_modules` that a lock file lists. */
export async function nodeModules(manifest: Uint8Array, lock: Uint8Array): Promise<string> {
  const folder = await installed('node', [withoutName(manifest), withoutName(lock)], async (target) => {
    await writeFile(join(target, 'package.json'), manifest);
    await writeFile(join(target, 'package-lock.json'), lock);
    await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: target, env: { PATH } });
  });
  return join(folder, 'node_modules');
}

/** A manifest or lock file of npm or uv without the names of packages: the hashes say which those are. */
function withoutName(file: Uint8Array): Uint8Array {
  return Buffer.from(
    Buffer.from(file)
      .toString()
      .replaceAll(/"name": "[^"]*"|^name = ".*"/gm, ''),
  );
}

/** Installs once per input; what a run left that was broken off is installed anew. */
async function installed(
  what: string,
  inputs: readonly Uint8Array[],
  install: (folder: string) => Promise<void>,
): Promise<string> {
  const hash = createHash('sha256').update(process.version);
  for (const input of inputs) hash.update(input);
  const folder = join(CACHE, `${what}-${hash.digest('hex').slice(0, 16)}`);
  const done = join(folder, 'installed');
  return exclusively(
    CACHE,
    () => {},
    async () => {
      if (await exists(done)) return folder;
      await rm(folder, { recursive: true, force: true });
      await mkdir(folder, { recursive: true });
      await install(folder);
      await writeFile(done, '');
      return folder;
    },
  );
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** One case of a suite as the runner reported it. */
export interface Case {
  readonly id: string;
  readonly outcome: 'passed' | 'failed' | 'error' | 'skipped';
  /** All that the report says about it. */
  readonly report: string;
}

/** Runs a program in `folder` and reads the JUnit report that it leaves; that cases fail is no error here. */
export async function runSuite(
  folder: string,
  program: string,
  args: (report: string) => readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<readonly Case[]> {
  const reports = await mkdtemp(join(folder, '.report-'));
  const file = join(reports, 'junit.xml');
  const { stdout, stderr } = await attempt(program, args(file), { cwd: folder, env: { PATH, ...env } });
  const xml = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new Error(`${program} left no report\n${stdout}\n${stderr}`, { cause });
  });
  await rm(reports, { recursive: true });
  return readCases(xml);
}

/** The cases in a report of JUnit. */
export function readCases(xml: string): readonly Case[] {
  return [...xml.matchAll(/<testcase\b([^>]*?)(?:\/>|>(.*?)<\/testcase>)/gs)].map(
    ([, attributes = '', report = '']) => {
      const [, id = ''] = /\bname="([^"]*)"/.exec(attributes) ?? [];
      return { id: decode(id), outcome: outcomeOf(report), report: decode(report) };
    },
  );
}

function outcomeOf(report: string): Case['outcome'] {
  if (report.includes('<error')) return 'error';
  if (report.includes('<failure')) return 'failed';
  return report.includes('<skipped') ? 'skipped' : 'passed';
}

function decode(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&apos;', "'")
    .replaceAll('&#10;', '\n')
    .replaceAll('&amp;', '&');
}
