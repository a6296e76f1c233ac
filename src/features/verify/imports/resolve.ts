import { posix } from 'node:path';
import type { LanguageId } from '../../../languages/all.ts';
import type { Primitive, Subjects } from '../subjects.ts';
import type { WorkTree } from '../work-tree.ts';
import { goResolver } from './go-modules.ts';
import { npmResolver } from './npm-packages.ts';
import { protoIn } from './proto.ts';
import { pythonResolver } from './python-projects.ts';
import { Repository } from './repository.ts';
import type { Resolver } from './target.ts';

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
  const resolvers: Readonly<Record<LanguageId, Resolver>> = {
    go: await goResolver(repository),
    ts: await npmResolver(repository),
    python: await pythonResolver(repository, primitivesFolder),
  };
  const isProto = protoIn(repository);
  const leadTo = async (
    language: LanguageId,
    specifier: string | undefined,
    names: readonly string[],
    from: string,
  ) => {
    const targets = await targetsOf({ specifier, names }, from, resolvers[language]);
    const found = new Map<string, Led>();
    for (const { specifier, target } of targets) {
      const owner = target.type === 'path' ? ownerOf(target.path) : undefined;
      // Of several targets in a primitive, one says it all.
      const key = targets.length === 1 ? '' : JSON.stringify([specifier, owner?.id ?? target]);
      if (found.has(key)) continue;
      found.set(key, { specifier, target, owner, proto: isProto(specifier, target, language) });
    }
    return [...found.values()];
  };
  /** What an import leads to is the same in all files of a folder. */
  const known = new Map<string, readonly Led[]>();
  const resolved: Subjects['import'][] = [];
  for (const { language, imports, path, primitive, shippedBy } of sources) {
    const folder = posix.dirname(path);
    for (const { specifier, names = [], typeOnly, line, column } of imports) {
      const key = JSON.stringify([language, folder, specifier, names]);
      const led = known.get(key) ?? (await leadTo(language, specifier, names, path));
      known.set(key, led);
      for (const one of led) {
        resolved.push({ language, names, typeOnly, line, column, path, primitive, shippedBy, ...one });
      }
    }
  }
  return resolved;
}

type Resolved = Pick<Subjects['import'], 'specifier' | 'target'>;
type Led = Pick<Subjects['import'], 'specifier' | 'target' | 'owner' | 'proto'>;

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
