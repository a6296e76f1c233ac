import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PrimitiveError } from '../core/errors.ts';
import { parseYaml } from '../yaml/read.ts';
import { KindFile } from './kind-document.ts';

/** What is known of a kind, from its `kind.yaml`. */
export type Kind = Omit<KindFile, '$schema'> & {
  /** The folder of its `kind.yaml` and `files/`, absolute. */
  readonly folder: string;
};

/** All kinds by name. */
export type Kinds = ReadonlyMap<string, Kind>;

/** Kinds by name, for who needs few of them; {@link Kinds} are one. */
export interface KindLookup {
  keys(): Iterable<string>;
  get(kind: string): Kind | undefined | Promise<Kind | undefined>;
}

/** The folder of the kinds that come with this package, found from the source as from the bundle. */
export function bundledKinds(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, 'templates', 'kinds')) && folder !== dirname(folder))
    folder = dirname(folder);
  return join(folder, 'templates', 'kinds');
}

/**
 * Reads the kinds of a folder that holds one folder per kind, each with its `kind.yaml`: data, no code is run.
 *
 * Throws `kind-syntax`, `kind-unknown-key`, `kind-invalid` (exit 2, with line and column) and `kinds-missing` (exit 3).
 */
export async function readKinds(folder: string): Promise<Kinds> {
  const names = await listKinds(folder);
  const kinds = await Promise.all(names.map((name) => readKind(folder, name)));
  return new Map(kinds.map((kind) => [kind.kind, kind]));
}

/** As {@link readKinds}, each read when it is first asked for: of six, a repository may use one. */
export async function openKinds(folder: string): Promise<KindLookup> {
  const names = await listKinds(folder);
  const read = new Map<string, Promise<Kind>>();
  return {
    keys: () => names,
    get: async (name) => {
      if (!names.includes(name)) return undefined;
      const kind = read.get(name) ?? readKind(folder, name);
      read.set(name, kind);
      return kind;
    },
  };
}

async function listKinds(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch((cause: unknown) => {
    throw new PrimitiveError('kinds-missing', `The kinds cannot be read: ${folder}`, {
      why: 'the installation is not complete',
      suggestions: ['npm install @ameide/primitive'],
      exit: 3,
      cause,
    });
  });
  return names.sort();
}

async function readKind(folder: string, name: string): Promise<Kind> {
  const text = await readFile(join(folder, name, 'kind.yaml'), 'utf8').catch((cause: unknown) => {
    throw new PrimitiveError('kind-invalid', `${name} is no kind: it has no kind.yaml.`, { cause });
  });
  const document = await parseYaml({ text, shown: `${name}/kind.yaml`, subject: 'kind' }, KindFile);
  const { $schema: _, ...kind } = document.value;
  if (kind.kind !== name) {
    throw document.refusal([
      { path: ['kind'], message: `the kind is called ${kind.kind} and its folder ${name}` },
    ]);
  }
  if (!isRegExp(kind.names.pattern)) {
    throw document.refusal([
      { path: ['names', 'pattern'], message: '`names.pattern` is not a regular expression' },
    ]);
  }
  return { ...kind, folder: join(folder, name) };
}

function isRegExp(text: string): boolean {
  try {
    return new RegExp(text, 'u') instanceof RegExp;
  } catch {
    return false;
  }
}
