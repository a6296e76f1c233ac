import { diffIndices } from 'node-diff3';

/** Lines around a change that are the same in both texts, as git shows them. */
const CONTEXT = 3;

/** A text with its path, as it is shown; undefined for one that is not there. */
export interface DiffSide {
  readonly path: string;
  readonly text: string | undefined;
  /** As git has it, of a file that is new. */
  readonly mode?: string;
}

/**
 * The changes from one text to another as a unified diff that `git apply` takes, with paths after `a/` and `b/`; empty if
 * text and path are the same.
 */
export function unifiedDiff(before: DiffSide, after: DiffSide): string {
  const [old, now] = [linesOf(before.text ?? ''), linesOf(after.text ?? '')];
  const hunks = hunksOf(old, now);
  const isMove = before.text !== undefined && after.text !== undefined && before.path !== after.path;
  const isEmptyFile = (before.text === undefined) !== (after.text === undefined);
  if (hunks.length === 0 && !isMove && !isEmptyFile) return '';
  const head = [
    `diff --git a/${before.path} b/${after.path}`,
    ...(before.text === undefined ? [`new file mode ${after.mode ?? '100644'}`] : []),
    ...(after.text === undefined ? ['deleted file mode 100644'] : []),
    ...(isMove ? [`rename from ${before.path}`, `rename to ${after.path}`] : []),
  ];
  const sides =
    hunks.length === 0
      ? []
      : [
          `--- ${before.text === undefined ? '/dev/null' : `a/${before.path}`}`,
          `+++ ${after.text === undefined ? '/dev/null' : `b/${after.path}`}`,
        ];
  return `${[...head, ...sides, ...hunks].join('\n')}\n`;
}

/** Each line with its end, so that a last line without one differs from one that has it. */
function linesOf(text: string): readonly string[] {
  return text.split(/(?<=\n)/).filter((line) => line !== '');
}

interface Change {
  readonly old: readonly [start: number, length: number];
  readonly now: readonly [start: number, length: number];
}

function hunksOf(old: readonly string[], now: readonly string[]): readonly string[] {
  const changes = diffIndices([...old], [...now]).map(
    ({ buffer1, buffer2 }): Change => ({ old: buffer1, now: buffer2 }),
  );
  const groups: Change[][] = [];
  for (const change of changes) {
    const last = groups.at(-1)?.at(-1);
    if (last !== undefined && change.old[0] - (last.old[0] + last.old[1]) <= 2 * CONTEXT)
      groups.at(-1)?.push(change);
    else groups.push([change]);
  }
  return groups.flatMap((group) => hunk(group, old, now));
}

function hunk(group: readonly Change[], old: readonly string[], now: readonly string[]): readonly string[] {
  const [first, last] = [group[0], group.at(-1)];
  if (first === undefined || last === undefined) return [];
  const from = Math.max(0, first.old[0] - CONTEXT);
  const to = Math.min(old.length, last.old[0] + last.old[1] + CONTEXT);
  const before = first.old[0] - from;
  const after = to - (last.old[0] + last.old[1]);
  const newFrom = first.now[0] - before;
  const lines: string[] = [];
  let at = from;
  for (const { old: removed, now: added } of group) {
    lines.push(...old.slice(at, removed[0]).flatMap((line) => shown(' ', line)));
    lines.push(...old.slice(removed[0], removed[0] + removed[1]).flatMap((line) => shown('-', line)));
    lines.push(...now.slice(added[0], added[0] + added[1]).flatMap((line) => shown('+', line)));
    at = removed[0] + removed[1];
  }
  lines.push(...old.slice(at, to).flatMap((line) => shown(' ', line)));
  const newTo = last.now[0] + last.now[1] + after;
  return [`@@ -${range(from, to - from)} +${range(newFrom, newTo - newFrom)} @@`, ...lines];
}

function shown(sign: string, line: string): readonly string[] {
  return line.endsWith('\n')
    ? [`${sign}${line.slice(0, -1)}`]
    : [`${sign}${line}`, '\\ No newline at end of file'];
}

/** Lines are counted from 1; of none, the line before is named. */
function range(start: number, length: number): string {
  const line = length === 0 ? start : start + 1;
  return length === 1 ? `${line}` : `${line},${length}`;
}
