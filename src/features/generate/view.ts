import type { Style } from '../../render/style.ts';
import { table } from '../../render/table.ts';
import { sanitizeLine } from '../../render/text.ts';
import type { Generated } from './generate.ts';

/** `primitive.generate/v1`: what generators changed, or would change. */
export interface GenerateDocument {
  readonly schema: 'primitive.generate/v1';
  /** Sorted by kind, name, and the order of the kind's generators. */
  readonly generated: readonly Generated[];
  /** False for `--check`. */
  readonly written: boolean;
}

/** A line per generator, and one for every file that differs. */
export function generateText({ generated, written }: GenerateDocument, style: Style): string {
  if (generated.length === 0) return 'No primitive here has a generator.\n';
  const rows = generated.flatMap(({ kind, name, generator, changes }) => [
    [style.bold(`${kind}/${name}`), generator, summary(changes.length, written)],
    ...changes.map(({ path, change }) => [`  ${style.yellow(change)}`, '', sanitizeLine(path)]),
  ]);
  return table(rows);
}

function summary(count: number, written: boolean): string {
  if (count === 0) return 'as generated';
  const files = count === 1 ? '1 file' : `${count} files`;
  return written ? `${files} written` : `${files} would change: primitive generate`;
}
