import { optional } from '../../core/object.ts';
import { mergeTexts } from '../../repository/merge.ts';
import type { Files } from './render.ts';

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
export function planKit(base: Files, existing: Files, wanted: Files): readonly KitChange[] {
  const paths = [...new Set([...base.keys(), ...wanted.keys()])].sort();
  return paths.map((path) => ({
    path,
    ...changeOf(base.get(path), existing.get(path), wanted.get(path)),
  }));
}

/** What is pinned to a version in a workflow: actions, the helm that one of them installs, programs of Go modules. */
const PINS: readonly RegExp[] = [
  /\b(?<before>uses: *(?<name>[\w./-]+)@)(?<pin>[0-9a-f]{40} # v(?<version>[0-9]+(?:\.[0-9]+)*))/g,
  /(?<before>uses: *(?<name>azure\/setup-helm)@[^\n]*\n *with:\n *version: *)(?<pin>v(?<version>[0-9]+(?:\.[0-9]+)*))/g,
  /(?<before>\bgo install (?<name>[\w./-]+)@)(?<pin>v(?<version>[0-9]+(?:\.[0-9]+)*))/g,
];

/**
 * Texts of a workflow with the same pins at the highest of their versions, which is what all sides want: an update tool of
 * the owner and the kit move the same ones.
 */
function withHigherPins<T extends readonly string[]>(texts: T): T {
  return PINS.reduce(withHigher, texts) as T;
}

function withHigher(texts: readonly string[], pattern: RegExp): readonly string[] {
  const highest = new Map<string, { readonly pin: string; readonly version: string }>();
  for (const { groups: { name = '', pin = '', version = '' } = {} } of texts.flatMap((text) => [
    ...text.matchAll(pattern),
  ])) {
    const known = highest.get(name);
    if (known === undefined || isHigher(version, known.version)) highest.set(name, { pin, version });
  }
  return texts.map((text) =>
    text.replace(pattern, (whole, ...rest) => {
      const { before, name } = rest.at(-1) as { readonly before: string; readonly name: string };
      const found = highest.get(name);
      return found === undefined ? whole : `${before}${found.pin}`;
    }),
  );
}

function isHigher(version: string, other: string): boolean {
  const [a, b] = [version, other].map((text) => text.split('.').map(Number));
  for (const i of [0, 1, 2]) {
    const difference = (a?.[i] ?? 0) - (b?.[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return false;
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
  const [old, ours, theirs] = withHigherPins([base, before, wanted] as const);
  const { text: after, conflicts: lines } = mergeTexts({ base: old, ours, theirs }, LABELS);
  if (after === before) return { action: 'keep', before, after };
  const action = lines.length === 0 ? 'merge' : 'conflict';
  return { action, before, after, ...(lines.length === 0 ? {} : { lines }) };
}

const LABELS = { ours: 'yours', base: 'installed', theirs: 'kit' };
