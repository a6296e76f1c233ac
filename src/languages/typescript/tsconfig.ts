import { posix } from 'node:path';
import { readJson, record } from '../../core/json.ts';
import type { SourceTree } from '../source-tree.ts';
import { packageName } from './package-json.ts';

/** Settings of a tsconfig.json that affect names; folders and files relative to the root of the repository. */
export interface Aliases {
  readonly baseUrl: string | undefined;
  readonly paths: readonly (readonly [pattern: string, targets: readonly string[]])[];
  /** Folders that count as one. */
  readonly rootDirs: readonly string[];
}

const NONE: Aliases = { baseUrl: undefined, paths: [], rootDirs: [] };
/** Files that name others, one after the other, before they count as a circle. */
const DEPTH = 10;

/** Folders of packages by name: `extends` may name a package of the repository. */
type FolderOf = (name: string) => string | undefined;

/**
 * The aliases for a file: those of the nearest tsconfig.json or jsconfig.json, and of each that it refers to by
 * `references`: which of these the file belongs to is not asked, so that all count.
 */
export function aliasReader(
  repository: SourceTree,
  folderOf: FolderOf,
): (from: string) => Promise<readonly Aliases[]> {
  const known = new Map<string, Promise<readonly Aliases[]>>();
  return (from) => {
    const file = repository.nearest(from, 'tsconfig.json') ?? repository.nearest(from, 'jsconfig.json');
    if (file === undefined) return Promise.resolve([]);
    const read = known.get(file) ?? readProject(repository, file, folderOf);
    known.set(file, read);
    return read;
  };
}

async function readProject(
  repository: SourceTree,
  file: string,
  folderOf: FolderOf,
): Promise<readonly Aliases[]> {
  const files = new Set([file]);
  for (const one of files) {
    const { references } = readJson((await repository.text(one)) ?? '');
    for (const reference of Array.isArray(references) ? references : []) {
      const path = posix.join(posix.dirname(one), String(record(reference).path ?? ''));
      const found = [path, posix.join(path, 'tsconfig.json')].find((candidate) =>
        repository.files.has(candidate),
      );
      // A project of another folder has its own files.
      if (found !== undefined && posix.dirname(found) === posix.dirname(file)) files.add(found);
    }
  }
  return Promise.all([...files].map((one) => readAliases(repository, one, folderOf, 0)));
}

async function readAliases(
  repository: SourceTree,
  file: string,
  folderOf: FolderOf,
  depth: number,
): Promise<Aliases> {
  const folder = posix.dirname(file);
  const json = readJson((await repository.text(file)) ?? '');
  const options = record(json.compilerOptions);
  let inherited = NONE;
  for (const base of depth < DEPTH ? [json.extends ?? []].flat() : []) {
    const found = baseFile(repository, String(base), folder, folderOf);
    if (found === undefined) continue;
    const read = await readAliases(repository, found, folderOf, depth + 1);
    inherited = {
      baseUrl: read.baseUrl ?? inherited.baseUrl,
      paths: read.paths.length > 0 ? read.paths : inherited.paths,
      rootDirs: read.rootDirs.length > 0 ? read.rootDirs : inherited.rootDirs,
    };
  }
  const baseUrl =
    typeof options.baseUrl === 'string' ? posix.join(folder, options.baseUrl) : inherited.baseUrl;
  return {
    baseUrl,
    paths: options.paths === undefined ? inherited.paths : pathsOf(options.paths, baseUrl ?? folder),
    rootDirs: Array.isArray(options.rootDirs)
      ? options.rootDirs.map((one) => posix.join(folder, String(one)))
      : inherited.rootDirs,
  };
}

function pathsOf(paths: unknown, folder: string): Aliases['paths'] {
  return Object.entries(record(paths)).map(([pattern, targets]) => {
    const all = Array.isArray(targets) ? targets.map(String) : [];
    return [pattern, all.map((target) => posix.join(folder, target))] as const;
  });
}

/** A path in a file of settings. */
interface ConfigPath {
  /** The file of settings. */
  readonly path: string;
  readonly line: number;
  /** As it is written. */
  readonly specifier: string;
  /** Relative to the root of the repository. */
  readonly to: string;
}

const CONFIGS = /(?:^|\/)(?:[tj]sconfig(?:\.[\w-]+)?\.json|deno\.jsonc?)$/;

/** Code that a tsconfig.json compiles or refers to, and names that a deno.json gives a file, by relative paths. */
export async function configPaths(repository: SourceTree): Promise<readonly ConfigPath[]> {
  const found: ConfigPath[] = [];
  for (const path of repository.files) {
    if (!CONFIGS.test(path)) continue;
    const text = (await repository.text(path)) ?? '';
    const { files, include, references, imports, compilerOptions, extends: bases } = readJson(text);
    const { types, typeRoots } = record(compilerOptions);
    const referred = [references].flat().map((one) => record(one).path);
    const named = [
      files,
      include,
      types,
      typeRoots,
      bases,
      ...referred,
      ...Object.values(record(imports)),
    ].flat();
    const lines = text.split('\n');
    for (const one of named) {
      if (typeof one !== 'string' || !/^\.\.?\//.test(one)) continue;
      // Of a pattern, the folder that it looks into.
      const [fixed = ''] = one.split(/[*?{]/, 1);
      const line = lines.findIndex((text) => text.includes(one)) + 1 || 1;
      found.push({ path, line, specifier: one, to: posix.join(posix.dirname(path), fixed) });
    }
  }
  return found;
}

/** The file that `extends` names. */
function baseFile(
  { files }: SourceTree,
  base: string,
  folder: string,
  folderOf: FolderOf,
): string | undefined {
  const name = packageName(base);
  const start = base.startsWith('.') ? folder : folderOf(name);
  if (start === undefined) return undefined;
  const path = posix.join(start, base.startsWith('.') ? base : base.slice(name.length));
  return [path, `${path}.json`, posix.join(path, 'tsconfig.json')].find((one) => files.has(one));
}
