import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { messageOf, PrimitiveError } from '../core/errors.ts';
import { globFault } from '../core/glob.ts';
import { once } from '../core/once.ts';
import { packagePath } from '../core/package.ts';
import { pathFault } from '../core/path-fault.ts';
import { isRead, languageOfRunner } from '../languages/all.ts';
import { lookBelow } from '../repository/safe-path.ts';
import { isRegExp, processFaults, severalLanguages, suiteArgFaults } from '../repository/workload.ts';
import type { Fault } from '../yaml/fault.ts';
import { parseYaml } from '../yaml/read.ts';
import { KindFile } from './kind-document.ts';

/** A kind, from its `kind.yaml`. */
export type Kind = Omit<KindFile, '$schema'> & {
  /** The folder of its `kind.yaml` and `files/`, absolute. */
  readonly folder: string;
  /** As {@link openKinds} was told: a package, {@link REPOSITORY_KINDS}, or {@link OWN_KINDS}. */
  readonly source: string;
};

/** The kinds by name. A kind is called as its folder is, so that only those that are asked for need to be read. */
export interface Kinds {
  /** Sorted. */
  readonly names: readonly string[];
  /** Throws `kind-syntax`, `kind-unknown-key`, `kind-invalid` (exit 2, with line and column). */
  get(name: string): Promise<Kind | undefined>;
}

/** The folder beside the config with kinds of the repository's own, which is also their source. */
export const REPOSITORY_KINDS = 'kinds/';

/** The source of the kinds that come with this package. */
export const OWN_KINDS = 'primitive itself';

/** The folder of the kinds that come with this package. */
export function bundledKinds(): string {
  return packagePath('templates/kinds');
}

/** The `kind.yaml` of each kind that comes with this package, read and checked when it was bundled; none in the sources. */
const bundledKindFiles = once(async (): Promise<Readonly<Record<string, BundledKind>>> => {
  const text = await readFile(join(import.meta.dirname, BUNDLED_KINDS), 'utf8').catch(() => '{}');
  return JSON.parse(text);
});

/** The file beside the bundle that has the content of {@link Kind} by name. */
export const BUNDLED_KINDS = 'kinds.json';

/** Parsing YAML and checking it takes longer than all else that a command does at its start. */
export type BundledKind = Omit<Kind, 'folder' | 'source'>;

/**
 * The kinds of some folders, by who they are from; in each is a folder per kind with its `kind.yaml`: data, no code is
 * run. Throws `kinds-missing` (exit 3) and `kind-clash` (exit 2).
 */
export async function openKinds(sources: Readonly<Record<string, string>>): Promise<Kinds> {
  const found = new Map<string, { readonly folder: string; readonly source: string }>();
  for (const [source, folder] of Object.entries(sources)) {
    for (const name of await listKinds(folder, source === REPOSITORY_KINDS)) {
      const other = found.get(name);
      if (other !== undefined) throw clash(name, source, other.source);
      found.set(name, { folder, source });
    }
  }
  const read = new Map<string, Promise<Kind>>();
  return {
    names: [...found.keys()].sort(),
    get: async (name) => {
      const place = found.get(name);
      if (place === undefined) return undefined;
      const kind = read.get(name) ?? readKind(place.folder, name, place.source);
      read.set(name, kind);
      return kind;
    },
  };
}

/** The kinds that come with this package alone. */
export function ownKinds(): Promise<Kinds> {
  return openKinds({ [OWN_KINDS]: bundledKinds() });
}

/** The folders whose files a kind writes, absolute. */
export function templateFolders({ folder, shared = [] }: Pick<Kind, 'folder' | 'shared'>): readonly string[] {
  return [join(folder, 'files'), ...shared.map((name) => join(folder, '../../shared', name))];
}

/** The BPMN models of a primitive, from which code is generated; below its folder. */
export function modelFiles({ generators = [] }: Pick<Kind, 'generators'>): readonly string[] {
  const reads = generators.flatMap((generator) => (generator.run === 'bpmn' ? generator.reads : []));
  return reads.filter((path) => path.endsWith('.bpmn'));
}

/** The copy of another primitive's proto file, from which a client or events are generated; below the primitive's folder. */
export function protoCopy({ generators = [] }: Pick<Kind, 'generators'>): string | undefined {
  return generators.find(({ run }) => isClient(run) || run === 'events')?.reads[0];
}

/** Whether primitives of a kind have a client of their source. */
export function callsSource({ generators = [] }: Pick<Kind, 'generators'>): boolean {
  return generators.some(({ run }) => isClient(run));
}

function isClient(run: string): boolean {
  return ['connect', 'connect-go', 'connect-python'].includes(run);
}

/** Every kind, sorted by name. */
export async function allKinds(kinds: Kinds): Promise<readonly Kind[]> {
  const all = await Promise.all(kinds.names.map((name) => kinds.get(name)));
  return all.filter((kind) => kind !== undefined);
}

async function listKinds(folder: string, isRepository: boolean): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw new PrimitiveError('kinds-missing', `Cannot read the kinds in ${folder}.`, {
      why: 'the installation is incomplete',
      suggestions: ['npm install @ameide/primitive'],
      exit: 3,
      cause,
    });
  });
  const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  // A folder of a repository may be called so for another reason.
  return isRepository ? names.filter((name) => existsSync(join(folder, name, 'kind.yaml'))) : names;
}

async function readKind(folder: string, name: string, source: string): Promise<Kind> {
  const bundled = source === OWN_KINDS ? (await bundledKindFiles())[name] : undefined;
  if (bundled !== undefined) return { ...bundled, folder: join(folder, name), source };
  await refuseLinks(folder, [`${basename(folder)}/${name}/kind.yaml`]);
  const text = await readFile(join(folder, name, 'kind.yaml'), 'utf8').catch((cause: unknown) => {
    throw new PrimitiveError('kind-invalid', `Cannot read kind.yaml of the kind ${name}.`, {
      why: messageOf(cause),
      cause,
    });
  });
  const document = await parseYaml({ text, shown: `${name}/kind.yaml`, subject: 'kind' }, KindFile);
  const { $schema: _, ...kind } = document.value;
  const faults = [...pathFaults(kind), ...globFaults(kind), ...suiteFaults(kind), ...processFaults(kind)];
  if (kind.kind !== name) {
    const message = `the kind is called ${kind.kind} and its folder ${name}`;
    faults.push({ path: ['kind'], message });
  }
  if (!isRegExp(kind.names.pattern)) {
    const message = '`names.pattern` is not a regular expression';
    faults.push({ path: ['names', 'pattern'], message });
  }
  if (faults.length > 0) throw document.refusal(faults);
  await refuseLinks(
    folder,
    (kind.shared ?? []).map((shared) => `shared/${shared}`),
  );
  return { ...kind, folder: join(folder, name), source };
}

/**
 * A link of a package could lead to any file of this machine, which would become a part of the primitive. Paths are below the
 * folder that `folder` is in. Throws `kind-invalid` (exit 2).
 */
export async function refuseLinks(folder: string, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const found = await lookBelow(dirname(folder), path);
    if (found.type !== 'blocked' || !found.stats.isSymbolicLink()) continue;
    throw new PrimitiveError(
      'kind-invalid',
      `Cannot read ${join(dirname(folder), path)}: ${found.by} is a link.`,
      {
        why: 'files of a kind must not be links',
      },
    );
  }
}

/** A kind may come from a package: none of its paths may lead out of the primitive. */
function pathFaults({
  shared = [],
  files = [],
  generators = [],
  suites = [],
}: Omit<KindFile, '$schema'>): readonly Fault[] {
  const paths: (readonly [text: string, ...path: Fault['path']])[] = [
    ...shared.map((name, i) => [name, 'shared', i] as const),
    ...files.map(({ path }, i) => [path, 'files', i, 'path'] as const),
    ...generators.flatMap(({ id, writes, reads }, i) => [
      [id, 'generators', i, 'id'] as const,
      [writes, 'generators', i, 'writes'] as const,
      ...reads.map((text, j) => [text, 'generators', i, 'reads', j] as const),
    ]),
    ...suites.map(({ id }, i) => [id, 'suites', i, 'id'] as const),
  ];
  return paths.flatMap(([text, ...path]) => {
    const fault = pathFault(text);
    return fault === undefined
      ? []
      : [{ path, message: `${JSON.stringify(text)} is not a path in the primitive: ${fault}` }];
  });
}

/** They are matched against paths of a repository: with many ways to match, one name could take for ever. */
function globFaults({
  inputs = {},
  files = [],
  generators = [],
  imports = {},
}: Omit<KindFile, '$schema'>): readonly Fault[] {
  const globs: (readonly [text: string, ...path: Fault['path']])[] = [
    ...Object.entries(inputs).flatMap(([name, { match }]) =>
      match === undefined ? [] : [[match, 'inputs', name, 'match'] as const],
    ),
    ...files.map(({ path }, i) => [path, 'files', i, 'path'] as const),
    ...generators.flatMap(({ reads }, i) =>
      reads.map((text, j) => [text, 'generators', i, 'reads', j] as const),
    ),
    ...(imports.infra ?? []).map((text, i) => [text, 'imports', 'infra', i] as const),
  ];
  return globs.flatMap(([text, ...path]) => {
    const fault = globFault(text);
    return fault === undefined
      ? []
      : [{ path, message: `${JSON.stringify(text)} is not a valid pattern: ${fault}` }];
  });
}

/** A kind says which tests run, and starts nothing else. */
function suiteFaults({ language, suites = [] }: Omit<KindFile, '$schema'>): readonly Fault[] {
  const languages = [...new Set(suites.map(({ runner }) => languageOfRunner(runner)))];
  if (language === 'other' && languages.some(isRead)) {
    return [{ path: ['suites'], message: `\`suites\` of ${languages.join(', ')} need that \`language\`` }];
  }
  return [...severalLanguages(suites), ...suiteArgFaults(suites)];
}

function clash(kind: string, source: string, other: string): PrimitiveError {
  return new PrimitiveError('kind-clash', `Two kinds are named ${kind}: in ${other} and in ${source}.`, {
    why: 'names of kinds must be unique',
    suggestions: [
      `Rename the kind in ${source}, or remove ${source} from \`plugins\` in primitive.config.yaml.`,
    ],
  });
}
