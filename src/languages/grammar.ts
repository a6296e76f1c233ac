import { readFile } from 'node:fs/promises';
import { Language, type Node, Parser } from 'web-tree-sitter';
import type { SyntaxFault } from './source.ts';

let runtime: Promise<void> | undefined;
const parsers = new Map<string, Promise<Parser>>();

/**
 * The parser of a grammar, loaded once; `wasm` is the URL of its WebAssembly, which the bundle has beside it. It is
 * synchronous, so that callers may share it.
 */
export function grammar(wasm: string): Promise<Parser> {
  const parser = parsers.get(wasm) ?? load(wasm);
  parsers.set(wasm, parser);
  return parser;
}

async function load(wasm: string): Promise<Parser> {
  runtime ??= readFile(new URL(import.meta.resolve('web-tree-sitter/web-tree-sitter.wasm'))).then(
    (wasmBinary) => Parser.init({ wasmBinary }),
  );
  await runtime;
  const parser = new Parser();
  parser.setLanguage(await Language.load(await readFile(new URL(wasm))));
  return parser;
}

/** Parses a text, hands its tree to `read`, and frees it: trees are not garbage-collected. */
export function withTree<T>(parser: Parser, text: string, read: (root: Node) => T): T {
  const tree = parser.parse(text);
  if (tree === null) throw new Error('the parser has no language');
  try {
    return read(tree.rootNode);
  } finally {
    tree.delete();
  }
}

/** The place of a node, from 1. */
export function placeOf({ startPosition }: Node): { readonly line: number; readonly column: number } {
  return { line: startPosition.row + 1, column: startPosition.column + 1 };
}

/** The place of the first syntax error; undefined without any. */
export function syntaxError(node: Node): SyntaxFault | undefined {
  if (!node.hasError) return undefined;
  if (node.isError || node.isMissing) return { message: 'syntax error', ...placeOf(node) };
  for (const child of node.children) {
    const error = syntaxError(child);
    if (error !== undefined) return error;
  }
  return { message: 'syntax error', ...placeOf(node) };
}
