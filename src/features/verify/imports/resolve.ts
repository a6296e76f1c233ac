import { posix } from 'node:path';
import { folderOf } from '../../../core/path-parts.ts';
import { isTest, LANGUAGE_IDS, type LanguageId, toolkitOf } from '../../../languages/all.ts';
import type { Packages, Resolve } from '../../../languages/packages.ts';
import { SourceTree } from '../../../languages/source-tree.ts';
import type { InFile, Primitive, Subjects } from '../subjects.ts';
import type { Snapshot } from '../work-tree.ts';
import { mentionedIn } from './mentioned.ts';
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
  const leadTo = (
    language: LanguageId,
    specifier: string | undefined,
    names: readonly string[],
    resolve: Resolve,
  ): readonly Led[] => {
    const targets = targetsOf({ specifier, names }, resolve);
    const led = targets.map(({ specifier, target }): Led => {
      const owner = target.type === 'path' ? ownerOf(target.path) : undefined;
      const proto = isProto(specifier, target, language);
      const mixed = proto && target.type === 'path' && hasOwnCode(repository.filesIn(target.path), language);
      return { specifier, target, owner, proto, ...(mixed ? { mixed } : {}) };
    });
    if (led.length === 1) return led;
    // Of several targets in a primitive, one says it all.
    const keyOf = ({ specifier, target, owner }: Led) => JSON.stringify([specifier, owner?.id ?? target]);
    return [...Map.groupBy(led, keyOf).values()].flatMap(([first]) => first ?? []);
  };
  const places = new Map<string, Place>();
  const placeNamed = async (name: string, language: LanguageId, from: string): Promise<Place> => {
    const known = places.get(name);
    if (known !== undefined) return known;
    const place = { resolve: await packages[language].resolverFor(from), whole: new Map(), named: new Map() };
    places.set(name, place);
    return place;
  };
  const ledIn = (
    place: Place,
    language: LanguageId,
    specifier: string | undefined,
    names: readonly string[],
  ): readonly Led[] => {
    const known = names.length === 0 ? place.whole : place.named;
    const key = names.length === 0 ? specifier : JSON.stringify([specifier, names]);
    const before = known.get(key);
    if (before !== undefined) return before;
    const led = leadTo(language, specifier, names, place.resolve);
    known.set(key, led);
    return led;
  };
  /** Texts of manifests that lead into a primitive that is not among the manifest's dependencies. */
  const mentionedInManifests = async (language: LanguageId, said: readonly Subjects['import'][]) => {
    const found: Subjects['import'][] = [];
    for (const { path, mentions } of await packages[language].mentions()) {
      const resolve = await packages[language].resolverFor(path);
      const place = { path, ...inFile(path) };
      const isSaid = (owner: Primitive) => said.some((one) => one.path === path && one.owner === owner);
      for (const one of mentionedIn(mentions, {
        language,
        repository,
        path,
        own: place.primitive,
        ownerOf,
        resolve,
      }))
        if (!isSaid(one.owner)) found.push({ language, ...one, ...TEXT, ...place, inManifest: true });
    }
    return found;
  };
  return {
    repository,
    resolve: async (sources) => {
      const resolved: Subjects['import'][] = [];
      for (const { language, imports, mentions, path, primitive, shippedBy } of sources) {
        const first = resolved.length;
        const files = `${language} ${isTest(path) || path.includes('.config.')}`;
        let beside: Place | undefined;
        let within: Place | undefined;
        for (const { specifier, names = NONE, typeOnly, line, column } of imports) {
          const isRelative = specifier?.startsWith('.') === true;
          if (isRelative) beside ??= await placeNamed(`${files} ${folderOf(path)}`, language, path);
          else within ??= await placeNamed(`${files} ${packages[language].placeOf(path)}`, language, path);
          const place = (isRelative ? beside : within) as Place;
          for (const one of ledIn(place, language, specifier, names))
            resolved.push({ ...one, language, names, typeOnly, line, column, path, primitive, shippedBy });
        }
        if (mentions === undefined) continue;
        within ??= await placeNamed(`${files} ${packages[language].placeOf(path)}`, language, path);
        const { resolve } = within;
        const found = mentionedIn(mentions, { language, repository, path, own: primitive, ownerOf, resolve });
        resolved.push(
          ...besides(found, resolved.slice(first)).map(
            (one) => ({ ...one, ...TEXT, language, path, primitive, shippedBy }) as const,
          ),
        );
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
        found.push(...(await mentionedInManifests(language, found)));
      }
      return found;
    },
  };
}

/** Texts, without those whose line or path an import of the same file has. */
function besides(
  found: ReturnType<typeof mentionedIn>,
  imports: readonly Subjects['import'][],
): ReturnType<typeof mentionedIn> {
  const isSaid = new Set(
    imports.flatMap(({ owner, line, specifier }) =>
      owner === undefined ? [] : [`${owner.id} ${line}`, specifier.replace(/^file:/, '')],
    ),
  );
  return found.filter(
    ({ owner, line, specifier }) => !isSaid.has(`${owner.id} ${line}`) && !isSaid.has(specifier),
  );
}

const TEXT = { proto: false, names: [], typeOnly: false, mentioned: true } as const;

const NONE: readonly string[] = [];

type Resolved = Pick<Subjects['import'], 'specifier' | 'target'>;
type Led = Pick<Subjects['import'], 'specifier' | 'target' | 'owner' | 'proto' | 'mixed'>;

/** Files in which a specifier means the same, with what is known of specifiers there. */
interface Place {
  readonly resolve: Resolve;
  /** Specifiers of imports that name nothing of a module; undefined for one that only the running program knows. */
  readonly whole: Map<string | undefined, readonly Led[]>;
  /** Specifiers with the names that are imported from them, as JSON. */
  readonly named: Map<string | undefined, readonly Led[]>;
}

function targetsOf(
  { specifier, names }: { readonly specifier: string | undefined; readonly names: readonly string[] },
  resolve: Resolve,
): readonly Resolved[] {
  if (specifier === undefined) return [{ specifier: '', target: { type: 'unknown' } }];
  if (names.length === 0) return resolve(specifier).map((target) => ({ specifier, target }));
  const found: Resolved[] = [];
  // A name that is imported from a package is a module of its own if there is a file for it.
  for (const name of names) {
    const module = specifier.endsWith('.') ? `${specifier}${name}` : `${specifier}.${name}`;
    const [target] = resolve(module);
    if (target?.type === 'path' && posix.extname(target.path) !== '')
      found.push({ specifier: module, target });
  }
  if (found.length < names.length) {
    const [target, ...more] = resolve(specifier);
    // `from google.cloud import storage`: the manifest may name what is below.
    const isNamed =
      target?.type === 'package' &&
      target.known !== 'declared' &&
      target.known !== 'standard' &&
      areDeclared(specifier, names, resolve);
    const first = isNamed && target?.type === 'package' ? { ...target, known: 'declared' as const } : target;
    found.push(
      ...[...(first === undefined ? [] : [first]), ...more].map((one) => ({ specifier, target: one })),
    );
  }
  return found;
}

function areDeclared(specifier: string, names: readonly string[], resolve: Resolve): boolean {
  return names.every((name) => {
    const [target] = resolve(`${specifier}.${name}`);
    return target?.type === 'package' && target.known === 'declared';
  });
}
