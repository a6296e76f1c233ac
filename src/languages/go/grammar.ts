import type { Parser } from 'web-tree-sitter';
import { grammar } from '../grammar.ts';

export const goParser = (): Promise<Parser> =>
  grammar(import.meta.resolve('tree-sitter-go/tree-sitter-go.wasm'));
