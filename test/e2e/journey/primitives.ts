import { existsSync } from 'node:fs';
import { readFile, symlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { render, templateVariables } from '../../../src/kinds/render.ts';
import { readBases, readTemplate } from '../../../src/kinds/template.ts';
import { readManifest } from '../../../src/repository/provenance.ts';
import { go } from '../../integration/kinds/go-kinds-lab.ts';
import {
  kindOf,
  nodeModules,
  PATH,
  syncPython,
  writeFiles,
} from '../../integration/kinds/python-ts-kinds-workbench.ts';
import type { Call, Packed } from '../../support/packed.ts';
import { sampleSource } from '../../support/sample-source.ts';
import { run } from '../../support/services/run.ts';

/** The primitives of the system: natural names, one of each kind. */
export const NAMES = {
  domain: 'orders',
  projection: 'order-list',
  process: 'fulfilment',
  integration: 'order-desk',
  agent: 'concierge',
  uisurface: 'shop',
} as const;
export type KindName = keyof typeof NAMES;

/** What says more than the kind and the name. */
const FLAGS: Readonly<Partial<Record<KindName, readonly string[]>>> = {
  projection: ['--source', 'domain/orders'],
  integration: ['--entity', 'order'],
  uisurface: ['--source', 'domain/orders'],
};

const ROOT = join(import.meta.dirname, '../../..');

/** What owners add for this system. */
const OWNERS_FILES = join(import.meta.dirname, 'owners-files');
const LANGUAGES = {
  go: { module: 'github.com/acme/app' },
  ts: { scope: '@acme' },
  python: { prefix: 'acme' },
  proto: { package: 'acme' },
};

/** The program of each kind: how it is started, without its arguments, and the primitive that it is of. */
export type Programs = Readonly<
  Record<KindName, { readonly folder: string; readonly command: readonly [string, ...string[]] }>
>;

/** Builds the primitives in a repository. */
export async function buildPrimitives(repository: string): Promise<Programs> {
  const programs = {} as Record<KindName, Programs[KindName]>;
  for (const [kind, name] of Object.entries(NAMES) as [KindName, string][]) {
    const folder = join(repository, 'primitives', kind, name);
    programs[kind] = { folder, command: await BUILD[kind](folder) };
  }
  return programs;
}

/** Scaffolds all kinds with the CLI into a repository that has a config, and implements them as in test/reference. */
export async function scaffoldPrimitives(cli: Packed, repository: string): Promise<void> {
  await scaffoldBy((args) => cli.run(args, { cwd: repository }));
  await implementPrimitives(repository);
}

/** Scaffolds all kinds by a CLI that runs in a repository. */
export async function scaffoldBy(call: (args: readonly string[]) => Promise<Call>): Promise<void> {
  for (const [kind, name] of Object.entries(NAMES) as [KindName, string][]) {
    const args = ['scaffold', '--kind', kind, '--name', name, ...(FLAGS[kind] ?? [])];
    const { code, stdout, stderr } = await call(args);
    if (code !== 0) throw new Error(`primitive ${args.join(' ')}: exit code ${code}\n${stdout}${stderr}`);
  }
}

/** Implements all kinds as in the test/reference of some sources of this project. */
export async function implementPrimitives(repository: string, sources = ROOT): Promise<void> {
  for (const [kind, name] of Object.entries(NAMES) as [KindName, string][]) {
    const source = FLAGS[kind]?.includes('--source') ? { name: NAMES.domain, entity: 'order' } : undefined;
    await implement(repository, { kind, name, source }, [
      join(sources, 'test/reference', kind),
      join(OWNERS_FILES, kind),
    ]);
  }
}

const BUILD: Readonly<Record<KindName, (folder: string) => Promise<readonly [string, ...string[]]>>> = {
  domain: build,
  projection: build,
  process: build,
  integration: build,
  agent: installAgent,
  uisurface: installPages,
};

/** Builds the program of a primitive in Go. */
export async function build(
  folder: string,
  program = join(folder, 'bin/server'),
): Promise<readonly [string]> {
  const { code, stderr } = await go(folder, ['build', '-o', program, './cmd/server']);
  if (code !== 0) throw new Error(`${folder} does not compile\n${stderr}`);
  return [program];
}

/** Installs what an agent imports. */
export async function installAgent(folder: string): Promise<readonly [string, ...string[]]> {
  await syncPython(folder);
  return [join(folder, '.venv/bin/python'), '-m', `acme_agent_${basename(folder)}`];
}

/** Builds a surface. */
export async function installPages(folder: string): Promise<readonly [string, ...string[]]> {
  const [manifest, lock] = [join(folder, 'package.json'), join(folder, 'package-lock.json')];
  await symlink(
    await nodeModules(await readFile(manifest), await readFile(lock)),
    join(folder, 'node_modules'),
  );
  await run('npm', ['run', 'build'], { cwd: folder, env: { PATH } });
  return [process.execPath, join(folder, 'dist/main.js')];
}

/** The variables that the Dockerfile of a primitive sets. */
export async function imageEnvironment(folder: string): Promise<Record<string, string>> {
  const dockerfile = await readFile(join(folder, 'Dockerfile'), 'utf8');
  const [, block = ''] =
    /^ENV ((?:.*\\\n)*.*)$/m.exec(dockerfile.slice(dockerfile.lastIndexOf('FROM '))) ?? [];
  const variables = [...block.matchAll(/([A-Z_]+)=(\S+)/g)].map(([, name = '', value = '']) => [name, value]);
  return Object.fromEntries(variables.filter(([name]) => !/PATH$/.test(name ?? '')));
}

/** A primitive, and the domain that it was scaffolded for by `--source`. */
export interface Implemented {
  readonly kind: KindName;
  readonly name: string;
  readonly source?: { readonly name: string; readonly entity: string } | undefined;
}

/** Puts files in the place of the stubs: of some folders, by default of test/reference. */
export async function implement(
  repository: string,
  { kind, name, source }: Implemented,
  folders = [join(ROOT, 'test/reference', kind)],
): Promise<void> {
  const folder = join(repository, 'primitives', kind, name);
  const shown = `primitives/${kind}/${name}/primitive.yaml`;
  const manifest = await readManifest(await readFile(join(repository, shown), 'utf8'), shown);
  const { run: ports } = await kindOf(kind);
  const it = templateVariables(
    {
      kind,
      name,
      templateVersion: 1,
      image: `${kind}-${name}`,
      inputs: manifest.provenance?.inputs ?? {},
      source: source && (await sampleSource({ kind: 'domain', ...source }, LANGUAGES)),
      bases: await readBases(join(ROOT, 'templates/bases.yaml')),
      run: ports,
    },
    LANGUAGES,
  );
  const everything = [{ path: '**', owner: 'impl' as const }];
  for (const from of folders.filter(existsSync)) {
    const rendered = render(readTemplate([from]), everything, it);
    await writeFiles(folder, rendered);
  }
}
