import { posix } from 'node:path';
import type { Primitive, Subjects } from '../subjects.ts';
import type { WorkTree } from '../work-tree.ts';
import { goResolver } from './go-modules.ts';
import { npmResolver } from './npm-packages.ts';
import { isProto } from './proto.ts';
import { pythonResolver } from './python-projects.ts';
import { Repository } from './repository.ts';
import type { Language } from './source.ts';
import type { Resolver, Target } from './target.ts';

/** Resolves the imports of source files, each target once. */
export async function resolveImports(
  sources: readonly Subjects['source'][],
  tree: WorkTree,
  {
    primitivesFolder,
    ownerOf,
  }: { readonly primitivesFolder: string; readonly ownerOf: (path: string) => Primitive | undefined },
): Promise<readonly Subjects['import'][]> {
  const repository = await Repository.open(
    tree,
    sources.map(({ path }) => path),
  );
  const resolvers: Readonly<Record<Language, Resolver>> = {
    go: await goResolver(repository),
    ts: await npmResolver(repository),
    python: await pythonResolver(repository, primitivesFolder),
  };
  const resolved = await Promise.all(
    sources.map(async ({ language, imports, path, primitive }) => {
      const found: Subjects['import'][] = [];
      for (const { specifier, names = [], typeOnly, line, column } of imports) {
        const known = await targetsOf({ specifier, names }, path, resolvers[language]);
        const seen = new Set<string>();
        for (const { specifier, target } of known) {
          const owner = target.type === 'path' ? ownerOf(target.path) : undefined;
          // Of several targets in a primitive, one says it all.
          const key = JSON.stringify([specifier, owner?.id ?? target]);
          if (seen.has(key)) continue;
          seen.add(key);
          const proto = isProto(specifier, target, language, repository);
          found.push({
            language,
            specifier,
            names,
            typeOnly,
            line,
            column,
            target,
            owner,
            proto,
            path,
            primitive,
          });
        }
      }
      return found;
    }),
  );
  return resolved.flat();
}

interface Resolved {
  readonly specifier: string;
  readonly target: Target;
}

async function targetsOf(
  { specifier, names }: { readonly specifier: string | undefined; readonly names: readonly string[] },
  from: string,
  resolve: Resolver,
): Promise<readonly Resolved[]> {
  if (specifier === undefined) return [{ specifier: '', target: { type: 'unknown' } }];
  const found: Resolved[] = [];
  // A name that is imported from a package is a module of its own where there is a file for it.
  for (const name of names) {
    const module = /\.$/.test(specifier) ? `${specifier}${name}` : `${specifier}.${name}`;
    const [target] = await resolve(module, from);
    if (target?.type === 'path' && posix.extname(target.path) !== '')
      found.push({ specifier: module, target });
  }
  if (found.length === 0 || found.length < names.length) {
    found.push(...(await resolve(specifier, from)).map((target) => ({ specifier, target })));
  }
  return found;
}
