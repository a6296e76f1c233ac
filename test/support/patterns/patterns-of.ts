import { readFileSync } from 'node:fs';
import { parse } from '@babel/parser';
import type { Node } from '@babel/types';

/** A regular expression in the code. */
export interface Pattern {
  /** `src/core/errors.ts:87`. */
  readonly place: string;
  readonly source: string;
  readonly flags: string;
}

/** What a file makes patterns of. */
export interface PatternsOfFile {
  readonly patterns: readonly Pattern[];
  /** Places where a pattern is made of what only the running program knows. */
  readonly unknown: readonly string[];
}

/** The regular expressions of a file: literals, and `new RegExp` of texts that the file has. */
export function patternsOf(path: string, shown: string): PatternsOfFile {
  const text = readFileSync(path, 'utf8');
  const program = parse(text, { sourceType: 'module', plugins: path.endsWith('.ts') ? ['typescript'] : [] });
  const patterns: Pattern[] = [];
  const unknown: string[] = [];
  const constants = new Map<string, Node>();
  const places: Node[] = [];
  visit(program.program, (node) => {
    if (node.type === 'VariableDeclarator' && node.id.type === 'Identifier' && node.init)
      constants.set(node.id.name, node.init);
    if (node.type === 'RegExpLiteral' || isConstructor(node)) places.push(node);
  });
  for (const node of places) {
    const place = `${shown}:${node.loc?.start.line}`;
    if (node.type === 'RegExpLiteral') patterns.push({ place, source: node.pattern, flags: node.flags });
    if (node.type !== 'NewExpression' && node.type !== 'CallExpression') continue;
    const [first, second] = node.arguments;
    const source = textOf(first, constants);
    const flags = second === undefined ? '' : textOf(second, constants);
    if (source === undefined || flags === undefined) unknown.push(place);
    else patterns.push({ place, source, flags });
  }
  return { patterns, unknown };
}

function isConstructor(node: Node): boolean {
  return (
    (node.type === 'NewExpression' || node.type === 'CallExpression') &&
    node.callee.type === 'Identifier' &&
    node.callee.name === 'RegExp'
  );
}

/** The value of a text that constants of the file make; undefined for any other. */
function textOf(node: Node | undefined, constants: ReadonlyMap<string, Node>): string | undefined {
  if (node?.type === 'StringLiteral') return node.value;
  if (node?.type === 'RegExpLiteral') return node.pattern;
  if (node?.type === 'Identifier') return textOf(constants.get(node.name), constants);
  if (node?.type === 'MemberExpression' && node.property.type === 'Identifier')
    return node.property.name === 'source' ? textOf(node.object, constants) : undefined;
  if (node?.type === 'TaggedTemplateExpression') return joined(node.quasi, 'raw', constants);
  if (node?.type === 'TemplateLiteral') return joined(node, 'cooked', constants);
  return undefined;
}

function joined(
  { quasis, expressions }: Extract<Node, { type: 'TemplateLiteral' }>,
  form: 'raw' | 'cooked',
  constants: ReadonlyMap<string, Node>,
): string | undefined {
  const values = expressions.map((one) => textOf(one as Node, constants));
  if (values.includes(undefined)) return undefined;
  return quasis.map(({ value }, i) => `${value[form]}${values[i] ?? ''}`).join('');
}

function visit(node: unknown, see: (node: Node) => void): void {
  if (typeof node !== 'object' || node === null) return;
  if (Array.isArray(node)) {
    for (const one of node) visit(one, see);
    return;
  }
  if ('type' in node && typeof node.type === 'string') see(node as Node);
  for (const [key, value] of Object.entries(node)) if (key !== 'loc') visit(value, see);
}
