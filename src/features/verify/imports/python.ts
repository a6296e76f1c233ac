import type { Node } from 'web-tree-sitter';
import { grammar, placeOf, syntaxError, withTree } from './grammar.ts';
import type { ParsedSource, SourceImport } from './source.ts';

/** The imports of a Python file, wherever they are: in functions, under `if TYPE_CHECKING`, by `import_module`. */
export async function parsePython(text: string): Promise<ParsedSource> {
  return withTree(await grammar('python'), text, (root) => {
    const fault = syntaxError(root);
    if (fault !== undefined) return { imports: [], fault };
    const statements = root.descendantsOfType(['import_statement', 'import_from_statement']);
    const calls = /import_module|__import__/.test(text) ? root.descendantsOfType('call') : [];
    return {
      imports: [...statements.flatMap(importsOf), ...calls.flatMap(importOfCall)].sort(
        (a, b) => a.line - b.line || a.column - b.column,
      ),
    };
  });
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

/** Spaces are allowed around the dots. */
function compact(name: string): string {
  return name.replace(/[\s\\]/g, '');
}

/** `importlib.import_module("a")`, `__import__("a")`, also with the function under its own name. */
function importOfCall(call: Node): readonly SourceImport[] {
  const callee = call.childForFieldName('function')?.text.replace(/^.*\./s, '');
  if (callee !== 'import_module' && callee !== '__import__') return [];
  const [first, ...others] = call.childForFieldName('arguments')?.namedChildren ?? [];
  const specifier = first && literal(first);
  // A relative name counts from the `package` argument, which is known only if it is the file's own.
  const own = others.some((node) => /(?:^|=)\s*__(?:package|name)__$/.test(node.text));
  return [
    {
      specifier: specifier?.startsWith('.') && !own ? undefined : specifier,
      typeOnly: isTypeOnly(call),
      ...placeOf(call),
    },
  ];
}

/** The value of a string without escapes or interpolation. */
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
  return node.namedChildren
    .filter(({ type }) => type === 'string_content')
    .map(({ text }) => text)
    .join('');
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
