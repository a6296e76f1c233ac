import { shellWord } from '../../core/show-path.ts';
import type { Outcome } from '../../render/outcome.ts';
import type { Style } from '../../render/style.ts';
import { table } from '../../render/table.ts';
import { sanitizeLine } from '../../render/text.ts';
import type { ScaffoldDocument, ScaffoldUpdateDocument } from './document.ts';
import { type Action, type ActionReason, isBehind, type PlannedFile, WRITES } from './planned.ts';

const REASONS: Readonly<Record<ActionReason, string>> = {
  edited: 'edited by hand',
  'template-changed': 'the template has changed',
  'template-added': 'new in the template',
  'edited-and-template-changed': 'edited by hand, and the template has changed',
  'base-missing': 'edited by hand, and its original text is not in the git history',
  unrecorded: 'not written by scaffold',
  'generator-input-edited': 'generated from edited files: primitive generate',
  'left-over': 'no longer in the template',
  moved: 'renamed in the template',
  ejected: 'yours from now on',
  'was-deleted': 'deleted',
  blocked: 'the path is blocked by another file or a link',
  unmanaged: 'existed before',
};

/**
 * The plan as an outcome; `root` is the folder of the config. Exit code 2 for what is in the way, 1 if an update leaves
 * something to its owner.
 */
export function scaffoldOutcome(
  document: ScaffoldDocument,
  { root, cwd }: { readonly root: string; readonly cwd: string },
): Outcome {
  const elsewhere = root === cwd ? undefined : root;
  const refused = document.unmanaged.length > 0 || document.files.some(({ action }) => action === 'conflict');
  const unfinished = document.files.some(isUnfinished) || document.imports !== undefined;
  return {
    document,
    text: (style) => scaffoldText(document, style, elsewhere),
    exit: refused ? 2 : unfinished ? 1 : 0,
  };
}

/** The plans of an update as an outcome: of each primitive what changes, or that nothing does. */
export function updateOutcome(
  document: ScaffoldUpdateDocument,
  place: { readonly root: string; readonly cwd: string },
): Outcome {
  const outcomes = document.primitives.map((plan) => scaffoldOutcome(plan, place));
  return {
    document,
    text: (style) =>
      document.primitives.length === 0
        ? 'No scaffolded primitives.\n'
        : `${document.primitives.map((plan) => updateText(plan, style)).join('')}${nextText(document)}`,
    exit: outcomes.some(({ exit }) => exit === 2) ? 2 : outcomes.some(({ exit }) => exit === 1) ? 1 : 0,
  };
}

function nextText({ next }: ScaffoldUpdateDocument): string {
  return next.length === 0 ? '' : `Next:\n${next.map((command) => `  ${command}\n`).join('')}`;
}

function updateText(document: ScaffoldDocument, style: Style): string {
  const { kind, name, template, files, written } = document;
  const changes = files.filter(
    ({ action, path }) => [...WRITES, 'delete'].includes(action) && path !== 'primitive.yaml',
  );
  const id = style.bold(sanitizeLine(`${kind}/${name}`));
  const open = unfinishedLines(document).map((line) => `  ${style.red(line)}\n`);
  if (changes.length === 0 && open.length === 0)
    return `${id}: version ${template.recorded}, nothing to update\n`;
  const head = `${id}: version ${template.from ?? '-'} to ${template.recorded}${written ? '' : '; nothing was written'}\n`;
  const rows = changes.map((file) => ['', ...row(file, style)]);
  return `${head}${table(rows, style)}${diffText(files, style)}${open.join('')}`;
}

/** The diffs of all files but the record, which are digests alone; empty without --diff. */
function diffText(files: readonly PlannedFile[], style: Style): string {
  const diffs = files.flatMap(({ path, diff }) => (diff && path !== 'primitive.yaml' ? [diff] : []));
  if (diffs.length === 0) return '';
  const lines = diffs.flatMap((diff) => diff.trimEnd().split('\n'));
  let inHunk = false;
  const painted = lines.map((line) => {
    if (line.startsWith('diff --git ')) inHunk = false;
    if (line.startsWith('@@')) inHunk = true;
    return paintOf(line, inHunk, style)(sanitizeLine(line));
  });
  return `\n${painted.join('\n')}\n`;
}

function paintOf(line: string, inHunk: boolean, style: Style): (text: string) => string {
  if (!inHunk) return style.bold;
  if (line.startsWith('+')) return style.green;
  if (line.startsWith('-')) return style.red;
  return line.startsWith('@@') ? style.dim : (text) => text;
}

/** Every file with its action and size, and what to run next; `elsewhere` is where, unless that is here. */
function scaffoldText(document: ScaffoldDocument, style: Style, elsewhere?: string): string {
  const { kind, name, path, files, unmanaged, written, next } = document;
  const rows = files.map((file) => row(file, style));
  const conflicts = unmanaged
    .filter((other) => !files.some((file) => file.path === other))
    .map((other) => [style.red('conflict'), sanitizeLine(other), '', style.dim(REASONS.unmanaged)]);
  const head = `${style.bold(`${kind}/${name}`)} in ${path}: ${summary(files, written)}`;
  const conflict = unmanaged.length > 0 || files.some(({ action }) => action === 'conflict');
  const deleted = files.some(({ action, reason }) => action === 'skip' && reason === 'was-deleted');
  const behind = files.some(isBehind);
  const after = conflict
    ? [style.red('This would fail: move the conflicting files away, or choose another name.')]
    : [
        ...unfinishedLines(document).map((line) => style.hang('', style.red(line))),
        ...(behind ? ['The template has changed. To apply the changes: --update'] : []),
        ...(deleted ? ['Deleted files are not written again. To restore them: --restore'] : []),
        elsewhere === undefined ? 'Next:' : `Next, in ${elsewhere}:`,
        ...next.map((command) => `  ${command}`),
      ];
  return `${table([...rows, ...conflicts], style)}${diffText(files, style)}\n${[head, ...after].join('\n')}\n`;
}

/** An edited file that an update could not merge, or not all of it. */
function isUnfinished({ reason, conflicts = [] }: PlannedFile): boolean {
  return reason === 'base-missing' || conflicts.length > 0;
}

/** Open steps after an update, one line for each file. */
function unfinishedLines({ path: folder, files, imports = [] }: ScaffoldDocument): readonly string[] {
  const merges = files
    .filter(isUnfinished)
    .map(({ path, conflicts = [] }) =>
      conflicts.length > 0
        ? `Resolve ${sanitizeLine(path)}: the template changed the same lines (${conflicts.join(', ')}).`
        : `Merge ${sanitizeLine(path)} by hand, or fetch the whole history: git fetch --unshallow`,
    );
  return [...merges, ...imports.map((left) => importLine(left, folder))];
}

/** The next step for a file that names code which has moved. */
function importLine(
  { path, from, to }: NonNullable<ScaffoldDocument['imports']>[number],
  folder: string,
): string {
  const file = sanitizeLine(`${folder}/${path}`);
  if (from === undefined) return `Remove ${file}, or move it: its package is in ${to} now.`;
  const script = `s|${from.replaceAll('.', '\\.')}|${to}|`;
  return `Correct an import: sed -i ${shellWord(script)} ${shellWord(file)}`;
}

function row(
  { action, path, from, size, existingSize, reason }: PlannedFile,
  style: Style,
): readonly string[] {
  const paint: Readonly<Record<Action, (text: string) => string>> = {
    create: style.green,
    update: style.yellow,
    merge: style.yellow,
    move: style.yellow,
    delete: style.yellow,
    unchanged: style.dim,
    keep: style.bold,
    skip: style.dim,
    conflict: style.red,
  };
  return [
    paint[action](action),
    sanitizeLine(from === undefined ? path : `${from} -> ${path}`),
    `${action === 'keep' ? (existingSize ?? size) : size} B`,
    reason === undefined ? '' : style.dim(REASONS[reason]),
  ];
}

function summary(files: readonly PlannedFile[], written: boolean): string {
  const actions: readonly Action[] = [
    'create',
    'update',
    'merge',
    'move',
    'delete',
    'unchanged',
    'keep',
    'skip',
    'conflict',
  ];
  const counts = actions.flatMap((action) => {
    const count = files.filter((file) => file.action === action).length;
    return count === 0 ? [] : [`${action} ${count}`];
  });
  return `${counts.join(', ')}${written ? '' : '; nothing was written'}`;
}
