import { posix } from 'node:path';
import { languageOf } from '../../languages/all.ts';
import { protoFile } from '../../repository/provenance.ts';
import { ledThrough } from './imports/chains.ts';
import { openImports } from './imports/resolve.ts';
import { sourceScan } from './imports/scan.ts';
import type { VerifyPorts } from './ports.ts';
import { scanFiles } from './scan.ts';
import type { InFile, Primitive, Subjects } from './subjects.ts';
import type { Snapshot } from './work-tree.ts';

/** Changes in a repository, with the state before. */
export interface Change {
  readonly files: readonly string[];
  readonly before: Snapshot;
  /** The folder of primitives, relative to the root of the repository. */
  readonly primitivesFolder: string;
  readonly ownerOf: (path: string) => Primitive | undefined;
}

/**
 * Of primitives without a change of their own, those whose imports mean something else than before, or lead through code
 * outside of primitives that has changed: another package of that name, an alias, a workspace, a module that is gone. And
 * those with a client of an API that has changed.
 */
export async function changedByImports(
  unchanged: readonly Primitive[],
  { files, before, primitivesFolder, ownerOf }: Change,
  { tree, scans: store, threads, signal }: Pick<VerifyPorts, 'tree' | 'scans' | 'threads' | 'signal'>,
): Promise<readonly Primitive[]> {
  if (files.length === 0 || unchanged.length === 0) return [];
  const inFile = (path: string): Omit<InFile, 'path'> => ({ primitive: ownerOf(path), shippedBy: [] });
  const sourcesOf = async (paths: readonly string[]): Promise<readonly Subjects['source'][]> => {
    if (paths.length === 0) return [];
    const { facts } = await scanFiles(paths, [sourceScan], { tree, store, threads, inFile, signal });
    return facts.flatMap((fact) => (fact.subject === 'source' ? [fact.value] : []));
  };
  const own = unchanged.flatMap(({ path, files: names }) => names.map((name) => posix.join(path, name)));
  const sources = await sourcesOf(own.filter((path) => languageOf(path) !== undefined));
  const owners = { primitivesFolder, ownerOf, inFile };
  const [now, then] = await Promise.all([
    openImports(
      tree,
      sources.map(({ path }) => path),
      owners,
    ),
    openImports(before, [], owners),
  ]);
  const imports = await now.resolve(sources);
  const meanings = meaningsOf(imports, new Set(await tree.list()), primitivesFolder);
  const earlier = meaningsOf(await then.resolve(sources), new Set(await before.list()), primitivesFolder);
  const outside = imports.filter(({ target, owner }) => target.type === 'path' && owner === undefined);
  const through = await ledThrough(outside, new Set(files), now, sourcesOf);
  const touched = new Set(through.map(({ primitive }) => primitive?.id));
  const apis = changedApis(files, primitivesFolder, ownerOf);
  return unchanged.filter(
    ({ id, manifest }) =>
      touched.has(id) ||
      apis.has(manifest?.provenance?.inputs.source ?? '') ||
      meanings.get(id) !== earlier.get(id),
  );
}

/** The primitives whose API is in a changed file: clients of them were generated from another one. */
function changedApis(
  files: readonly string[],
  primitivesFolder: string,
  ownerOf: Change['ownerOf'],
): ReadonlySet<string> {
  return new Set(
    files.flatMap((file) => {
      const { id, manifest } = ownerOf(file) ?? {};
      const api = id && manifest && protoFile(id, manifest);
      return api && posix.join(primitivesFolder, '..', api) === file ? [id] : [];
    }),
  );
}

/** Meaning of the imports of each primitive, as a text that differs if any target does. */
function meaningsOf(
  imports: readonly Subjects['import'][],
  files: ReadonlySet<string>,
  primitivesFolder: string,
): ReadonlyMap<string | undefined, string> {
  const folders = new Set<string>();
  for (const file of files) {
    if (file.startsWith(`${primitivesFolder}/`)) folders.add(folderOf(file, primitivesFolder));
  }
  const ownerOf = (path: string) => {
    const folder = path.startsWith(`${primitivesFolder}/`) ? folderOf(path, primitivesFolder) : '';
    return folders.has(folder) ? folder : '';
  };
  return new Map(
    [...Map.groupBy(imports, ({ primitive }) => primitive?.id)].map(([id, own]) => [
      id,
      JSON.stringify(
        own.map(({ path, line, column, specifier, target, proto }) => [
          ...[path, line, column, specifier, proto, target],
          target.type === 'path' ? [ownerOf(target.path), files.has(target.path)] : [],
        ]),
      ),
    ]),
  );
}

/** `primitives/domain/orders` of a path in it. */
function folderOf(path: string, primitivesFolder: string): string {
  const depth = primitivesFolder.split('/').length + 2;
  return path.split('/').slice(0, depth).join('/');
}
