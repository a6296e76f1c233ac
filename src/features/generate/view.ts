import type { Outcome } from '../../render/outcome.ts';
import type { Style } from '../../render/style.ts';
import { table } from '../../render/table.ts';
import { sanitizeLine } from '../../render/text.ts';
import type { GenerateDocument } from './document.ts';

/** The document as an outcome; exit 1 if a check finds a difference. */
export function generateOutcome(document: GenerateDocument): Outcome {
  const { generated, compose, written } = document;
  const differs =
    !written &&
    (generated.some(({ changes }) => changes.length > 0) ||
      (compose !== undefined && compose.change !== 'unchanged'));
  return { document, text: (style) => generateText(document, style), exit: differs ? 1 : 0 };
}

/** A line per generator, and one for every file that differs. */
function generateText({ generated, compose, written }: GenerateDocument, style: Style): string {
  if (generated.length === 0 && compose === undefined) return 'No primitive has a generator.\n';
  const rows = generated.flatMap(({ kind, name, generator, changes, ejected = [] }) => [
    [
      style.bold(sanitizeLine(`${kind}/${name}`)),
      generator,
      `${summary(changes.length, written)}${ejected.length === 0 ? '' : `, ${ejected.length} ejected`}`,
    ],
    ...changes.map(({ path, change }) => [`  ${style.yellow(change)}`, '', sanitizeLine(path)]),
  ]);
  if (compose !== undefined)
    rows.push([
      style.bold(compose.path),
      'compose',
      summary(compose.change === 'unchanged' ? 0 : 1, written),
    ]);
  return table(rows, style);
}

function summary(count: number, written: boolean): string {
  if (count === 0) return 'as generated';
  const files = count === 1 ? '1 file' : `${count} files`;
  return written ? `${files} written` : `${files} would change. To write: primitive generate`;
}
