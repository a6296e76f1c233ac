import type { Parser } from 'web-tree-sitter';
import { grammar } from '../grammar.ts';

export const pythonParser = (): Promise<Parser> =>
  grammar(import.meta.resolve('tree-sitter-python/tree-sitter-python.wasm'));
