import { readFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { digestOf } from '../../core/digest.ts';
import { PrimitiveError } from '../../core/errors.ts';
import type { Kind } from '../../kinds/kind.ts';
import { pathBelow } from '../../repository/discovery.ts';
import { withLineFeeds } from '../../repository/merge.ts';
import { MANIFEST } from '../../repository/primitive-folders.ts';
import { templateState } from '../../repository/provenance.ts';
import {
  type EditedFile,
  type EditedRecord,
  type PastFiles,
  type PastRendering,
  readEdited,
} from './edited.ts';
import type { Site } from './facts.ts';
import { findMoves, type GoneFile } from './moves.ts';
import { isOf, takenOf } from './plan-file.ts';
import { type ScaffoldFacts, type ScaffoldPlan, WRITES } from './planned.ts';

/** Facts without what an update adds to them. */
type UnchangedFacts = Omit<ScaffoldFacts, 'edited' | 'moved' | 'ejected'>;

/** Reads what an update merges, and finds the files that the template has renamed. */
export async function readChanged(
  facts: UnchangedFacts,
  past: PastFiles,
  fallback: PastRendering,
): Promise<Pick<ScaffoldFacts, 'edited' | 'moved'>> {
  const { site, rendered, existing } = facts;
  const { records, gone } = await changesSince(facts);
  const edited = await readEdited({ root: site.root, folder: site.path }, records, past, fallback);
  for (const [path, { digest, base }] of gone)
    gone.set(path, { digest, base: base ?? edited.get(path)?.base });
  const fresh = [...rendered].flatMap(([path, { bytes }]) =>
    site.manifest?.provenance?.files.has(path) || existing.get(path)?.type === 'blocked'
      ? []
      : [[path, { digest: digestOf(bytes), text: new TextDecoder().decode(bytes) }] as const],
  );
  const moved = findMoves(gone, new Map(fresh));
  return { edited: new Map([...edited, ...(await editedAt(moved, edited, facts))]), moved };
}

/** Files that have become shared code and that their owner had edited: they stay the owner's. Sorted. */
export function ejectedByMove(
  rendered: ScaffoldFacts['rendered'],
  { moved, edited }: Pick<ScaffoldFacts, 'edited' | 'moved'>,
): readonly string[] {
  const isOwners = (path: string) =>
    rendered.get(path)?.twin !== undefined && (edited.get(path)?.text ?? '') !== '';
  return [...moved.keys()].filter(isOwners).sort();
}

/** The records of files that an update may have to merge, and what became of those that the template no longer has. */
async function changesSince({ site, rendered, existing }: UnchangedFacts) {
  const provenance = site.manifest?.provenance;
  const records = new Map<string, EditedRecord>();
  const gone = new Map<string, GoneFile>();
  for (const [path, written] of provenance?.files ?? []) {
    const found = existing.get(path);
    const taken = takenOf(provenance, path);
    const now = rendered.get(path);
    if (found?.type === 'blocked' || taken === undefined) continue;
    // One that its owner deleted is of interest where the template renames it: it must not come back by that.
    if (now !== undefined && (found === undefined || digestOf(now.bytes) === taken)) continue;
    const isEdited = found === undefined || !isOf(found, taken);
    if (isEdited) records.set(path, { written, merged: provenance?.merged?.get(path) ?? [] });
    if (now !== undefined) continue;
    const text = isEdited ? undefined : await readFile(join(site.root, site.path, path), 'utf8');
    gone.set(path, { digest: taken, base: text && withLineFeeds(text) });
  }
  return { records, gone };
}

/** Renamed files by their new paths; the text is that of the new path where the old one has none any more. */
async function editedAt(
  moved: ReadonlyMap<string, string>,
  edited: ReadonlyMap<string, EditedFile>,
  { site, existing }: Pick<ScaffoldFacts, 'site' | 'existing'>,
): Promise<readonly (readonly [path: string, file: EditedFile])[]> {
  const found: [string, EditedFile][] = [];
  for (const [path, from] of moved) {
    const file = edited.get(from);
    if (file === undefined) continue;
    const isThere = !existing.has(from) && existing.has(path);
    const text = isThere ? await readFile(join(site.root, site.path, path), 'utf8') : file.text;
    found.push([path, { ...file, text }]);
  }
  return found;
}

/** An older CLI has an older template: it would take back what a newer one wrote. */
export async function checkUpdate(
  kind: Kind,
  { path, manifest }: Site,
  { templates, origin }: Pick<ScaffoldFacts, 'templates' | 'origin'>,
): Promise<void> {
  const provenance = manifest?.provenance;
  if (provenance === undefined) {
    throw new PrimitiveError('scaffold-not-recorded', `Cannot update ${path}.`, {
      why: `${path}/${MANIFEST} has no record of a scaffold.`,
      suggestions: [`primitive scaffold --kind ${kind.kind} --name NAME`],
    });
  }
  const { version, origins = [] } = provenance;
  if (version > kind.version) {
    const why = `It was scaffolded from version ${version} of the template of ${kind.kind}; this is version ${kind.version}.`;
    throw newer(path, why);
  }
  const [recorded] = origins;
  if (recorded === undefined || recorded.package !== origin?.package || recorded.version === origin.version)
    return;
  // The version of a template may stay as it is while its files change; that of a package does not.
  const { lt: lower, valid } = await import('semver');
  if (valid(recorded.version) === null || valid(origin.version) === null) return;
  if (!lower(origin.version, recorded.version) || templateState(provenance, templates).state === 'current')
    return;
  throw newer(path, `It was written by ${recorded.package} ${recorded.version}; this is ${origin.version}.`);
}

function newer(path: string, why: string): PrimitiveError {
  return new PrimitiveError('scaffold-template-newer', `Cannot update ${path}.`, {
    why,
    suggestions: [
      'Use the version of primitive, or of the package of the kind, that wrote it or a newer one.',
    ],
  });
}

/** Files that are written over can be restored from the commit. */
export async function checkCommitted({ path: folder, files }: ScaffoldPlan, root: string, tree: PastFiles) {
  const base = pathBelow(tree.root, root) ?? '';
  const changed = new Set((await tree.changes()).map(({ path }) => path));
  const written = files
    .filter(({ action, existing, digest, merged = digest }) =>
      action === 'delete' ? true : WRITES.includes(action) && existing !== undefined && existing !== merged,
    )
    .map(({ path }) => posix.join(base, folder, path));
  const uncommitted = written.filter((path) => changed.has(path));
  if (uncommitted.length === 0) return;
  throw new PrimitiveError('scaffold-uncommitted', `Cannot update ${folder}: files are not committed.`, {
    why: [...uncommitted.slice(0, 10), ...(uncommitted.length > 10 ? ['…'] : [])].join('\n'),
    suggestions: ['Commit or stash them first: an update overwrites them.'],
  });
}
