import { posix } from 'node:path';
import { isTest, LANGUAGE_IDS, type LanguageId, toolkitOf } from '../../../languages/all.ts';
import type { Packages } from '../../../languages/packages.ts';
import { SourceTree } from '../../../languages/source-tree.ts';
import type { InFile, Primitive, Subjects } from '../subjects.ts';
import type { Snapshot } from '../work-tree.ts';
import { hasOwnCode, protoIn } from './proto.ts';

/** Says what imports lead to. */
export interface ImportResolver {
  readonly repository: SourceTree;
  /** The imports of source files, in their order. */
  resolve(sources: readonly Subjects['source'][]): Promise<readonly Subjects['import'][]>;
  /** Dependencies in manifests, as imports of the manifest. */
  dependencies(): Promise<readonly Subjects['import'][]>;
}

/** Ports for resolving imports. */
export interface Owners {
  /** The folder of primitives, relative to the root of the repository. */
  readonly primitivesFolder: string;
  readonly ownerOf: (path: string) => Primitive | undefined;
  readonly inFile: (path: string) => Omit<InFile, 'path'>;
}

/** Reads the manifests of a repository; each target is resolved once. `plain` are files that are known to be no links. */
export async function openImports(
  tree: Snapshot,
  plain: Iterable<string>,
  { primitivesFolder, ownerOf, inFile }: Owners,
): Promise<ImportResolver> {
  const repository = await SourceTree.open(tree, plain);
  const opened = LANGUAGE_IDS.map(async (language) => {
    const { packages: open } = await toolkitOf(language);
    return [language, await open(repository, { primitivesFolder, isTest })] as const;
  });
  const packages = Object.fromEntries(await Promise.all(opened)) as Record<LanguageId, Packages>;
  const isProto = protoIn(repository);
  const leadTo = async (
    language: LanguageId,
    specifier: string | undefined,
    names: readonly string[],
    from: string,
  ) => {
    const targets = await targetsOf({ specifier, names }, from, packages[language].resolve);
    const found = new Map<string, Led>();
    for (const { specifier, target } of targets) {
      const owner = target.type === 'path' ? ownerOf(target.path) : undefined;
      // Of several targets in a primitive, one says it all.
      const key = targets.length === 1 ? '' : JSON.stringify([specifier, owner?.id ?? target]);
      if (found.has(key)) continue;
      const proto = isProto(specifier, target, language);
      const mixed = proto && target.type === 'path' && hasOwnCode(repository.filesIn(target.path), language);
      found.set(key, { specifier, target, owner, proto, ...(mixed ? { mixed } : {}) });
    }
    return [...found.values()];
  };
  /** Place -> import -> targets. */
  const known = new Map<string, Map<string, readonly Led[]>>();
  return {
    repository,
    resolve: async (sources) => {
      const resolved: Subjects['import'][] = [];
      for (const { language, imports, path, primitive, shippedBy } of sources) {
        const files = `${language} ${isTest(path) || path.includes('.config.')}`;
        for (const { specifier, names = [], typeOnly, line, column } of imports) {
          const key =
            names.length === 0 && specifier !== undefined ? specifier : JSON.stringify([specifier, names]);
          const place = `${files} ${packages[language].placeOf(specifier ?? '', path)}`;
          const inPlace = known.get(place) ?? new Map<string, readonly Led[]>();
          known.set(place, inPlace);
          const led = inPlace.get(key) ?? (await leadTo(language, specifier, names, path));
          inPlace.set(key, led);
          for (const one of led) {
            resolved.push({ language, names, typeOnly, line, column, path, primitive, shippedBy, ...one });
          }
        }
      }
      return resolved;
    },
    dependencies: async () => {
      const found: Subjects['import'][] = [];
      for (const language of LANGUAGE_IDS) {
        for (const { path, line, specifier, target } of await packages[language].dependencies()) {
          const owner = target.type === 'path' ? ownerOf(target.path) : undefined;
          const place = { path, line, column: 1, ...inFile(path) };
          const what = { specifier, target, owner, proto: false, names: [], typeOnly: false };
          found.push({ language, ...place, ...what, inManifest: true });
        }
      }
      return found;
    },
  };
}

type Resolved = Pick<Subjects['import'], 'specifier' | 'target'>;
type Led = Pick<Subjects['import'], 'specifier' | 'target' | 'owner' | 'proto' | 'mixed'>;

async function targetsOf(
  { specifier, names }: { readonly specifier: string | undefined; readonly names: readonly string[] },
  from: string,
  resolve: Packages['resolve'],
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
    const [target, ...more] = await resolve(specifier, from);
    // `from google.cloud import storage`: the manifest may name what is below.
    const isNamed =
      target?.type === 'package' &&
      target.known !== 'declared' &&
      target.known !== 'standard' &&
      (await areDeclared(specifier, names, from, resolve));
    const first = isNamed && target?.type === 'package' ? { ...target, known: 'declared' as const } : target;
    found.push(
      ...[...(first === undefined ? [] : [first]), ...more].map((one) => ({ specifier, target: one })),
    );
  }
  return found;
}

async function areDeclared(
  specifier: string,
  names: readonly string[],
  from: string,
  resolve: Packages['resolve'],
): Promise<boolean> {
  if (names.length === 0) return false;
  const targets = await Promise.all(names.map((name) => resolve(`${specifier}.${name}`, from)));
  return targets.every(([target]) => target?.type === 'package' && target.known === 'declared');
}
