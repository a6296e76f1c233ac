import { diff3Merge } from 'node-diff3';

/** Two sets of changes of one text, put together. */
export interface MergedText {
  readonly text: string;
  /** The lines in `ours` where both changed the same lines, from 1; empty if nothing is in conflict. */
  readonly conflicts: readonly number[];
}

/** Labels of the parts of a conflict between its markers. */
export interface MergeLabels {
  readonly ours: string;
  readonly base: string;
  readonly theirs: string;
}

/**
 * Merges what an update brings into a file of its owner: the kit's and a template's. Pins that both moved are no
 * conflict, and the line ends are those of `ours`, whichever the others have.
 */
export function mergeFile(
  { base, ours, theirs }: { readonly base: string; readonly ours: string; readonly theirs: string },
  labels: MergeLabels,
): MergedText {
  const pinned = withHigherPins([base, ours, theirs].map(withLineFeeds));
  const [old = '', mine = '', next = ''] = pinned;
  const { text, conflicts } = mergeTexts({ base: old, ours: mine, theirs: next }, labels);
  return { text: isCrlf(ours) ? withCrlf(text) : text, conflicts };
}

/** Whether each line ends as Windows has it; a file with both is taken as it is. */
export function isCrlf(text: string): boolean {
  const ends = text.match(/\r?\n/g) ?? [];
  return ends.length > 0 && ends.every((end) => end === '\r\n');
}

/** A text of {@link isCrlf} with line feeds alone, any other as it is. */
export function withLineFeeds(text: string): string {
  return isCrlf(text) ? text.replaceAll('\r\n', '\n') : text;
}

export function withCrlf(text: string): string {
  return text.replaceAll('\n', '\r\n');
}

/** Version pins in a workflow: of actions, the helm that one of them installs, programs of Go modules. */
const PINS: readonly RegExp[] = [
  /\b(?<before>uses: *(?<name>[\w./-]+)@)(?<pin>[0-9a-f]{40} # v(?<version>[0-9]+(?:\.[0-9]+)*))/g,
  /(?<before>uses: *(?<name>azure\/setup-helm)@[^\n]{1,200}\n *with:\n *version: *)(?<pin>v(?<version>[0-9]+(?:\.[0-9]+)*))/g,
  /(?<before>\bgo install (?<name>[\w./-]+)@)(?<pin>v(?<version>[0-9]+(?:\.[0-9]+)*))/g,
];

/**
 * Texts of a workflow with the same pins at the highest of their versions, which is what all sides want: an update tool of
 * the owner and the kit move the same ones.
 */
function withHigherPins(texts: readonly string[]): readonly string[] {
  return PINS.reduce(withHigher, texts);
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

/** A three-way merge by lines, as git makes it, with the base between the markers of a conflict. */
export function mergeTexts(
  { base, ours, theirs }: { readonly base: string; readonly ours: string; readonly theirs: string },
  labels: MergeLabels,
): MergedText {
  const regions = diff3Merge(ours.split('\n'), base.split('\n'), theirs.split('\n'), {
    excludeFalseConflicts: true,
  });
  const lines = regions.flatMap(({ ok, conflict }) =>
    conflict === undefined
      ? (ok ?? [])
      : [
          `<<<<<<< ${labels.ours}`,
          ...conflict.a,
          `||||||| ${labels.base}`,
          ...conflict.o,
          '=======',
          ...conflict.b,
          `>>>>>>> ${labels.theirs}`,
        ],
  );
  return {
    text: lines.join('\n'),
    conflicts: regions.flatMap(({ conflict }) => (conflict === undefined ? [] : [conflict.aIndex + 1])),
  };
}
