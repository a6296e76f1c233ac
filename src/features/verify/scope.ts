import { posix, relative, sep } from 'node:path';
import { PrimitiveError } from '../../core/errors.ts';
import { pathBelow } from '../../repository/discovery.ts';
import { globRoot } from '../../repository/globs.ts';
import { shippedPaths } from '../../repository/input-scope.ts';
import { type Selection, selectComponents } from '../../repository/selection.ts';
import type { Place, Standing } from './account.ts';
import type { Change } from './changed.ts';
import type { VerifyDocument } from './document.ts';
import { type Family, familiesOf, familyOf, type RuleId } from './family.ts';
import type { VerifyPorts, VerifyRequest } from './ports.ts';
import { readPrimitives } from './primitives.ts';
import type { InFile, Primitive } from './subjects.ts';
import { SUPPRESSIONS } from './suppressions.ts';
import type { Snapshot, WorkTree } from './work-tree.ts';

/** Why a folder with a repository of its own is left out. */
export const OWN_REPOSITORY = 'a repository of its own';

const A_LINK = 'a link';

export interface Scope {
  /** The folder of the config, relative to the root of the repository; '' for the root. */
  readonly base: string;
  /** All primitives, sorted by id. */
  readonly primitives: readonly Primitive[];
  /** Those that are checked. */
  readonly selected: readonly Primitive[];
  /** Files that are read, relative to the root of the repository. */
  readonly files: readonly string[];
  /** Folders with a repository of their own, links in the place of primitives, and imports of other languages. */
  readonly unread: VerifyDocument['unchecked'];
  /** Folders with a repository of their own, as git lists them. */
  readonly repositories: readonly string[];
  /** Folders that may not be looked into, and why. */
  readonly closed: readonly (readonly [path: string, why: string])[];
  readonly families: readonly Family[];
  /** All, also those that were not asked for. */
  readonly knownFamilies: readonly Family[];
  /** The primitive that a file belongs to. */
  readonly ownerOf: (path: string) => Primitive | undefined;
  /** Files outside of a primitive's folder that its image includes, with the ids of the selected primitives, sorted. */
  readonly shipped: ReadonlyMap<string, readonly string[]>;
  readonly inFile: (path: string) => Omit<InFile, 'path'>;
  readonly placeOf: (path: string) => Place;
  /** Whether this run judges a file. */
  readonly standingOf: (path: string) => Standing;
  /** Whether a finding of that rule in that file would have come up. */
  readonly covers: (rule: RuleId, path: string | undefined) => boolean;
}

export type ScopePorts = Pick<VerifyPorts, 'tree' | 'config' | 'kinds' | 'location' | 'cwd' | 'rules'>;

/** Of primitives without a change of their own, those that a change of other files concerns. */
export type ChangedByFacts = (
  unchanged: readonly Primitive[],
  change: Change,
) => Promise<readonly Primitive[]>;

/** Throws `components-none`, `selection-…`, `revision-…` and `verify-mode` (exit 2). */
export async function readScope(
  request: VerifyRequest,
  ports: ScopePorts,
  changedByFacts: ChangedByFacts = async () => [],
): Promise<Scope> {
  const { tree, config, kinds, location } = ports;
  const base = pathBelow(tree.root, location.root) ?? '';
  const primitives = await readPrimitives(tree, { location, config, kinds, base });
  const chosen = choose(primitives, request, ports);
  const ownerOf = ownerIn(primitives);
  const folder = posix.join(base, 'primitives');
  const place = { primitivesFolder: folder, ownerOf };
  const selected = await changedOf(chosen, request, ports, (rest, files, before) =>
    changedByFacts(rest, { ...place, files, before }),
  );
  const isRepo = request.mode === 'repo';
  const listed = await tree.list();
  const shipped = shippedFrom(listed, selected);
  const own = selected.flatMap(({ path, files }) => files.map((file) => `${path}/${file}`));
  const files = isRepo ? listed : [...new Set([...own, ...shipped.keys()])].sort();
  const { families: asked, tests, staged } = request;
  // Obstacles are always reported.
  const knownFamilies = familiesOf(ports.rules);
  const families = knownFamilies.filter(
    (one) => (asked.length === 0 || asked.includes(one) || one === 'INT') && !(staged && one === 'GEN'),
  );
  const isMeant = (path: string) => {
    const owner = ownerOf(path);
    if (isRepo || shipped.has(path)) return true;
    return owner === undefined ? path.startsWith(`${folder}/`) : selected.includes(owner);
  };
  const inFile: Scope['inFile'] = (path) => ({
    primitive: ownerOf(path),
    shippedBy: shipped.get(path) ?? [],
  });
  const allRepositories = await tree.repositories();
  const repositories = allRepositories.filter(isMeant);
  const links = await linkedPrimitives(tree, folder);
  const leftOut = chosen.filter((one) => !selected.includes(one));
  return {
    base,
    primitives,
    selected,
    files,
    unread: [
      ...leftOut.map(({ id }) => ({ what: id, why: unchangedSince(request.changedSince ?? '') })),
      ...repositories.map((what) => ({ what, why: OWN_REPOSITORY })),
      ...links.map((what) => ({ what, why: A_LINK })),
      ...selected
        .filter(({ kind }) => kind?.language === 'other' && families.includes('IMP'))
        .map(({ path }) => ({
          what: `IMP of ${path}`,
          why: 'imports are read in Go, Python and TypeScript',
        })),
    ],
    repositories: allRepositories,
    closed: [...(await tree.closed())].filter(([path]) => isMeant(path)),
    families,
    knownFamilies,
    ownerOf,
    shipped,
    inFile,
    placeOf: (path) => {
      const { primitive, shippedBy } = inFile(path);
      if (primitive !== undefined) return 'primitive';
      return shippedBy.length > 0 ? 'shipped' : 'elsewhere';
    },
    standingOf: (path) => {
      const owner = ownerOf(path);
      if (isRepo || shipped.has(path) || (owner !== undefined && selected.includes(owner))) return 'ours';
      if (links.includes(path)) return { leftOut: A_LINK };
      if (owner === undefined)
        return isMeant(path) && repositories.includes(path) ? 'ours' : { notOurs: 'mode' };
      return leftOut.includes(owner)
        ? { leftOut: unchangedSince(request.changedSince ?? '') }
        : { notOurs: 'selection' };
    },
    covers: (rule, path) => {
      const family = familyOf(rule);
      if (!families.includes(family) || (family === 'TEST' && !tests)) return false;
      if (isRepo || selected.some((one) => path === one.path || path?.startsWith(`${one.path}/`)))
        return true;
      return path !== undefined && shipped.has(path);
    },
  };
}

function unchangedSince(revision: string): string {
  return `unchanged since ${revision}`;
}

/** Files outside of primitives that their images include, with the ids of those primitives. */
function shippedFrom(
  listed: readonly string[],
  selected: readonly Primitive[],
): ReadonlyMap<string, readonly string[]> {
  const shipped = new Map<string, string[]>();
  const built = selected.flatMap(({ id, path, component }) =>
    component === undefined ? [] : [{ id, path, component }],
  );
  const paths = shippedPaths(
    listed,
    built.map(({ component }) => component),
  );
  for (const [i, { id, path }] of built.entries()) {
    for (const file of paths[i] ?? []) {
      if (file.startsWith(`${path}/`)) continue;
      const known = shipped.get(file);
      if (known === undefined) shipped.set(file, [id]);
      else known.push(id);
    }
  }
  return shipped;
}

/** Links where a primitive, or all of a kind, would be. */
async function linkedPrimitives(tree: WorkTree, folder: string): Promise<readonly string[]> {
  const start = `${folder}/`;
  const isPlace = (path: string) => {
    if (!path.startsWith(start)) return path === folder;
    const kind = path.indexOf('/', start.length);
    return kind < 0 || path.indexOf('/', kind + 1) < 0;
  };
  const places = (await tree.list()).filter(isPlace);
  const links = await Promise.all(places.map((path) => tree.readLink(path)));
  return places.filter((_, i) => links[i] !== undefined);
}

/** The primitives that the selection means, in their order. */
function choose(
  primitives: readonly Primitive[],
  { selection, changedSince, mode }: VerifyRequest,
  { tree, cwd, location }: ScopePorts,
): readonly Primitive[] {
  if (mode === 'repo' && (isNarrow(selection) || changedSince !== undefined)) {
    throw new PrimitiveError('verify-mode', '--mode repo checks the whole repository.', {
      why: 'A selection or --changed-since narrows what is checked.',
      suggestions: ['primitive verify --mode repo', 'Or without --mode repo: primitive verify domain/orders'],
    });
  }
  if (mode === 'primitives' && primitives.length === 0) {
    throw new PrimitiveError('components-none', `No primitive found in ${location.root}/primitives.`, {
      why: 'A primitive is a folder primitives/<kind>/<name>; nothing would be checked.',
      suggestions: ['primitive scaffold --kind domain --name orders', 'primitive verify --mode repo'],
    });
  }
  const named = primitives.map((primitive) => {
    const [kind = '', name = ''] = primitive.id.split('/');
    return { id: primitive.id, kind, name, path: primitive.path, primitive };
  });
  const chosen = selectComponents(named, selection, { cwd, repositoryRoot: tree.root });
  return chosen.map(({ primitive }) => primitive);
}

/** Of these, the primitives that a change since the revision concerns; all without a revision. */
async function changedOf(
  all: readonly Primitive[],
  { changedSince }: VerifyRequest,
  { tree, location, config }: ScopePorts,
  byFacts: (
    unchanged: readonly Primitive[],
    files: readonly string[],
    before: Snapshot,
  ) => Promise<readonly Primitive[]>,
): Promise<readonly Primitive[]> {
  if (changedSince === undefined) return all;
  const changed = await tree.changedSince(changedSince);
  const own = relative(tree.root, location.path).split(sep).join('/');
  const beside = (file: string) => posix.dirname(file) === posix.dirname(own);
  // These decide how every primitive is checked: kinds may be in the repository, or come from a package.
  const isForAll = (file: string) =>
    file === own ||
    posix.basename(file) === 'kind.yaml' ||
    (beside(file) && posix.basename(file) === SUPPRESSIONS) ||
    (beside(file) && config.plugins.length > 0 && /package(?:(?!package).)*\.json$|lock/.test(file));
  if (changed.some(isForAll)) return all;
  const touched = all.filter((primitive) => changed.some((file) => isPartOf(primitive, file)));
  const rest = all.filter((one) => !touched.includes(one));
  const others = await byFacts(rest, changed, await tree.before(changedSince));
  return all.filter((one) => touched.includes(one) || others.includes(one));
}

function isNarrow({ selectors, kind, name }: Selection): boolean {
  return selectors.length > 0 || kind !== undefined || name !== undefined;
}

/** In its folder, below what one of its inputs names, or what its builder reads besides. */
function isPartOf({ path, component }: Primitive, file: string): boolean {
  const { context = path, inputs = [], dockerfile = '' } = component?.build ?? {};
  const ignoring = [`${dockerfile}.dockerignore`, '.dockerignore'];
  const below = [...inputs.flatMap((glob) => globRoot(glob) ?? []), dockerfile, ...ignoring];
  const roots = [path, ...below.map((root) => posix.join(context, root))];
  return roots.some((root) => root === '.' || file === root || file.startsWith(`${root}/`));
}

function ownerIn(primitives: readonly Primitive[]): Scope['ownerOf'] {
  const byPath = new Map(primitives.map((primitive) => [primitive.path, primitive]));
  const depth = (primitives[0]?.path ?? '').split('/').length;
  return (path) => {
    let end = -1;
    for (let i = 0; i < depth; i += 1) {
      end = path.indexOf('/', end + 1);
      if (end < 0) return byPath.get(path);
    }
    return byPath.get(path.slice(0, end));
  };
}
