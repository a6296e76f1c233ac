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
