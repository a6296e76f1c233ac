import { isBuiltin } from 'node:module';
import { posix } from 'node:path';
import { readJson, record } from './json.ts';
import type { Repository } from './repository.ts';
import type { Resolver, Target } from './target.ts';

/** A package.json, as far as it decides what imports mean. */
interface NpmPackage {
  readonly folder: string;
  readonly name: string | undefined;
  /** `#name` -> its targets, by condition. */
  readonly imports: Readonly<Record<string, unknown>>;
  /** Dependencies on folders: name -> folder. */
  readonly linked: ReadonlyMap<string, string>;
}

/** What a tsconfig.json says of names; folders and files relative to the root of the repository. */
interface Aliases {
  readonly baseUrl: string | undefined;
  readonly paths: readonly (readonly [pattern: string, targets: readonly string[]])[];
}

const SUFFIXES = ['', '.ts', '.tsx', '.mts', '.cts', '.d.ts', '.js', '.jsx', '.mjs', '.cjs', '.json'];
const NO_ALIASES: Aliases = { baseUrl: undefined, paths: [] };

/**
 * Resolves specifiers of TypeScript and JavaScript: relative paths, `#names` and own names of package.json, aliases of
 * tsconfig.json, and packages of the repository by name or by `file:` and `link:`.
 */
export async function npmResolver(repository: Repository): Promise<Resolver> {
  const packages = new Map<string, NpmPackage>();
  for (const file of repository.named('package.json')) {
    packages.set(file, npmPackage(readJson((await repository.text(file)) ?? ''), posix.dirname(file)));
  }
  const byName = new Map([...packages.values()].map(({ name, folder }) => [name, folder]));
  const aliases = new Map<string, Promise<Aliases>>();
  const aliasesOf = (from: string): Promise<Aliases> => {
    const file = repository.nearest(from, 'tsconfig.json') ?? repository.nearest(from, 'jsconfig.json');
    if (file === undefined) return Promise.resolve(NO_ALIASES);
    const known = aliases.get(file) ?? readAliases(repository, file, 0);
    aliases.set(file, known);
    return known;
  };
  const at = async (path: string): Promise<Target> => {
    const found = await repository.realPath(existing(repository, path) ?? path);
    return found === undefined ? { type: 'outside' } : { type: 'path', path: found };
  };

  const resolve: Resolver = async (specifier, from) => {
    if (/^(?:file:|\/)/.test(specifier)) return [{ type: 'outside' }];
    if (/^\.\.?(?:\/|$)/.test(specifier)) return [await at(posix.join(posix.dirname(from), specifier))];
    const own = packages.get(repository.nearest(from, 'package.json') ?? '');
    const [internal] = specifier.startsWith('#')
      ? matching(Object.entries(own?.imports ?? {}), specifier)
      : [];
    if (internal !== undefined && own !== undefined) {
      // Each condition may lead elsewhere.
      const targets = leaves(internal).map(async (target) =>
        target.startsWith('.') ? [await at(posix.join(own.folder, target))] : resolve(target, from),
      );
      return (await Promise.all(targets)).flat();
    }
    const { found, missing } = aliasOf(await aliasesOf(from), specifier, repository);
    if (found !== undefined) return [await at(found)];
    const name = packageName(specifier);
    const folder = own?.linked.get(name) ?? byName.get(name);
    const target: Target =
      folder === undefined || isBuiltin(specifier)
        ? { type: 'package', name: specifier }
        : await at(posix.join(folder, specifier.slice(name.length)));
    return missing === undefined ? [target] : [await at(missing), target];
  };
  return resolve;
}

/**
 * The path that tsconfig.json gives a name: of several, the first that is there. One that is missing may be built later,
 * or the name is that of a package, as it is for a pattern that every name matches.
 */
function aliasOf(
  { baseUrl, paths }: Aliases,
  specifier: string,
  repository: Repository,
): { readonly found?: string | undefined; readonly missing?: string | undefined } {
  const [aliased = []] = matching(paths, specifier);
  const found = aliased.find((path) => existing(repository, path) !== undefined);
  if (found !== undefined) return { found };
  const [[missing] = []] = matching(
    paths.filter(([pattern]) => pattern !== '*'),
    specifier,
  );
  return { found: baseUrl && existing(repository, posix.join(baseUrl, specifier)), missing };
}

/** The file that a path without its suffix means; a `.js` may be made from a `.ts`. */
function existing(repository: Repository, path: string): string | undefined {
  const stem = path.replace(/\.([cm]?)jsx?$/, '');
  for (const start of [path, stem, posix.join(path, 'index')]) {
    const suffix = SUFFIXES.find((one) => repository.files.has(`${start}${one}`));
    if (suffix !== undefined) return `${start}${suffix}`;
  }
  return undefined;
}

/** `@scope/name` of `@scope/name/sub/path`. */
export function packageName(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

function npmPackage(json: Readonly<Record<string, unknown>>, folder: string): NpmPackage {
  const dependencies = [
    'dependencies',
    'devDependencies',
    'optionalDependencies',
    'peerDependencies',
  ].flatMap((key) => Object.entries(record(json[key])));
  const linked = dependencies.flatMap(([name, version]) => {
    const path = /^(?:file|link|portal):(.+)$/.exec(String(version))?.[1];
    return path === undefined ? [] : [[name, posix.join(folder, path)] as const];
  });
  return {
    folder,
    name: typeof json.name === 'string' ? json.name : undefined,
    imports: record(json.imports),
    linked: new Map(linked),
  };
}

async function readAliases(repository: Repository, file: string, depth: number): Promise<Aliases> {
  const folder = posix.dirname(file);
  const json = readJson((await repository.text(file)) ?? '');
  const options = record(json.compilerOptions);
  const bases = [json.extends ?? []]
    .flat()
    .filter((base) => typeof base === 'string' && base.startsWith('.'));
  let inherited = NO_ALIASES;
  for (const base of depth < 10 ? bases : []) {
    const path = posix.join(folder, String(base));
    const found = [path, `${path}.json`].find((candidate) => repository.files.has(candidate));
    if (found !== undefined) inherited = await readAliases(repository, found, depth + 1);
  }
  const baseUrl =
    typeof options.baseUrl === 'string' ? posix.join(folder, options.baseUrl) : inherited.baseUrl;
  if (options.paths === undefined) return { baseUrl, paths: inherited.paths };
  const paths = Object.entries(record(options.paths)).map(([pattern, targets]) => {
    const all = Array.isArray(targets) ? targets.map(String) : [];
    return [pattern, all.map((target) => posix.join(baseUrl ?? folder, target))] as const;
  });
  return { baseUrl, paths };
}

/** What the best pattern says, with what its `*` matched put in; patterns are those of tsconfig.json and package.json. */
function matching<T>(entries: readonly (readonly [pattern: string, value: T])[], specifier: string): T[] {
  const matches = entries.flatMap(([pattern, value]) => {
    const [head = '', tail] = pattern.split('*');
    if (tail === undefined) return pattern === specifier ? [{ length: Infinity, value }] : [];
    if (!specifier.startsWith(head) || !specifier.endsWith(tail)) return [];
    const star = specifier.slice(head.length, specifier.length - tail.length);
    return [{ length: head.length, value: fill(value, star) }];
  });
  const [best] = matches.sort((a, b) => b.length - a.length);
  return best === undefined ? [] : [best.value];
}

function fill<T>(value: T, star: string): T {
  return JSON.parse(JSON.stringify(value), (_, item) =>
    typeof item === 'string' ? item.replaceAll('*', () => star) : item,
  );
}

/** All texts of a value: the targets of `imports` under every condition. */
function leaves(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(leaves) : [];
}
