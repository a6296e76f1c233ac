import type { Node } from 'web-tree-sitter';
import { placeOf, syntaxError, withTree } from '../grammar.ts';
import { type Found, type Mention, modulesIn, pathsIn, placed, within } from '../mentions.ts';
import type { ParsedSource, SourceImport } from '../source.ts';
import { pythonParser } from './grammar.ts';
import { STANDARD } from './names.ts';

/** PEP 263: a comment in one of the first two lines says what the bytes mean. */
const COOKIE = /^(?:[ \t\f]*(?:#.*)?\n)?[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)/;
/** Encodings in which each byte of ASCII means itself. */
const PLAIN =
  /^(?:utf[-_]?8(?:[-_]sig)?|u8|(?:us[-_])?ascii|646|latin[-_]?1|l1|(?:iso|iso8859|iso[-_]8859)[-_]?\d{0,2}(?:[-_]\d{1,2})?|cp125\d|windows[-_]125\d|koi8[-_][rut]|mac[-_]?roman)(?:[-_](?:unix|dos|mac))?$/i;

/** Functions that load what their first argument names, with what that is. */
const LOADERS: Readonly<Record<string, 'module' | 'file'>> = {
  import_module: 'module',
  __import__: 'module',
  run_module: 'module',
  resolve_name: 'module',
  run_path: 'file',
  spec_from_file_location: 'file',
  SourceFileLoader: 'file',
  load_source: 'file',
};
const MENTIONED =
  /import_module|__import__|run_module|resolve_name|run_path|spec_from_file_location|SourceFileLoader|load_source/;

/** Names in a file for functions that load modules. */
type Loaders = ReadonlyMap<string, 'module' | 'file'>;

/**
 * The imports of a Python file, wherever they are: in functions, under `if TYPE_CHECKING`, by functions of `importlib`,
 * `runpy` and `pkgutil` under any name that the file gives them, and by `pytest_plugins`.
 */
export async function parsePython(source: string): Promise<ParsedSource> {
  // A carriage return ends a line as a line feed does: what comes after it is in no comment.
  const text = source.replace(/\r\n?/g, '\n');
  const encoding = COOKIE.exec(text)?.[1];
  if (encoding !== undefined && !PLAIN.test(encoding)) {
    return { imports: [], fault: { message: `it is in the encoding ${encoding}, not in UTF-8` } };
  }
  return withTree(await pythonParser(), text, (root) => {
    const fault = syntaxError(root);
    if (fault !== undefined) return { imports: [], fault };
    const statements = statementsIn(root, text);
    const isMentioned = MENTIONED.test(text) || MENTIONED.test(text.normalize('NFKC'));
    const loaders = isMentioned ? loadersOf(root) : new Map();
    const calls = isMentioned ? root.descendantsOfType('call') : [];
    const plugins = text.includes('pytest_plugins') ? root.descendantsOfType('assignment') : [];
    const mentions = mentionsIn(root, text, statements);
    return {
      ...(mentions.length === 0 ? {} : { mentions }),
      imports: [
        ...statements.flatMap(importsOf),
        ...calls.flatMap((call) => importOfCall(call, loaders)),
        ...plugins.flatMap(pluginsOf),
      ].sort((a, b) => a.line - b.line || a.column - b.column),
    };
  });
}

const STATEMENTS = new Set(['import_statement', 'import_from_statement']);

/** The statements around each `import` of a text, in their order: to look at all nodes takes as long as to parse them. */
function statementsIn(root: Node, text: string): readonly Node[] {
  const statements: Node[] = [];
  for (const { index } of text.matchAll(/import/g)) {
    if (index < (statements.at(-1)?.endIndex ?? 0)) continue;
    const parent = root.descendantForIndex(index)?.parent;
    if (parent && STATEMENTS.has(parent.type)) statements.push(parent);
  }
  return statements;
}

/** A text that is the name of something in a package: `"a.b"`, `"a.b:main"`, `"name = a.b:main"`. */
const DOTTED =
  /(?<=["'])(?:[\w.-]{1,100}[ \t]{0,4}=[ \t]{0,4})?([A-Za-z_]\w{0,100}(?:\.[A-Za-z_]\w{0,100}){1,10})(?::[\w.]{1,200})?(?=["'])/g;
/** `patch("a.b.c")` loads `a.b`. */
const PATCHED = /\bpatch(?:\.\w{1,20})?\(\s{0,200}["']([\w.]{1,200})\.\w{1,100}["']/g;
/** `python -m a.b`, `pytest -p a.b`, also as arguments. */
const FLAGGED = /(?<![\w-])-[mp](?:[ \t]{1,4}|["'],\s{0,200}["'])([A-Za-z_][\w.]{0,200})/g;
/**
 * A text that is a name alone; it counts in a file that loads by name, or looks for what it will load. Names that every other
 * program has say nothing.
 */
const WORD = /(?<=["'])(?!(?:main|app|src|tests?)["'])([A-Za-z_]\w{0,100})(?=["'])/g;
const LOOKS =
  /import_module|__import__|run_module|resolve_name|find_spec|find_loader|get_loader|importlib[ \t]{0,4}(?:\.|import\b[^\n]{0,100}\b)[ \t]{0,4}resources|pkgutil/;

/** Code in a text that is handed on: `exec("import a")`. */
const CODE =
  /(?<=["'\n;])[ \t]{0,100}(?:import[ \t]{1,10}([A-Za-z_][\w.]{0,200})|from[ \t]{1,10}([A-Za-z_][\w.]{0,200})[ \t]{1,10}import\b)/g;
/** Code that doctest runs. */
const DOCTEST =
  />>>[ \t]{1,10}(?:import[ \t]{1,10}([A-Za-z_][\w.]{0,200})|from[ \t]{1,10}([A-Za-z_][\w.]{0,200})[ \t]{1,10}import\b)/g;

/** Names of modules and paths in texts; in a docstring only what doctest runs. */
function mentionsIn(root: Node, text: string, statements: readonly Node[]): readonly Mention[] {
  const isOfOthers = ({ text: module }: Found) => !STANDARD.has(module.split('.', 1)[0] ?? '');
  const doctests = new Set(text.includes('>>>') ? modulesIn(text, DOCTEST) : []);
  const inCode = modulesIn(text, CODE);
  const own = new Set(within(inCode, spansOf(statements)).map(({ one }) => one));
  const code = new Set(inCode.filter((one) => !own.has(one)));
  const patterns = [DOTTED, PATCHED, FLAGGED, ...(LOOKS.test(text) ? [WORD] : [])];
  const named = patterns.flatMap((pattern) => modulesIn(text, pattern));
  const texts = [...pathsIn(text), ...[...named, ...code].filter(isOfOthers)];
  if (texts.length + doctests.size === 0) return [];
  const isMeant = (one: Found, parent: string | undefined) =>
    doctests.has(one) || (parent !== 'expression_statement' && !(code.has(one) && parent === 'assignment'));
  const spans = spansOf(root.descendantsOfType('string'));
  const meant = within([...texts, ...doctests], spans).filter(({ one, span }) =>
    isMeant(one, span.node.parent?.type),
  );
  return placed(
    meant.map(({ one }) => one),
    text,
  );
}

function spansOf(nodes: readonly Node[]) {
  return nodes.map((node) => ({ node, start: node.startIndex, end: node.endIndex }));
}

function importsOf(statement: Node): readonly SourceImport[] {
  const named = statement.childrenForFieldName('name').map(moduleName);
  const place = { typeOnly: isTypeOnly(statement), ...placeOf(statement) };
  if (statement.type === 'import_statement') return named.map((specifier) => ({ specifier, ...place }));
  const specifier = compact(statement.childForFieldName('module_name')?.text ?? '');
  return [{ specifier, names: named, ...place }];
}

/** `a.b` of `a.b` and of `a.b as c`. */
function moduleName(node: Node): string {
  return compact((node.childForFieldName('name') ?? node).text);
}

/** Spaces are allowed around the dots, and identifiers are compared in NFKC. */
function compact(name: string): string {
  return name.replace(/[\s\\]/g, '').normalize('NFKC');
}

/** The loaders by the names of the file: imported as another name, or assigned to a variable. */
function loadersOf(root: Node): Loaders {
  const loaders = new Map(Object.entries(LOADERS));
  for (const alias of root.descendantsOfType('aliased_import')) {
    const [name, as] = [alias.childForFieldName('name'), alias.childForFieldName('alias')];
    const loads = name && loaders.get(lastName(name));
    if (loads && as) loaders.set(compact(as.text), loads);
  }
  const assignments = root.descendantsOfType('assignment');
  for (let size = 0; size < loaders.size; ) {
    size = loaders.size;
    for (const assignment of assignments) {
      const [left, right] = [assignment.childForFieldName('left'), assignment.childForFieldName('right')];
      const loads = right && loaderOf(right, loaders);
      if (loads && left?.type === 'identifier') loaders.set(compact(left.text), loads);
    }
  }
  return loaders;
}

/** Loader that an expression names: a name, an attribute, or `getattr(module, "name")`. */
function loaderOf(node: Node, loaders: Loaders): 'module' | 'file' | undefined {
  if (node.type === 'identifier' || node.type === 'attribute') return loaders.get(lastName(node));
  if (node.type === 'parenthesized_expression') {
    const [inner] = node.namedChildren;
    return inner && loaderOf(inner, loaders);
  }
  if (node.type !== 'call' || node.childForFieldName('function')?.text !== 'getattr') return undefined;
  const [, name] = node.childForFieldName('arguments')?.namedChildren ?? [];
  return name && loaders.get(literal(name) ?? '');
}

/** `c` of `a.b.c`. */
function lastName(node: Node): string {
  return compact(node.text).replace(/^.*\./s, '');
}

/** `importlib.import_module("a")`, `__import__("a")`, `runpy.run_path("a.py")`, also with the function under its own name. */
function importOfCall(call: Node, loaders: Loaders): readonly SourceImport[] {
  const callee = call.childForFieldName('function');
  const loads = callee && loaderOf(callee, loaders);
  if (!loads) return [];
  const given = call.childForFieldName('arguments')?.namedChildren ?? [];
  const place = { typeOnly: isTypeOnly(call), ...placeOf(call) };
  if (loads === 'file') return [{ specifier: fileSpecifier(given), ...place }];
  const [first, ...others] = given;
  const specifier = first && literal(first)?.split(':')[0];
  // A relative name counts from the `package` argument, which is known only if it is the file's own.
  const own = others.some((node) => /(?:^|=)\s*__(?:package|name)__$/.test(node.text));
  return [{ specifier: specifier?.startsWith('.') && !own ? undefined : specifier, ...place }];
}

/** The path among the arguments, as the specifier of a path; unknown if it counts from the folder of the process. */
function fileSpecifier(given: readonly Node[]): string | undefined {
  const path = given
    .map((node) => literal(node))
    .find((text) => text !== undefined && /[/\\]|\.py$/.test(text));
  return path === undefined ? undefined : `file:${path}`;
}

/** The modules of `pytest_plugins = "a"` and `pytest_plugins = ["a", "b"]`. */
function pluginsOf(assignment: Node): readonly SourceImport[] {
  if (assignment.childForFieldName('left')?.text !== 'pytest_plugins') return [];
  const value = assignment.childForFieldName('right');
  if (value === null) return [];
  const items = ['list', 'tuple', 'set'].includes(value.type) ? value.namedChildren : [value];
  return items
    .filter(({ type }) => type !== 'comment')
    .map((item) => ({ specifier: literal(item), typeOnly: false, ...placeOf(item) }));
}

/** The value of a string without interpolation. */
function literal(node: Node): string | undefined {
  if (node.type === 'concatenated_string') {
    const parts = node.namedChildren.map(literal);
    return parts.includes(undefined) ? undefined : parts.join('');
  }
  if (node.type === 'keyword_argument') {
    const value = node.childForFieldName('name')?.text === 'name' ? node.childForFieldName('value') : null;
    return value === null ? undefined : literal(value);
  }
  if (node.type !== 'string' || node.namedChildren.some(({ type }) => type === 'interpolation'))
    return undefined;
  const isRaw = /^[a-z]*r/i.test(node.namedChildren[0]?.text ?? '');
  const parts = node.namedChildren.filter(({ type }) => type === 'string_content').map(({ text }) => text);
  return isRaw ? parts.join('') : unescaped(parts.join(''));
}

/** A text with its escapes resolved; undefined where a character is named. */
function unescaped(text: string): string | undefined {
  if (text.includes('\\N{')) return undefined;
  return text.replace(
    /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{1,3})|(\n)|([\s\S]))/g,
    (whole, hex, short, long, octal, line, plain) => {
      if (line !== undefined) return '';
      if (plain !== undefined) return /["'\\]/.test(plain) ? plain : whole;
      return String.fromCodePoint(
        Number.parseInt(hex ?? short ?? long ?? octal, octal === undefined ? 16 : 8),
      );
    },
  );
}

/** Inside `if TYPE_CHECKING:`, not inside its `else`. */
function isTypeOnly(node: Node): boolean {
  for (let child = node, parent = node.parent; parent !== null; child = parent, parent = parent.parent) {
    if (parent.type !== 'if_statement') continue;
    const condition = parent.childForFieldName('condition')?.text ?? '';
    if (!/^(?:\w+\.)?TYPE_CHECKING$/.test(condition)) continue;
    if (parent.childForFieldName('consequence')?.equals(child)) return true;
  }
  return false;
}
