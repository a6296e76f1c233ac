/** `npm run bench -- NAME…`: runs the named benches, or lists them. Each stands in a file of its name. */
import { globSync } from 'node:fs';
import { basename, join } from 'node:path';
import { createStyle } from '../../src/render/style.ts';
import { table } from '../../src/render/table.ts';
import type { BenchTable } from './table.ts';

const support = new Set(['bench', 'linter-seeds', 'peers', 'reuse-publish', 'table']);
const known = globSync('*.ts', { cwd: import.meta.dirname })
  .map((file) => basename(file, '.ts'))
  .filter((name) => !support.has(name))
  .sort();

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !known.includes(name));
if (wanted.length === 0 || unknown.length > 0) {
  if (unknown.length > 0) console.error(`no bench is called ${unknown.join(', ')}`);
  console.error(`npm run bench -- ${known.join(' | ')}`);
  process.exit(2);
}
for (const name of wanted) {
  const { bench }: { bench: () => Promise<BenchTable> } = await import(
    join(import.meta.dirname, `${name}.ts`)
  );
  const { title, rows, notes } = await bench();
  console.log(
    `\n${title}\n\n${table(rows, createStyle(false))}\n${notes.map((note) => `- ${note}`).join('\n')}`,
  );
}
