import { posix } from 'node:path';
import { PrimitiveError } from '../../core/errors.ts';
import type { Component, PrimitivePorts } from '../../repository/component.ts';
import { type Discovery, discoverPrimitives } from '../../repository/discover-primitives.ts';
import { pathBelow } from '../../repository/discovery.ts';
import { findEntry } from '../../repository/folders.ts';
import { type ObservedInputs, observeInputs } from '../../repository/inputs.ts';
import { MANIFEST, PRIMITIVES, readPrimitiveTexts } from '../../repository/primitive-folders.ts';
import { type PrimitiveEntry, readPrimitives } from '../../repository/primitives.ts';
import type { CommitTree } from '../../repository/source-tree.ts';
import type { PrimitiveState } from './document.ts';

/** A primitive of the work tree, in any state. */
export interface ListedPrimitive extends PrimitiveEntry {
  readonly state: PrimitiveState;
  /** Of HEAD; only if all is committed. */
  readonly inputDigest?: string;
}

/** The result of {@link takeInventory}. */
export interface Inventory extends Pick<Discovery, 'warnings'> {
  readonly primitives: readonly ListedPrimitive[];
}

/**
 * The primitives of the work tree, sorted by kind and name, and those of HEAD that a sparse checkout leaves out: what
 * people have in front of them, before the first commit and while they work. `tree` is absent if nothing was
 * committed yet. A broken primitive is listed with its fault and hides no other. Throws what git throws.
 */
export async function takeInventory(
  workspace: PrimitivePorts,
  tree: CommitTree | undefined,
): Promise<Inventory> {
  const { location } = workspace;
  const base = pathBelow(tree?.root ?? location.repositoryRoot ?? location.root, location.root) ?? '';
  const folder = posix.join(base, PRIMITIVES);
  const [folders, head] = await Promise.all([
    readPrimitiveTexts(location.root, base),
    tree && readHead(tree, folder),
  ]);
  const onDisk = new Map([...folders].filter(([, text]) => text !== undefined));
  const texts = new Map([...onDisk, ...(await readLeftOut(tree, head, onDisk))]);
  const read = (await readPrimitives(texts, { ...workspace, base })).map(withState);
  if (tree === undefined || head === undefined) return { primitives: read, warnings: [] };
  const primitives = await compare(tree, read, head, pathBelow(tree.root, location.path) ?? '');
  return { primitives, warnings: head.warnings };
}

/** States of readable primitives, compared with HEAD. */
async function compare(
  tree: CommitTree,
  primitives: readonly ListedPrimitive[],
  head: Committed,
  config: string,
): Promise<readonly ListedPrimitive[]> {
  if ((await findEntry(tree, config)) === undefined) return primitives;
  const manifest = ({ path }: ListedPrimitive) => `${path}/${MANIFEST}`;
  const known = primitives.filter((one) => one.component !== undefined && head.manifests.has(manifest(one)));
  const unchanged = known.filter((one) => !head.changed.has(config) && !head.changed.has(manifest(one)));
  const observed = await observe(
    tree,
    unchanged.flatMap(({ component }) => component ?? []),
  );
  const isKnown = new Set(known);
  return primitives.map((one): ListedPrimitive => {
    const found = observed.get(one.id);
    if (!isKnown.has(one)) return one;
    if (found instanceof PrimitiveError) return { ...one, state: 'invalid', fault: found };
    if (found === undefined || found.changes.length > 0) return { ...one, state: 'modified' };
    return { ...one, state: 'committed', inputDigest: found.inputDigest };
  });
}

/** The inputs of each component, or why it has none. */
async function observe(
  tree: CommitTree,
  components: readonly Component[],
): Promise<ReadonlyMap<string, ObservedInputs | PrimitiveError>> {
  try {
    return new Map((await observeInputs(tree, components)).map((one) => [one.component.id, one]));
  } catch (error) {
    if (!isRefusal(error)) throw error;
    if (components.length === 1) return new Map(components.map(({ id }) => [id, error]));
  }
  // At least one of them is wrong; the others are observed without it.
  const each = await Promise.all(components.map((component) => observe(tree, [component])));
  return new Map(each.flatMap((one) => [...one]));
}

function isRefusal(error: unknown): error is PrimitiveError {
  return error instanceof PrimitiveError && error.exit === 2;
}

function withState(primitive: PrimitiveEntry): ListedPrimitive {
  return { ...primitive, state: primitive.component === undefined ? 'invalid' : 'uncommitted' };
}

/** The primitives of HEAD. */
interface Committed extends Pick<Discovery, 'warnings'> {
  /** Path of each `primitive.yaml` -> its object id. */
  readonly manifests: ReadonlyMap<string, string>;
  /** Paths that are not as they were committed. */
  readonly changed: ReadonlySet<string>;
}

async function readHead(tree: CommitTree, folder: string): Promise<Committed> {
  const [changes, { manifests, warnings }] = await Promise.all([
    tree.changes(),
    discoverPrimitives(tree, folder),
  ]);
  const files = manifests.filter(({ mode }) => mode.startsWith('100'));
  return {
    warnings,
    manifests: new Map(files.map(({ path, object }) => [path, object])),
    changed: new Set(changes.map(({ path }) => path)),
  };
}

/** Texts by folder of what a sparse checkout leaves out: it is not there, and no change says that it was deleted. */
async function readLeftOut(
  tree: CommitTree | undefined,
  head: Committed | undefined,
  onDisk: ReadonlyMap<string, unknown>,
): Promise<readonly (readonly [folder: string, text: string])[]> {
  if (tree === undefined || head === undefined) return [];
  const leftOut = [...head.manifests].filter(
    ([path]) => !onDisk.has(posix.dirname(path)) && !head.changed.has(path),
  );
  const contents = await tree.readWhole(leftOut.map(([, object]) => object));
  return leftOut.map(([path], i) => [posix.dirname(path), Buffer.from(contents[i] ?? []).toString('utf8')]);
}
