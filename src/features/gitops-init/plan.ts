import { optional } from '../../core/object.ts';
import { mergeFile } from '../../repository/merge.ts';
import type { FileTexts } from './render.ts';

/**
 * The action of `gitops init` on a file. `keep`: the owner changed or removed it, and the kit has nothing new for it. `conflict`: the
 * owner and the kit changed the same lines.
 */
export const KIT_ACTIONS = ['create', 'update', 'merge', 'delete', 'unchanged', 'keep', 'conflict'] as const;

export type KitAction = (typeof KIT_ACTIONS)[number];

/** A file of the kit, and what happens to it. */
export interface KitChange {
  readonly path: string;
  readonly action: KitAction;
  /** The current content; absent if there is none. */
  readonly before?: string;
  /** The new content, with markers around a conflict; absent if there is none. */
  readonly after?: string;
  /** Of a conflict: the lines in `before`, from 1. */
  readonly lines?: readonly number[];
}

/**
 * Plans an installation or update: a three-way merge of each file between what was installed (`base`), what is
 * there (`existing`) and what the kit is now (`wanted`). Pure. Sorted by path.
 */
export function planKit(base: FileTexts, existing: FileTexts, wanted: FileTexts): readonly KitChange[] {
  const paths = [...new Set([...base.keys(), ...wanted.keys()])].sort();
  return paths.map((path) => ({
    path,
    ...changeOf(base.get(path), existing.get(path), wanted.get(path)),
  }));
}

function changeOf(
  base: string | undefined,
  before: string | undefined,
  wanted: string | undefined,
): Omit<KitChange, 'path'> {
  const there = before === undefined ? {} : { before };
  const keep = (action: KitAction) => ({
    action,
    ...there,
    ...optional('after', before),
  });
  if (before === wanted) return keep('unchanged');
  if (wanted === base) return keep('keep');
  if (wanted === undefined) return before === base ? { action: 'delete', ...there } : keep('keep');
  if (before === undefined) return base === undefined ? { action: 'create', after: wanted } : keep('keep');
  if (before === base) return { action: 'update', before, after: wanted };
  return merge(base ?? '', before, wanted);
}

function merge(base: string, before: string, wanted: string): Omit<KitChange, 'path'> {
  const { text: after, conflicts: lines } = mergeFile({ base, ours: before, theirs: wanted }, LABELS);
  if (after === before) return { action: 'keep', before, after };
  const action = lines.length === 0 ? 'merge' : 'conflict';
  return { action, before, after, ...(lines.length === 0 ? {} : { lines }) };
}

const LABELS = { ours: 'yours', base: 'installed', theirs: 'kit' };
