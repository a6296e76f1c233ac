import type { ParserPlugin } from '@babel/parser';
import type { ParsedSource, SourceImport, SyntaxFault } from './source.ts';

/** A node of the syntax tree, as far as all of them are alike. */
interface SyntaxNode {
  readonly type: string;
  readonly loc: { readonly start: { readonly line: number; readonly column: number } };
  readonly [key: string]: unknown;
}

let loading: Promise<typeof import('@babel/parser')> | undefined;

/** `/// <reference path="…" />`: the types of a file or a package. */
const REFERENCE = /^\/\s*<reference\s+(path|types)=["']([^"']+)["']/;

/**
 * The imports of a TypeScript or JavaScript file: `import`, `export from`, `require`, `import()`, `import type`,
 * `import x = require()`, types that are imported in place, and references to types.
 */
export async function parseTypeScript(path: string, text: string): Promise<ParsedSource> {
  loading ??= import('@babel/parser');
  const { parse } = await loading;
  try {
    const file = parse(text, {
      sourceType: 'unambiguous',
      // What is wrong beyond the syntax, such as a name that is declared twice, is the compiler's to say.
      errorRecovery: true,
      attachComment: false,
      plugins: pluginsFor(path),
    });
    const imports: SourceImport[] = [];
    for (const { value, loc } of file.comments ?? []) {
      const [, form, name] = REFERENCE.exec(value) ?? [];
      if (name === undefined || !loc) continue;
      const specifier = form === 'path' && !name.startsWith('.') ? `./${name}` : name;
      imports.push({ specifier, typeOnly: true, line: loc.start.line, column: loc.start.column + 1 });
    }
    visit(file.program as unknown as SyntaxNode, imports);
    return { imports };
  } catch (error) {
    return { imports: [], fault: faultOf(error) };
  }
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
function faultOf(error: unknown): SyntaxFault {
  if (error instanceof RangeError) return { message: 'it is nested too deeply' };
  if (!(error instanceof SyntaxError)) throw error;
  const { loc } = error as SyntaxError & {
    readonly loc?: { readonly line: number; readonly column: number };
  };
  const message = error.message.replace(/ \(\d+:\d+\)$/, '').replace(/\.$/, '');
  return { message, ...(loc === undefined ? {} : { line: loc.line, column: loc.column + 1 }) };
}

/** Collects the imports of a node and of all that is in it, in the order of the text. */
function visit(node: SyntaxNode, imports: SourceImport[]): void {
  const found = importOf(node);
  if (found !== undefined) {
    const { line, column } = node.loc.start;
    imports.push({ ...found, line, column: column + 1 });
  }
  for (const key in node) {
    const value = node[key];
    if (isNode(value)) visit(value, imports);
    if (Array.isArray(value)) for (const item of value) if (isNode(item)) visit(item, imports);
  }
}

function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && 'type' in value && 'loc' in value;
}

function importOf(node: SyntaxNode): Pick<SourceImport, 'specifier' | 'typeOnly'> | undefined {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportAllDeclaration':
    case 'ExportNamedDeclaration':
      return node.source ? { specifier: literal(node.source), typeOnly: isTypeOnly(node) } : undefined;
    case 'ImportExpression':
      return { specifier: literal(node.source), typeOnly: false };
    case 'TSImportEqualsDeclaration': {
      const reference = node.moduleReference as SyntaxNode;
      if (reference.type !== 'TSExternalModuleReference') return undefined;
      return { specifier: literal(reference.expression), typeOnly: node.importKind === 'type' };
    }
    case 'TSImportType':
      return { specifier: literal(node.source ?? node.argument), typeOnly: true };
    case 'CallExpression':
      return isRequire(node.callee as SyntaxNode)
        ? { specifier: literal((node.arguments as SyntaxNode[])[0]), typeOnly: false }
        : undefined;
    default:
      return undefined;
  }
}

function isTypeOnly(node: SyntaxNode): boolean {
  const kind = node.importKind ?? node.exportKind;
  if (kind === 'type' || kind === 'typeof') return true;
  const specifiers = (node.specifiers ?? []) as readonly SyntaxNode[];
  return (
    specifiers.length > 0 &&
    specifiers.every((specifier) => specifier.importKind === 'type' || specifier.exportKind === 'type')
  );
}

/** `require(…)`, `module.require(…)`, `require.resolve(…)`. */
function isRequire(callee: SyntaxNode): boolean {
  if (callee.type === 'Identifier') return callee.name === 'require';
  if (callee.type !== 'MemberExpression') return false;
  const [object, property] = [callee.object, callee.property] as readonly SyntaxNode[];
  return (
    (object?.name === 'module' && property?.name === 'require') ||
    (object?.name === 'require' && property?.name === 'resolve')
  );
}

/** The value of a string that is written out, also in parts. */
function literal(value: unknown): string | undefined {
  const node = value as SyntaxNode | undefined;
  switch (node?.type) {
    case 'StringLiteral':
      return node.value as string;
    case 'TSLiteralType':
      return literal(node.literal);
    case 'TemplateLiteral': {
      const [quasi, ...more] = node.quasis as readonly { readonly value: { readonly cooked: string } }[];
      return more.length === 0 ? quasi?.value.cooked : undefined;
    }
    case 'BinaryExpression': {
      const [left, right] = [literal(node.left), literal(node.right)];
      return node.operator === '+' && left !== undefined && right !== undefined ? left + right : undefined;
    }
    default:
      return undefined;
  }
}
