import { type Mention, modulesIn, pathsIn, placed, type Span, within } from '../mentions.ts';
import type { ParsedSource, SourceImport } from '../source.ts';
import { faultOf, isNode, parseTree, type SyntaxNode, type SyntaxTree } from './babel.ts';

/** `/// <reference path="…" />`: the types of a file or a package. */
const REFERENCE = /^\/\s*<reference\s+(path|types)=["']([^"']+)["']/;
/** `{import('…')}` and `@import … from '…'` in the comments of JavaScript. */
const DOCUMENTED =
  /\bimport\(\s{0,9}['"]([^'"\n]{1,200})['"]|@import\b[^\n'"]{0,200}\bfrom\s{1,9}['"]([^'"\n]{1,200})['"]/g;

/**
 * The imports of a TypeScript or JavaScript file: `import`, `export from`, `require` under any name that it is given,
 * `import()`, `import type`, `import x = require()`, types that are imported in place or in comments, references to types,
 * and what is named relative to `import.meta`.
 */
export async function parseTypeScript(path: string, text: string): Promise<ParsedSource> {
  const tree = await parseTree(path, text);
  if ('fault' in tree) return { imports: [], fault: tree.fault };
  try {
    const imports = commentImports(tree.comments, /\.[cm]?jsx?$/.test(path));
    const requires = /\brequire\b|createRequire/.test(text) ? requireNames(tree.program) : REQUIRE;
    visit(tree.program, imports, requires);
    const mentions = mentionsIn(tree.program, text);
    return { imports, ...(mentions.length === 0 ? {} : { mentions }) };
  } catch (error) {
    return { imports: [], fault: faultOf(error) };
  }
}

/** Packages that a test has replaced: `vi.mock('@acme/a')`. */
const MOCKED = /\.(?:do|set|un)?[mM]ock\(\s{0,200}["'`]((?:@[\w.-]{1,100}\/)?[\w-][\w./-]{0,200})["'`]/g;

/** `require` as a value, which other code is handed. */
const HANDED_ON = /(?<![\w$.])require\s{0,20}[,)\]};\n]/;
/** A text that is the name of a package alone; it counts in a file that hands `require` on. */
const PACKAGE = /(?<=["'`])((?:@[\w.-]{1,100}\/)?[\w-][\w./-]{0,200})(?=["'`])/g;

/** Paths in texts, packages that a test replaces, and those that a function may load which is handed `require`. */
function mentionsIn(program: SyntaxNode, text: string): readonly Mention[] {
  const patterns = [MOCKED, ...(HANDED_ON.test(text) ? [PACKAGE] : [])];
  const found = [...pathsIn(text), ...patterns.flatMap((pattern) => modulesIn(text, pattern))];
  if (found.length === 0) return [];
  const spans: Span[] = [];
  each(program, ({ type, start, end }) => {
    if (type === 'StringLiteral' || type === 'TemplateElement')
      spans.push({ start: Number(start), end: Number(end) });
  });
  return placed(
    within(found, spans).map(({ one }) => one),
    text,
  );
}

function commentImports(comments: SyntaxTree['comments'], isJavaScript: boolean): SourceImport[] {
  const imports: SourceImport[] = [];
  for (const { value, type, loc } of comments) {
    if (!loc) continue;
    const place = { typeOnly: true, line: loc.start.line, column: loc.start.column + 1 };
    const [, form, name] = REFERENCE.exec(value) ?? [];
    if (name !== undefined) {
      imports.push({ specifier: form === 'path' && !name.startsWith('.') ? `./${name}` : name, ...place });
    }
    if (!isJavaScript || type !== 'CommentBlock' || !value.startsWith('*')) continue;
    for (const match of value.matchAll(DOCUMENTED)) {
      const before = value.slice(0, match.index);
      const line = loc.start.line + (before.match(/\n/g)?.length ?? 0);
      const column = line === loc.start.line ? place.column : before.length - before.lastIndexOf('\n');
      imports.push({
        specifier: match.slice(1).find((one) => one !== undefined),
        typeOnly: true,
        line,
        column,
      });
    }
  }
  return imports;
}

/** Names in a file for `require` and `createRequire`. */
interface Requires {
  readonly names: ReadonlySet<string>;
  readonly makers: ReadonlySet<string>;
}

const REQUIRE: Requires = { names: new Set(['require']), makers: new Set(['createRequire']) };

/** The names that a file has for `require`: its own, what `createRequire` makes, and what either is assigned to. */
function requireNames(program: SyntaxNode): Requires {
  const names = new Set(REQUIRE.names);
  const makers = new Set(REQUIRE.makers);
  for (let size = 0; size < names.size + makers.size; ) {
    size = names.size + makers.size;
    each(program, (node) => {
      if (node.type === 'ImportSpecifier' && nameOf(node.imported) === 'createRequire') {
        makers.add(nameOf(node.local));
      }
      for (const [name, value] of assigned(node)) {
        if (name.type !== 'Identifier') continue;
        if (isRequire(value, { names, makers })) names.add(String(name.name));
        else if (makers.has(nameOf(value))) makers.add(String(name.name));
      }
    });
  }
  return { names, makers };
}

type Assigned = readonly (readonly [name: SyntaxNode, value: SyntaxNode])[];

/** Names that a node assigns to, each with its value; of a value that is taken apart, the parts. */
function assigned(node: SyntaxNode): Assigned {
  if (node.type === 'VariableDeclarator') return parted(node.id, node.init);
  const isAssignment = node.type === 'AssignmentExpression' || node.type === 'AssignmentPattern';
  return isAssignment ? parted(node.left, node.right) : [];
}

/** `{ require: a } = module` is `a = module.require`, and `[a] = [require]` is `a = require`. */
function parted(name: unknown, value: unknown): Assigned {
  if (!isNode(name) || !isNode(value)) return [];
  if (name.type === 'ArrayPattern' && value.type === 'ArrayExpression') {
    const values = value.elements as readonly unknown[];
    return (name.elements as readonly unknown[]).flatMap((one, i) => parted(one, values[i]));
  }
  if (name.type !== 'ObjectPattern') return [[name, value]];
  return (name.properties as readonly SyntaxNode[]).flatMap(({ key, value: local, computed }) => {
    const member = { ...value, type: 'MemberExpression', object: value, property: key, computed };
    return parted(
      local,
      computed === true || !isNode(key) || key.type === 'Identifier' ? member : { ...member, computed: true },
    );
  });
}

function each(node: SyntaxNode, take: (node: SyntaxNode) => void): void {
  take(node);
  for (const key in node) {
    const value = node[key];
    if (isNode(value)) each(value, take);
    if (Array.isArray(value)) for (const item of value) if (isNode(item)) each(item, take);
  }
}

/** Collects the imports of a node and of all that is in it, in the order of the text. */
function visit(program: SyntaxNode, imports: SourceImport[], requires: Requires): void {
  each(program, (node) => {
    const { line, column } = node.loc.start;
    for (const found of importsOf(node, requires)) imports.push({ ...found, line, column: column + 1 });
  });
}

type NamedImport = Pick<SourceImport, 'specifier' | 'typeOnly'>;

function importsOf(node: SyntaxNode, requires: Requires): readonly NamedImport[] {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportAllDeclaration':
    case 'ExportNamedDeclaration':
      return node.source ? [{ specifier: literal(node.source), typeOnly: isTypeOnly(node) }] : [];
    case 'ImportExpression':
      return [{ specifier: literal(node.source), typeOnly: false }];
    case 'TSImportEqualsDeclaration': {
      const reference = node.moduleReference as SyntaxNode;
      if (reference.type !== 'TSExternalModuleReference') return [];
      return [{ specifier: literal(reference.expression), typeOnly: node.importKind === 'type' }];
    }
    case 'TSImportType':
      return [{ specifier: literal(node.source ?? node.argument), typeOnly: true }];
    case 'CallExpression':
    case 'OptionalCallExpression':
      return calledImports(node, requires);
    case 'NewExpression':
      return constructedImport(node);
    default:
      return [];
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

/** Functions of Node.js and of test runners that load a module by its name. */
const LOADERS = new Set([
  '_load',
  'getBuiltinModule',
  'importActual',
  'importMock',
  'requireActual',
  'requireMock',
]);
/** Functions of test runners that are told of a module, which a file need not have. */
const MOCKS = new Set(['mock', 'doMock', 'setMock', 'unstable_mockModule']);

/** `require(…)`, `import.meta.resolve(…)`, `vi.importActual(…)`, `register(…, import.meta.url)`. */
function calledImports(node: SyntaxNode, requires: Requires): readonly NamedImport[] {
  const callee = node.callee as SyntaxNode;
  const [first, second] = node.arguments as readonly SyntaxNode[];
  const found = [{ specifier: literal(first), typeOnly: false }];
  const property = propertyOf(callee);
  if (isRequire(callee, requires)) return found;
  if ((property === 'call' || property === 'apply') && isRequire(callee.object as SyntaxNode, requires)) {
    const [argument] =
      second?.type === 'ArrayExpression' ? (second.elements as readonly unknown[]) : [second];
    return [{ specifier: literal(argument), typeOnly: false }];
  }
  // The target of `require.resolve` is mostly loaded by other code; `require.context` is that of webpack.
  if (['resolve', 'context'].includes(property ?? '') && isRequire(callee.object as SyntaxNode, requires))
    return found;
  if (LOADERS.has(property ?? '')) return found;
  if (isMetaUrl(second) || MOCKS.has(property ?? '') || nameOf(callee) === 'importScripts')
    return besideFile(first);
  if (!isNode(callee.object) || callee.object.type !== 'MetaProperty') return [];
  if (property === 'resolve') return found;
  return property === 'glob' || property === 'globEager' ? globbed(first) : [];
}

/** The folders of `import.meta.glob(…)`. */
function globbed(first: SyntaxNode | undefined): readonly NamedImport[] {
  const globs = first?.type === 'ArrayExpression' ? (first.elements as readonly unknown[]) : [first];
  return globs.flatMap((glob): readonly NamedImport[] => {
    const pattern = literal(glob);
    if (pattern === undefined) return [{ specifier: undefined, typeOnly: false }];
    // Vite counts from its root; what is taken away loads nothing.
    if (/^[!/]/.test(pattern)) return [];
    const [fixed = ''] = pattern.split(/[*?{[]/, 1);
    return [{ specifier: fixed.slice(0, fixed.lastIndexOf('/')) || '.', typeOnly: false }];
  });
}

/** A path that is written out, relative to the file. */
function besideFile(node: SyntaxNode | undefined): readonly NamedImport[] {
  const path = literal(node);
  return path?.startsWith('.') ? [{ specifier: path, typeOnly: false }] : [];
}

function isMetaUrl(node: SyntaxNode | undefined): boolean {
  if (node === undefined || propertyOf(node) !== 'url') return false;
  return isNode(node.object) && node.object.type === 'MetaProperty';
}

/** `new URL('./file', import.meta.url)`: code or data beside the file; `new Worker('./file')`. */
function constructedImport(node: SyntaxNode): readonly NamedImport[] {
  const { callee } = node as { readonly callee?: SyntaxNode };
  const [first, base] = (node.arguments ?? []) as readonly SyntaxNode[];
  const name = nameOf(callee);
  if (name === 'Worker' || name === 'SharedWorker') return besideFile(first);
  if (callee?.type !== 'Identifier' || name !== 'URL' || !isMetaUrl(base)) return [];
  const path = literal(first);
  // Paths of data are often computed; only what is written out says where it leads.
  if (path === undefined || /^(?:[a-z][a-z+.-]*:|\/)/i.test(path)) return [];
  return [{ specifier: path.startsWith('.') ? path : `./${path}`, typeOnly: false }];
}

/** Objects that have `require`. */
const REQUIRERS = new Set(['module', 'main', 'mainModule', 'globalThis', 'global']);

/** Whether an expression is `require`, under one of its names or made in place. */
function isRequire(node: SyntaxNode, requires: Requires): boolean {
  switch (node.type) {
    case 'Identifier':
      return requires.names.has(String(node.name));
    case 'MemberExpression':
    case 'OptionalMemberExpression':
      return propertyOf(node) === 'require' && REQUIRERS.has(nameOf(node.object));
    case 'SequenceExpression': {
      const last = (node.expressions as readonly SyntaxNode[]).at(-1);
      return last !== undefined && isRequire(last, requires);
    }
    case 'ParenthesizedExpression':
    case 'TSAsExpression':
    case 'TSNonNullExpression':
    case 'TSSatisfiesExpression':
      return isRequire(node.expression as SyntaxNode, requires);
    case 'CallExpression': {
      const callee = node.callee as SyntaxNode;
      if (propertyOf(callee) === 'bind') return isRequire(callee.object as SyntaxNode, requires);
      return requires.makers.has(nameOf(callee));
    }
    default:
      return false;
  }
}

/** The name of a member that is written out: `b` of `a.b` and of `a['b']`. */
function propertyOf(node: SyntaxNode): string | undefined {
  if (node.type !== 'MemberExpression' && node.type !== 'OptionalMemberExpression') return undefined;
  return node.computed === true ? literal(node.property) : nameOf(node.property);
}

/** The name of an identifier, and of the member that is taken. */
function nameOf(node: unknown): string {
  if (!isNode(node)) return '';
  if (node.type === 'Identifier') return String(node.name);
  return propertyOf(node) ?? '';
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
