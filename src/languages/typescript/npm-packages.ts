import { isBuiltin } from 'node:module';
import { posix } from 'node:path';
import { satisfies } from 'semver';
import { folderOf } from '../../core/path-parts.ts';
import { pathMentions } from '../mentions.ts';
import type { Dependency, OpenPackages, Resolve, Target } from '../packages.ts';
import type { SourceTree } from '../source-tree.ts';
import { aliasesOfBundlers, type BundlerAlias } from './bundler-aliases.ts';
import { type NpmPackage, packageName, readPackages, scriptMentions, textsIn } from './package-json.ts';
import { type Aliases, aliasReader, configPaths } from './tsconfig.ts';

const SUFFIXES = ['', '.ts', '.tsx', '.mts', '.cts', '.d.ts', '.js', '.jsx', '.mjs', '.cjs', '.json'];
/** They say where an install takes a package from, whatever its manifest says. */
const LOCKS = ['package-lock.json', 'npm-shrinkwrap.json', 'yarn.lock', 'pnpm-lock.yaml', 'bun.lock'];
/** A scheme or module that only a tool knows; of other schemes, what is behind it is a path or a package. */
const VIRTUAL = /^(?:virtual|astro|bun|cloudflare):|^k6(?:\/|$)/;
/** Modules that a framework makes, where the manifest names it. */
const FRAMEWORKS: Readonly<Record<string, RegExp>> = {
  '@docusaurus/core': /^@(?:theme(?:-original|-init)?|site|generated|docusaurus)\//,
  '@sveltejs/kit': /^\$(?:app|env|lib|service-worker)(?:\/|$)/,
  nuxt: /^(?:#|~~?\/|@@?\/)/,
};
/** Files of tools, which are no part of what is built. */
const TOOL_CONFIG = /(?:^|\/)[\w.-]+\.config\.[cm]?[jt]s$/;

/**
 * Resolves specifiers of TypeScript and JavaScript: relative paths, `#names` and own names of package.json, aliases of
 * tsconfig.json and Vite, and packages by what the importing package.json says of them: of the repository where it names
 * a folder, the workspace, or a version that the workspace has; else of the registry.
 */
export const npmPackages: OpenPackages = async (repository, { isTest, primitivesFolder }) => {
  const packages = await readPackages(repository);
  const byName = new Map(
    [...packages.values()].flatMap((one) => (one.name === undefined ? [] : [[one.name, one] as const])),
  );
  const isOverridden = [...packages.values()].some(({ overrides }) => overrides.size > 0);
  const aliasesOf = aliasReader(repository, (name) => byName.get(name)?.folder);
  const bundlers = aliasesOfBundlers(repository);
  const manifestsOf = (from: string): readonly NpmPackage[] => {
    const found: NpmPackage[] = [];
    for (let file = repository.nearest(from, 'package.json'); file !== undefined; ) {
      const manifest = packages.get(file);
      if (manifest !== undefined) found.push(manifest);
      const folder = folderOf(file);
      file = folder === '.' ? undefined : repository.nearest(folder, 'package.json');
    }
    return found;
  };
  /** What a manifest says of a package, and its folder: one above it may take something else in its place. */
  const saidOf = (name: string, manifest: NpmPackage | undefined) => {
    const { folder } = manifest ?? { folder: '.' };
    const above = isOverridden && manifest !== undefined ? manifestsOf(manifest.path) : [];
    for (const { overrides, folder } of above) {
      const spec = overrides.get(name)?.spec;
      // A version is no other package.
      if (spec?.includes(':')) return { spec, folder };
    }
    return { spec: manifest?.dependencies.get(name)?.spec, folder };
  };
  const at = (path: string): Target => {
    const found = repository.realPath(existing(repository, path) ?? path);
    return found === undefined ? { type: 'outside' } : { type: 'path', path: found };
  };
  const named = (specifier: string, manifest: NpmPackage | undefined): Target | undefined => {
    const name = packageName(specifier);
    const rest = specifier.slice(name.length);
    if (manifest?.name === name) return at(posix.join(manifest.folder, rest));
    const { spec, folder } = saidOf(name, manifest);
    const place = placeOf(name, spec, folder, byName);
    if ('folder' in place) return at(posix.join(place.folder, rest));
    return spec === undefined ? undefined : { type: 'package', name: place.name + rest, known: 'declared' };
  };

  /** Packages that a manifest names, and folders that it takes in place of packages. */
  const namedIn = (manifest: NpmPackage): readonly Dependency[] => {
    const { path, folder, dependencies, overrides } = manifest;
    const own = [...dependencies].flatMap(([specifier, { line }]): readonly Dependency[] => {
      const target = named(specifier, manifest);
      return target === undefined ? [] : [{ path, line, specifier, target }];
    });
    const others = [...overrides].flatMap(([specifier, { spec, line }]): readonly Dependency[] => {
      const place = placeOf(specifier, spec, folder, byName);
      return 'folder' in place ? [{ path, line, specifier, target: at(place.folder) }] : [];
    });
    return [...own, ...others];
  };
  /** Paths that a manifest gives names to. */
  const pathsIn = ({ path, folder, paths }: NpmPackage): readonly Dependency[] =>
    paths.map(({ spec, line }) => ({ path, line, specifier: spec, target: at(posix.join(folder, spec)) }));

  const resolverFor = async (from: string): Promise<Resolve> => {
    const [aliases, bundlerAliases] = await Promise.all([aliasesOf(from), bundlers.aliasesOf(from)]);
    const [own, ...above] = manifestsOf(from);
    const byName: Resolve = (specifier) => {
      const aliased = aliasTargets(specifier, aliases, bundlerAliases);
      if (aliased.isFound) return aliased.targets;
      const target = packageTarget(specifier, from, own, above);
      // The target of an alias need not exist yet.
      const isNamed =
        aliased.targets.length > 0 && target.type === 'package' && target.known === 'undeclared';
      return isNamed ? aliased.targets : [...aliased.targets, target];
    };
    const resolve: Resolve = (specifier) => {
      if (/^(?:file:|\/)/.test(specifier)) return [{ type: 'outside' }];
      if (/^\.\.?(?:\/|$)/.test(specifier)) return relative(specifier, from, aliases);
      if (isBuiltin(specifier)) return [{ type: 'package', name: specifier, known: 'standard' }];
      return internal(specifier, own, resolve) ?? byName(specifier);
    };
    return resolve;
  };

  /** Targets of `#name`, which package.json has under `imports`; each condition may lead elsewhere. */
  const internal = (specifier: string, own: NpmPackage | undefined, resolve: Resolve) => {
    if (own === undefined || !specifier.startsWith('#')) return undefined;
    const [entry] = matching(Object.entries(own.imports), specifier);
    if (entry === undefined) return undefined;
    return textsIn(entry).flatMap((target) =>
      target.startsWith('.') ? [at(posix.join(own.folder, target))] : resolve(target),
    );
  };

  /** A relative name may be in any folder of `rootDirs`. */
  const relative = (specifier: string, from: string, aliases: readonly Aliases[]) => {
    const path = posix.join(folderOf(from), specifier);
    const places = aliases.flatMap(({ rootDirs }) => {
      const root = rootDirs.find((one) => path.startsWith(`${one}/`));
      return root === undefined
        ? []
        : rootDirs.map((other) => posix.join(other, path.slice(root.length + 1)));
    });
    const found = [path, ...places].find((one) => existing(repository, one) !== undefined);
    return [at(found ?? path)];
  };

  const aliasTargets = (
    specifier: string,
    aliases: readonly Aliases[],
    bundlerAliases: readonly BundlerAlias[],
  ) => {
    const read = aliases.map((one) => aliasOf(one, specifier, repository));
    const found = new Set(read.flatMap((one) => one.found ?? []));
    for (const [name, target] of bundlerAliases) {
      if (specifier !== name && !specifier.startsWith(`${name.replace(/\/$/, '')}/`)) continue;
      if (target === undefined) return { isFound: true, targets: [unresolved(specifier)] };
      const rest = specifier.slice(name.length);
      // A target that is no path is another package.
      if (target.includes('/') || !byName.has(target)) found.add(posix.join(target, rest));
    }
    const missing = read.find((one) => one.missing !== undefined)?.missing;
    const paths = found.size > 0 ? [...found] : missing === undefined ? [] : [missing];
    return { isFound: found.size > 0, targets: paths.map(at) };
  };

  const packageTarget = (
    specifier: string,
    from: string,
    own: NpmPackage | undefined,
    above: readonly NpmPackage[],
  ): Target => {
    if (isVirtual(specifier, own)) return unresolved(specifier);
    // Deno and bundlers: `npm:pg@8/lib`.
    const plain = specifier.replace(/^(?:npm|jsr):\/?((?:@[^/]+\/)?[^/@]+)(?:@[^/]*)?/, '$1');
    const name = packageName(plain);
    const found = plain === specifier ? named(specifier, own) : undefined;
    if (found !== undefined) return found;
    if (own?.dependencies.has(typesOf(name))) return { type: 'package', name: plain, known: 'declared' };
    const tools = isTest(from) || TOOL_CONFIG.test(from) ? above : [];
    const manifest = tools.find(({ dependencies }) => dependencies.has(name));
    if (manifest !== undefined) return named(plain, manifest) ?? unresolved(plain);
    const place = own === undefined ? {} : { manifest: own.path };
    return { type: 'package', name: plain, known: 'undeclared', ...place };
  };

  return {
    placeOf: folderOf,
    resolverFor,
    mentions: async () => [
      ...(await scriptMentions(repository, primitivesFolder)),
      ...(await pathMentions(repository, primitivesFolder, ...LOCKS)),
    ],
    dependencies: async () => {
      const isOwn = ({ path }: { readonly path: string }) => path.startsWith(`${primitivesFolder}/`);
      const settings = (await configPaths(repository)).filter(isOwn);
      return [
        ...[...packages.values()].flatMap(namedIn),
        ...[...packages.values()].filter(isOwn).flatMap(pathsIn),
        ...settings.map(({ to, ...one }) => ({ ...one, target: at(to) })),
        ...(await bundlers.computed()).map((place) => ({ ...place, specifier: '', target: UNKNOWN })),
      ];
    },
  };
};

const UNKNOWN = { type: 'unknown' } as const;

/** Whether a tool makes the module, so that no manifest names it. */
function isVirtual(specifier: string, own: NpmPackage | undefined): boolean {
  if (own?.dependencies.has(packageName(specifier))) return false;
  const frameworks = Object.entries(FRAMEWORKS).filter(([name]) => own?.dependencies.has(name));
  return VIRTUAL.test(specifier) || frameworks.some(([, modules]) => modules.test(specifier));
}

function unresolved(name: string): Target {
  return { type: 'package', name, known: 'unresolved' };
}

/** `@types/a` of `a`, `@types/scope__a` of `@scope/a`. */
function typesOf(name: string): string {
  return `@types/${name.replace(/^@/, '').replace('/', '__')}`;
}

/**
 * The folder of a package in the repository, or its name in the registry, by what a manifest says of it. Without a word
 * of the manifest, package managers find what the workspace has of that name.
 */
function placeOf(
  name: string,
  spec: string | undefined,
  folder: string,
  byName: ReadonlyMap<string, NpmPackage>,
): { readonly folder: string } | { readonly name: string } {
  const path = spec === undefined ? undefined : /^(?:file|link|portal):(.+)$/.exec(spec)?.[1];
  if (path !== undefined) return { folder: posix.join(folder, path) };
  const [, alias] = /^(?:npm|workspace):((?:@[^/@]+\/)?[^/@]+)@/.exec(spec ?? '') ?? [];
  const real = alias ?? name;
  const own = byName.get(real);
  if (own === undefined || own.isRoot) return { name: real };
  return isOfWorkspace(spec, own) ? { folder: own.folder } : { name: real };
}

/** Whether a version is met by a package of the workspace, as package managers see it. */
function isOfWorkspace(spec: string | undefined, { version }: NpmPackage): boolean {
  if (spec === undefined || spec.startsWith('workspace:') || spec === '' || spec === '*') return true;
  const range = spec.replace(/^npm:(?:@[^/@]+\/)?[^/@]+@/, '');
  if (/^(?:latest|next|catalog:.*)$/.test(range)) return true;
  return version === undefined || satisfies(version, range, { includePrerelease: true });
}

/**
 * The path that tsconfig.json gives a name: of several, the first that is there. One that is missing may be built later,
 * or the name is that of a package, as it is for a pattern that every name matches.
 */
function aliasOf(
  { baseUrl, paths }: Aliases,
  specifier: string,
  repository: SourceTree,
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
function existing(repository: SourceTree, path: string): string | undefined {
  const stem = path.replace(/\.([cm]?)jsx?$/, '');
  for (const start of [path, stem, posix.join(path, 'index')]) {
    const suffix = SUFFIXES.find((one) => repository.files.has(`${start}${one}`));
    if (suffix !== undefined) return `${start}${suffix}`;
  }
  return undefined;
}

/** Target of the best pattern, with the text that its `*` matched; patterns are those of tsconfig.json and package.json. */
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
