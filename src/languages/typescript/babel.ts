import type { ParserPlugin } from '@babel/parser';
import type { SyntaxFault } from '../source.ts';

/** A node of the syntax tree, as far as all of them are alike. */
export interface SyntaxNode {
  readonly type: string;
  readonly loc: { readonly start: { readonly line: number; readonly column: number } };
  readonly [key: string]: unknown;
}

/** A file of TypeScript or JavaScript as a tree. */
export interface SyntaxTree {
  readonly program: SyntaxNode;
  readonly comments: readonly {
    readonly value: string;
    readonly type: string;
    readonly loc?: SyntaxNode['loc'] | null | undefined;
  }[];
}

let loading: Promise<typeof import('@babel/parser')> | undefined;

/** Parses a file by its name; what is wrong beyond the syntax, such as a name that is declared twice, is no fault. */
export async function parseTree(
  path: string,
  text: string,
): Promise<SyntaxTree | { readonly fault: SyntaxFault }> {
  loading ??= import('@babel/parser');
  const { parse } = await loading;
  try {
    const file = parse(text, {
      sourceType: 'unambiguous',
      errorRecovery: true,
      attachComment: false,
      plugins: pluginsFor(path),
    });
    return { program: file.program as unknown as SyntaxNode, comments: file.comments ?? [] };
  } catch (error) {
    return { fault: faultOf(error) };
  }
}

export function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && 'type' in value && 'loc' in value;
}

function pluginsFor(path: string): ParserPlugin[] {
  const jsx = /\.(?:[cm]?js|[jt]sx)$/.test(path);
  return [
    ['typescript', { dts: /\.d\.[cm]?ts$/.test(path) }],
    'decorators-legacy',
    'decoratorAutoAccessors',
    'deferredImportEvaluation',
    ...(jsx ? (['jsx'] as const) : []),
  ];
}

/** Where Babel stopped; a stack overflow is one of a file that is nested too deeply. */
export function faultOf(error: unknown): SyntaxFault {
  if (error instanceof RangeError) return { message: 'it is nested too deeply' };
  if (!(error instanceof SyntaxError)) throw error;
  const { loc } = error as SyntaxError & {
    readonly loc?: { readonly line: number; readonly column: number };
  };
  const message = error.message.replace(/ \(\d+:\d+\)$/, '').replace(/\.$/, '');
  return { message, ...(loc === undefined ? {} : { line: loc.line, column: loc.column + 1 }) };
}
