import { posix } from 'node:path';
import type { Node } from 'web-tree-sitter';
import { type DeclaredTest, hasCode, type TestReader } from '../declared-test.ts';
import { withTree } from '../grammar.ts';
import { goParser } from './grammar.ts';

/** `go test` looks for no other files. */
export const goTests: TestReader = {
  named: /_test\.go$/,
  read: async (_, text) => withTree(await goParser(), text, readTests),
  placeOf: posix.dirname,
};

/** `func TestXxx(t *testing.T)` at the top of a file (`go help testfunc`). */
function readTests(root: Node): readonly DeclaredTest[] {
  return root.namedChildren.flatMap((node): readonly DeclaredTest[] => {
    if (node?.type !== 'function_declaration') return [];
    const name = node.childForFieldName('name')?.text ?? '';
    const parameters = node.childForFieldName('parameters')?.text ?? '';
    if (!/^Test(?!\p{Ll})/u.test(name) || !/\*\s*(?:\w+\.)?T\s*[,)]/.test(parameters)) return [];
    const body = node.childForFieldName('body');
    return [{ name, line: node.startPosition.row + 1, empty: body !== null && !hasCode(body) }];
  });
}
