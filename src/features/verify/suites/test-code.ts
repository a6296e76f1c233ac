import type { Node } from 'web-tree-sitter';
import { type LanguageId, languageOf } from '../../../languages/all.ts';
import { grammar, withTree } from '../imports/grammar.ts';
import type { Primitive } from '../subjects.ts';
import type { WorkTree } from '../work-tree.ts';

/** A test as it is written. */
export interface DeclaredTest {
  /** `TestTotal`, `test_total`; for TypeScript the title, where it is written out. */
  readonly name: string;
  readonly line: number;
  /** Its body has no statement. */
  readonly empty: boolean;
}

/** The files of a primitive that look like tests by the conventions of their language, with the tests in them. */
export type TestCode = ReadonlyMap<string, readonly DeclaredTest[]>;

/** A larger file is made by a program. */
const MAX_LENGTH = 1024 * 1024;

/** Names that runners look for: `go test`, pytest, `node --test`, Vitest and Jest. */
const NAMES: Readonly<Record<LanguageId, RegExp>> = {
  go: /_test\.go$/,
  python: /(?:^|\/)(?:test_[^/]*|[^/]*_test)\.py$/,
  ts: /(?:[._-](?:test|spec)|(?:^|\/)test-[^/]*|(?:^|\/)test)\.[cm]?[jt]sx?$/,
};
/** Folders that the go tool skips, and installed packages. */
const PASSED_OVER = /(?:^|\/)(?:testdata|vendor|node_modules|\.[^/]+|_[^/]+)\//;

/** By name, or because they declare a test: a file `check_b.py` with `def test_b()` in a folder of tests is one. */
export async function readTestCode({ path, files }: Primitive, tree: WorkTree): Promise<TestCode> {
  const found = new Map<string, readonly DeclaredTest[]>();
  for (const file of files) {
    const language = languageOf(file);
    if (language === undefined || PASSED_OVER.test(file)) continue;
    const isNamed = NAMES[language].test(file);
    if (!isNamed && language === 'go') continue;
    const bytes = await tree.read(`${path}/${file}`);
    if (bytes === undefined) continue;
    const text = bytes.length > MAX_LENGTH ? '' : new TextDecoder().decode(bytes);
    if (!isNamed && !looksLikeTest(language, file, text)) continue;
    const tests = await declaredIn(language, file, text);
    if (isNamed || tests.length > 0) found.set(`${path}/${file}`, tests);
  }
  return found;
}

/** Whether it is worth parsing: most files are no tests. */
function looksLikeTest(language: LanguageId, file: string, text: string): boolean {
  if (language === 'python') {
    const isInTests = /(?:^|\/)tests?\//.test(file) || /^(?:import|from) (?:pytest|unittest)\b/m.test(text);
    return isInTests && /^(?:async )?def test|^class \w+\(.*TestCase/m.test(text);
  }
  return (
    /['"](?:node:test|vitest|@jest\/globals)['"]/.test(text) && /^(?:test|it|describe|suite)\b/m.test(text)
  );
}

async function declaredIn(
  language: LanguageId,
  file: string,
  text: string,
): Promise<readonly DeclaredTest[]> {
  if (language === 'ts') return typescriptTests(file, text);
  const read = language === 'go' ? goTests : pythonTests;
  return withTree(await grammar(language), text, read);
}

/** `func TestXxx(t *testing.T)` at the top of a file (`go help testfunc`). */
function goTests(root: Node): readonly DeclaredTest[] {
  return root.namedChildren.flatMap((node): readonly DeclaredTest[] => {
    if (node?.type !== 'function_declaration') return [];
    const name = node.childForFieldName('name')?.text ?? '';
    const parameters = node.childForFieldName('parameters')?.text ?? '';
    if (!/^Test(?!\p{Ll})/u.test(name) || !/\*\s*(?:\w+\.)?T\s*[,)]/.test(parameters)) return [];
    const body = node.childForFieldName('body');
    return [{ name, line: node.startPosition.row + 1, empty: body !== null && !hasCode(body) }];
  });
}

/** Functions `test…` of a file and of its classes. */
function pythonTests(root: Node): readonly DeclaredTest[] {
  const read = (node: Node | null): readonly DeclaredTest[] => {
    if (node?.type === 'decorated_definition') return read(node.childForFieldName('definition'));
    const body = node?.childForFieldName('body');
    if (node?.type === 'class_definition') return (body?.namedChildren ?? []).flatMap(read);
    const name = node?.childForFieldName('name')?.text ?? '';
    if (node?.type !== 'function_definition' || !name.startsWith('test')) return [];
    return [{ name, line: node.startPosition.row + 1, empty: !hasCode(body) }];
  };
  return root.namedChildren.flatMap(read);
}

/** Whether a body has more than comments, `pass`, `...` and a text. */
function hasCode(body: Node | null | undefined): boolean {
  return (body?.namedChildren ?? []).some((node) => {
    if (node === null || node.type === 'comment' || node.type === 'pass_statement') return false;
    if (node.type === 'statement_list') return hasCode(node);
    const [only] = node.namedChildren;
    const isExpression = node.type === 'expression_statement' && node.namedChildCount === 1;
    return !(isExpression && (only?.type === 'string' || only?.type === 'ellipsis'));
  });
}

/** A node of Babel's tree, as far as all of them are alike. */
interface SyntaxNode {
  readonly type: string;
  readonly loc: { readonly start: { readonly line: number } };
  readonly [key: string]: unknown;
}

/** `test('title', () => { … })` and `it`, wherever they are called; none of a file that cannot be parsed. */
async function typescriptTests(file: string, text: string): Promise<readonly DeclaredTest[]> {
  const { parse } = await import('@babel/parser');
  const tests: DeclaredTest[] = [];
  const visit = (node: SyntaxNode) => {
    const test = testOf(node);
    if (test !== undefined) tests.push(test);
    for (const value of Object.values(node)) {
      for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) visit(child);
    }
  };
  try {
    const jsx = /\.(?:[cm]?js|[jt]sx)$/.test(file) ? (['jsx'] as const) : [];
    const plugins = ['typescript' as const, 'decorators-legacy' as const, ...jsx];
    const { program } = parse(text, { sourceType: 'unambiguous', errorRecovery: true, plugins });
    visit(program as unknown as SyntaxNode);
  } catch (error) {
    if (!(error instanceof SyntaxError) && !(error instanceof RangeError)) throw error;
  }
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

function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && 'type' in value && 'loc' in value;
}
