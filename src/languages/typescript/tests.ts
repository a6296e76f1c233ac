import type { DeclaredTest, TestReader } from '../declared-test.ts';
import { isNode, parseTree, type SyntaxNode } from './babel.ts';

/** Tests of `node --test`, Vitest and Jest. */
export const typescriptTests: TestReader = {
  named: /(?:[._-](?:test|spec)|(?:^|\/)test-[^/]*|(?:^|\/)test)\.[cm]?[jt]sx?$/,
  mayDeclare: (_, text) =>
    /['"](?:node:test|vitest|@jest\/globals)['"]/.test(text) && /^(?:test|it|describe|suite)\b/m.test(text),
  read: readTests,
  placeOf: (path) => path,
};

/** `test('title', () => { … })` and `it`, wherever they are called; none of a file that cannot be parsed. */
async function readTests(path: string, text: string): Promise<readonly DeclaredTest[]> {
  const tree = await parseTree(path, text);
  const tests: DeclaredTest[] = [];
  const visit = (node: SyntaxNode) => {
    const test = testOf(node);
    if (test !== undefined) tests.push(test);
    for (const value of Object.values(node)) {
      for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) visit(child);
    }
  };
  if (!('fault' in tree)) visit(tree.program);
  return tests;
}

function testOf({ type, callee, arguments: all, loc }: SyntaxNode): DeclaredTest | undefined {
  if (type !== 'CallExpression' || !isNode(callee) || !Array.isArray(all)) return undefined;
  const [title] = all as readonly SyntaxNode[];
  if (!['test', 'it'].includes(String(rootOf(callee))) || title?.type !== 'StringLiteral') return undefined;
  const run = (all as readonly SyntaxNode[]).find(({ type }) => /Function/.test(type));
  const body = isNode(run?.body) ? run.body : undefined;
  const empty = body?.type === 'BlockStatement' && Array.isArray(body.body) && body.body.length === 0;
  return { name: String(title.value), line: loc.start.line, empty };
}

/** `test` of `test`, `test.only` and `test.concurrent.only`. */
function rootOf(callee: SyntaxNode): unknown {
  let node = callee;
  while (node.type === 'MemberExpression' && isNode(node.object)) node = node.object;
  return node.type === 'Identifier' ? node.name : undefined;
}
