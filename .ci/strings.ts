/**
 * Lists all text that the program can show, for a reviewer who reads it: `node .ci/strings.ts [FOLDER]`, by default of `src`.
 * That is every string of the sources with a blank in it, as `file:line text`; `…` stands for an expression.
 */
import { globSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parse } from '@babel/parser';

const root = join(import.meta.dirname, '..');
const folder = process.argv[2] ?? 'src';

for (const path of globSync(`${folder}/**/*.ts`, { cwd: root, exclude: ['**/*.d.ts'] }).sort()) {
  const source = readFileSync(join(root, path), 'utf8');
  const program = parse(source, { sourceType: 'module', plugins: ['typescript'] });
  for (const { line, text } of textsIn(program)) {
    if (/\S \S/.test(text))
      console.log(`${relative(folder, path)}:${line} ${JSON.stringify(text).slice(1, -1)}`);
  }
}

interface Text {
  readonly line: number;
  readonly text: string;
}

/** The strings below a node of a syntax tree, in their order. */
function textsIn(node: unknown): readonly Text[] {
  if (Array.isArray(node)) return node.flatMap(textsIn);
  if (typeof node !== 'object' || node === null || !('type' in node)) return [];
  const { type, loc } = node as { type: string; loc?: { start: { line: number } } };
  const line = loc?.start.line ?? 0;
  if (type === 'StringLiteral') return [{ line, text: (node as unknown as { value: string }).value }];
  const inner = Object.entries(node).flatMap(([key, value]) => (key === 'quasis' ? [] : textsIn(value)));
  if (type !== 'TemplateLiteral') return inner;
  const { quasis } = node as unknown as { quasis: readonly { value: { cooked: string } }[] };
  return [{ line, text: quasis.map(({ value }) => value.cooked).join('…') }, ...inner];
}
