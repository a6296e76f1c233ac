import type { Node } from 'web-tree-sitter';

/** A test as it is written. */
export interface DeclaredTest {
  /** `TestTotal`, `test_total`; for TypeScript the title, where it is written out. */
  readonly name: string;
  readonly line: number;
  /** Its body has no statement. */
  readonly empty: boolean;
}

/** Finds the tests in the code of a language. */
export interface TestReader {
  /** Names of files that its runners look for. */
  readonly named: RegExp;
  /** Whether a file of another name may declare tests, so that it is worth parsing; missing if none can. */
  readonly mayDeclare?: (path: string, text: string) => boolean;
  readonly read: (path: string, text: string) => Promise<readonly DeclaredTest[]>;
  /** The place of a file's cases in reports: the file, or its package. */
  readonly placeOf: (path: string) => string;
}

/** Whether a body in a tree of tree-sitter has more than comments, `pass`, `...` and a text. */
export function hasCode(body: Node | null | undefined): boolean {
  return (body?.namedChildren ?? []).some((node) => {
    if (node === null || node.type === 'comment' || node.type === 'pass_statement') return false;
    if (node.type === 'statement_list') return hasCode(node);
    const [only] = node.namedChildren;
    const isExpression = node.type === 'expression_statement' && node.namedChildCount === 1;
    return !(isExpression && (only?.type === 'string' || only?.type === 'ellipsis'));
  });
}
