import type { Node } from 'web-tree-sitter';
import { type DeclaredTest, hasCode, type TestReader } from '../declared-test.ts';
import { withTree } from '../grammar.ts';
import { pythonParser } from './grammar.ts';

/** Tests of pytest and unittest. */
export const pythonTests: TestReader = {
  named: /(?:^|\/)(?:test_[^/]*|[^/]*_test)\.py$/,
  mayDeclare: (path, text) => {
    const isInTests = /(?:^|\/)tests?\//.test(path) || /^(?:import|from) (?:pytest|unittest)\b/m.test(text);
    return isInTests && /^(?:async )?def test|^class \w+\(.*TestCase/m.test(text);
  },
  read: async (_, text) => withTree(await pythonParser(), text, readTests),
  placeOf: (path) => path,
};

/** Functions `test…` of a file, and of classes that pytest and unittest look into. */
function readTests(root: Node): readonly DeclaredTest[] {
  const read = (node: Node | null): readonly DeclaredTest[] => {
    if (node?.type === 'decorated_definition') return read(node.childForFieldName('definition'));
    const body = node?.childForFieldName('body');
    const name = node?.childForFieldName('name')?.text ?? '';
    if (node?.type === 'class_definition') {
      const isOfTests =
        name.startsWith('Test') || node.childForFieldName('superclasses')?.text.includes('TestCase');
      return isOfTests ? (body?.namedChildren ?? []).flatMap(read) : [];
    }
    if (node?.type !== 'function_definition' || !name.startsWith('test')) return [];
    return [{ name, line: node.startPosition.row + 1, empty: !hasCode(body) }];
  };
  return root.namedChildren.flatMap(read);
}
