import type { Outcome } from '../../render/outcome.ts';
import type { Style } from '../../render/style.ts';
import { table } from '../../render/table.ts';
import { sanitizeLine } from '../../render/text.ts';
import type { ScaffoldDocument } from './document.ts';
import type { Action, ActionReason, PlannedFile } from './plan.ts';

const REASONS: Readonly<Record<ActionReason, string>> = {
  edited: 'edited by hand',
  'template-changed': 'the template has changed',
  'edited-and-template-changed': 'edited by hand, and the template has changed',
  unrecorded: 'not written by scaffold',
  'generator-input-edited': 'generated from edited files: primitive generate',
  'left-over': 'the template does not write it any more',
  'was-deleted': 'was deleted',
  blocked: 'something else has its name',
  unmanaged: 'was there before',
};

/** The plan as an outcome; `root` is the folder of the config. Exit 2 for a conflict. */
export function scaffoldOutcome(
  document: ScaffoldDocument,
  { root, cwd }: { readonly root: string; readonly cwd: string },
): Outcome {
  const elsewhere = root === cwd ? undefined : root;
  const refused = document.unmanaged.length > 0 || document.files.some(({ action }) => action === 'conflict');
  return { document, text: (style) => scaffoldText(document, style, elsewhere), exit: refused ? 2 : 0 };
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
  const after = conflict
    ? [style.red('This would be refused: move the files in conflict away, or choose another name.')]
    : [
        ...(deleted ? ['Deleted files stay away; --restore writes them again.'] : []),
        elsewhere === undefined ? 'Next:' : `Next, in ${elsewhere}:`,
        ...next.map((command) => `  ${command}`),
      ];
  return `${table([...rows, ...conflicts])}\n${[head, ...after].join('\n')}\n`;
}

function row({ action, path, size, existingSize, reason }: PlannedFile, style: Style): readonly string[] {
  const paint: Readonly<Record<Action, (text: string) => string>> = {
    create: style.green,
    update: style.yellow,
    unchanged: style.dim,
    keep: style.bold,
    skip: style.dim,
    conflict: style.red,
  };
  return [
    paint[action](action),
    sanitizeLine(path),
    `${action === 'keep' ? (existingSize ?? size) : size} B`,
    reason === undefined ? '' : style.dim(REASONS[reason]),
  ];
}

function summary(files: readonly PlannedFile[], written: boolean): string {
  const actions: readonly Action[] = ['create', 'update', 'unchanged', 'keep', 'skip', 'conflict'];
  const counts = actions.flatMap((action) => {
    const count = files.filter((file) => file.action === action).length;
    return count === 0 ? [] : [`${action} ${count}`];
  });
  return `${counts.join(', ')}${written ? '' : '; nothing was written'}`;
}
