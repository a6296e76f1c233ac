import type { Style } from '../../render/style.ts';
import { table } from '../../render/table.ts';
import { sanitizeLine } from '../../render/text.ts';
import type { ScaffoldDocument } from './document.ts';
import type { Fate, FateReason, PlannedFile } from './plan.ts';

const REASONS: Readonly<Record<FateReason, string>> = {
  edited: 'edited by hand',
  'template-changed': 'the template has changed',
  'edited-and-template-changed': 'edited by hand, and the template has changed',
  unrecorded: 'not written by scaffold',
  'generator-input-edited': 'generated from edited files: primitive generate',
  'left-over': 'the template does not write it any more',
  'was-deleted': 'had been deleted',
  blocked: 'something else has its name',
  foreign: 'was there before',
};

/** Every file with its fate, what it comes to, and what to run next; `elsewhere` is where, unless that is here. */
export function scaffoldText(document: ScaffoldDocument, style: Style, elsewhere?: string): string {
  const { kind, name, path, files, strangers, written, next } = document;
  const rows = files.map((file) => row(file, style));
  const foreign = strangers
    .filter((stranger) => !files.some((file) => file.path === stranger))
    .map((stranger) => [style.red('conflict'), sanitizeLine(stranger), '', style.dim(REASONS.foreign)]);
  const head = `${style.bold(`${kind}/${name}`)} in ${path}: ${summary(files, written)}`;
  const conflict = foreign.length > 0 || files.some(({ fate }) => fate === 'conflict');
  const after = conflict
    ? [style.red('It would be refused: move what is in conflict away, or choose another name.')]
    : [
        elsewhere === undefined ? 'Next:' : `Next, in ${elsewhere}:`,
        ...next.map((command) => `  ${command}`),
      ];
  return `${table([...rows, ...foreign])}\n${[head, ...after].join('\n')}\n`;
}

function row({ fate, path, size, reason }: PlannedFile, style: Style): readonly string[] {
  const paint: Readonly<Record<Fate, (text: string) => string>> = {
    created: style.green,
    regenerated: style.yellow,
    unchanged: style.dim,
    kept: style.bold,
    conflict: style.red,
  };
  return [
    paint[fate](fate),
    sanitizeLine(path),
    `${size} B`,
    reason === undefined ? '' : style.dim(REASONS[reason]),
  ];
}

function summary(files: readonly PlannedFile[], written: boolean): string {
  const fates: readonly Fate[] = ['created', 'regenerated', 'unchanged', 'kept', 'conflict'];
  const counts = fates.flatMap((fate) => {
    const count = files.filter((file) => file.fate === fate).length;
    return count === 0 ? [] : [`${count} ${fate}`];
  });
  return `${counts.join(', ')}${written ? '' : '; nothing was written'}`;
}
