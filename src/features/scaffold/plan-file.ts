import { type Digest, digestOf } from '../../core/digest.ts';
import { optional } from '../../core/object.ts';
import type { RenderedFile } from '../../kinds/render.ts';
import { mergeFile, withCrlf } from '../../repository/merge.ts';
import type { TemplateRecord } from '../../repository/provenance.ts';
import type { Existing } from './facts.ts';
import type { ActionReason, PlannedFile, ScaffoldFacts } from './planned.ts';

/** An action, and the bytes to write if they are not what the template makes. */
export type FilePlan = PlannedFile & { readonly bytes?: Uint8Array };

/** Decides the action on a file that the template makes. */
export function planFile(
  path: string,
  { bytes, mode, owner, source, twin }: RenderedFile,
  facts: ScaffoldFacts,
  before: TemplateRecord | undefined,
): FilePlan {
  const { existing, moved } = facts;
  const digest = digestOf(bytes);
  const file = { path, owner, mode, size: bytes.length, digest, ...sourceOf(source, facts) };
  const move = moved.get(path);
  const here = existing.get(path);
  if (here?.type === 'blocked') return { ...file, action: 'conflict', reason: 'blocked' };
  const old = move === undefined ? undefined : existing.get(move);
  if (move !== undefined && old?.type === 'file') {
    const planned = planMove({ ...file, from: move }, old, bytes, facts, takenOf(before, move));
    if (here === undefined) return planned;
    // A run that was killed got as far as that; anything else there is its owner's.
    if (planned.action === 'move' && here.digest === (planned.merged ?? digest))
      return { ...planned, existing: here.digest, existingSize: here.size };
  }
  // Of a file that is at its new path alone, the record is that of the old one.
  const from = old === undefined ? move : undefined;
  const taken = takenOf(before, from ?? path);
  if (here === undefined) return { ...file, ...planMissing(file, before, facts, taken) };
  const there = { ...file, ...optional('from', from), existing: here.digest, existingSize: here.size };
  if (before === undefined) return { ...there, action: 'conflict', reason: 'unmanaged' };
  if (isOf(here, digest)) return { ...there, action: 'unchanged' };
  return { ...there, ...planThere(twin, there, here, bytes, facts, taken) };
}

/** The action on a file that is not there. */
function planMissing(
  file: Pick<PlannedFile, 'owner' | 'source'>,
  before: TemplateRecord | undefined,
  facts: ScaffoldFacts,
  taken: Digest | undefined,
): Pick<FilePlan, 'action' | 'reason'> {
  if (taken === undefined)
    return isAdded(file, before, facts) ? { action: 'skip', reason: 'template-added' } : { action: 'create' };
  // Its owner has deleted or renamed it.
  const stays = file.owner !== 'generated' && !facts.restore;
  return { action: stays ? 'skip' : 'create', reason: 'was-deleted' };
}

/** Whether a file is one of a newer template, which only an update takes over: beside older files it may not compile. */
function isAdded(
  { owner, source }: Pick<PlannedFile, 'owner' | 'source'>,
  before: TemplateRecord | undefined,
  { update }: ScaffoldFacts,
): boolean {
  if (before === undefined || update || owner === 'generated') return false;
  return source === undefined || before.sources?.get(source.path) !== source.digest;
}

/** The action on a file that is not as it is to be. */
function planThere(twin: Digest | undefined, ...change: Parameters<typeof planChanged>): Changed {
  return planShared(twin, ...change) ?? planChanged(...change);
}

/** The action on a file that is generated, or was until its owner took it over; undefined if it is neither. */
function planShared(
  twin: Digest | undefined,
  { owner, digest }: Omit<PlannedFile, 'action'>,
  found: FoundFile,
  bytes: Uint8Array,
  { update }: ScaffoldFacts,
  taken: Digest | undefined,
): Changed | undefined {
  if (owner !== 'generated')
    return twin !== undefined && found.digest === twin
      ? { ...replacement(found, bytes), reason: 'ejected' }
      : undefined;
  // Which version of the template writes it is recorded, and only an update moves that.
  const isSame = taken === undefined || taken === digest || taken === twin;
  return update || isSame ? { action: 'update' } : { action: 'keep', reason: 'template-changed' };
}

/** The action on a file that is not as the template makes it. */
function planChanged(
  { path, digest }: Omit<PlannedFile, 'action'>,
  found: FoundFile,
  bytes: Uint8Array,
  { update, edited }: ScaffoldFacts,
  taken: Digest | undefined,
): Changed {
  const reason = whyKept(found, digest, taken);
  if (!update) return { action: 'keep', reason };
  if (reason === 'template-changed') return replacement(found, bytes);
  const mine = edited.get(path);
  if (reason !== 'edited-and-template-changed' || mine === undefined) return { action: 'keep', reason };
  if (mine.base === undefined) return { action: 'keep', reason: 'base-missing' };
  return { action: 'merge', ...merged({ ...mine, base: mine.base }, bytes) };
}

/** The action for an existing file. */
type Changed = Pick<FilePlan, 'action' | 'reason' | 'merged' | 'conflicts' | 'bytes'>;

type FoundFile = Extract<Existing, { type: 'file' }>;

function sourceOf(path: string | undefined, { templates }: ScaffoldFacts): Pick<PlannedFile, 'source'> {
  const digest = path === undefined ? undefined : templates.get(path);
  return path === undefined || digest === undefined ? {} : { source: { path, digest } };
}

/** The last text that the template made of a file, as far as the primitive has it. */
export function takenOf(before: TemplateRecord | undefined, path: string): Digest | undefined {
  return before?.merged?.get(path)?.at(-1) ?? before?.files.get(path);
}

/** Whether a file has that content; pairs of carriage return and line feed are no other content. */
export function isOf(found: FoundFile, digest: Digest | undefined): boolean {
  return digest !== undefined && (found.digest === digest || found.lineFeeds === digest);
}

/** The template has renamed it: what is at the old path goes to the new one. */
function planMove(
  file: Omit<PlannedFile, 'action'> & { readonly from: string },
  found: FoundFile,
  bytes: Uint8Array,
  { edited }: ScaffoldFacts,
  taken: Digest | undefined,
): FilePlan {
  if (isOf(found, taken) || isOf(found, file.digest)) {
    const { action: _, ...replaced } = replacement(found, bytes);
    return { ...file, action: 'move', ...replaced };
  }
  const mine = edited.get(file.path);
  if (mine?.base !== undefined)
    return { ...file, action: 'move', edited: true, ...merged({ ...mine, base: mine.base }, bytes) };
  const { from: _, ...plain } = file;
  return { ...plain, action: 'skip', reason: 'base-missing' };
}

/** The new content of an unedited file, with the line ends that it has. */
function replacement(found: FoundFile, bytes: Uint8Array): Pick<FilePlan, 'action' | 'merged' | 'bytes'> {
  if (found.lineFeeds === undefined) return { action: 'update' };
  const written = new TextEncoder().encode(withCrlf(new TextDecoder().decode(bytes)));
  return { action: 'update', merged: digestOf(written), bytes: written };
}

function merged(
  { text: ours, base }: { readonly text: string; readonly base: string },
  bytes: Uint8Array,
): Pick<FilePlan, 'merged' | 'conflicts' | 'bytes'> {
  const theirs = new TextDecoder().decode(bytes);
  const { text, conflicts } = mergeFile({ base, ours, theirs }, LABELS);
  const written = new TextEncoder().encode(text);
  return {
    merged: digestOf(written),
    ...(conflicts.length > 0 && { conflicts: [...conflicts] }),
    bytes: written,
  };
}

const LABELS = { ours: 'yours', base: 'scaffolded', theirs: 'template' };

/** Two signals: what the template last made against what is there, and against what it makes now. */
function whyKept(found: FoundFile, wanted: Digest, taken: Digest | undefined): ActionReason {
  if (taken === undefined) return 'unrecorded';
  if (taken === wanted) return 'edited';
  return isOf(found, taken) ? 'template-changed' : 'edited-and-template-changed';
}
