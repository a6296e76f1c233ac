import { posix } from 'node:path';
import type { SourceTree } from '../source-tree.ts';
import { isNode, parseTree, type SyntaxNode } from './babel.ts';

/** A name that a bundler replaces by a folder or file; undefined where its config computes it. */
export type ViteAlias = readonly [name: string, target: string | undefined];

const CONFIGS = [
  'vite.config.ts',
  'vite.config.js',
  'vite.config.mts',
  'vite.config.mjs',
  'vitest.config.ts',
];

/** `resolve.alias` of the nearest Vite config, as far as it is written out. */
export function viteAliasReader(repository: SourceTree): (from: string) => Promise<readonly ViteAlias[]> {
  const known = new Map<string, Promise<readonly ViteAlias[]>>();
  const inFolder = new Map<string, Promise<readonly ViteAlias[]>>();
  const readFor = async (from: string) => {
    const files = CONFIGS.flatMap((name) => repository.nearest(from, name) ?? []);
    const all = files.map((file) => {
      const read = known.get(file) ?? readAliases(repository, file);
      known.set(file, read);
      return read;
    });
    return (await Promise.all(all)).flat();
  };
  return (from) => {
    const folder = posix.dirname(from);
    const read = inFolder.get(folder) ?? readFor(from);
    inFolder.set(folder, read);
    return read;
  };
}

async function readAliases(repository: SourceTree, file: string): Promise<readonly ViteAlias[]> {
  const text = (await repository.text(file)) ?? '';
  if (!text.includes('alias')) return [];
  const tree = await parseTree(file, text);
  if ('fault' in tree) return [];
  const found: ViteAlias[] = [];
  const visit = (node: SyntaxNode): void => {
    if (node.type === 'ObjectProperty' && nameOf(node.key) === 'alias') {
      found.push(...aliasesOf(node.value as SyntaxNode, posix.dirname(file)));
    }
    for (const value of Object.values(node).flat()) if (isNode(value)) visit(value);
  };
  visit(tree.program);
  return found;
}

/** `{ '@': path }` or `[{ find: '@', replacement: path }]`. */
function aliasesOf(value: SyntaxNode, folder: string): readonly ViteAlias[] {
  if (value.type === 'ObjectExpression') {
    return propertiesOf(value).flatMap(({ key, value: target }): ViteAlias[] => {
      const name = nameOf(key);
      return name === undefined ? [] : [[name, pathOf(target, folder)]];
    });
  }
  if (value.type !== 'ArrayExpression') return [];
  return (value.elements as readonly unknown[]).flatMap((element): ViteAlias[] => {
    if (!isNode(element) || element.type !== 'ObjectExpression') return [];
    const entries = propertiesOf(element);
    const find = entries.find(({ key }) => nameOf(key) === 'find');
    const replacement = entries.find(({ key }) => nameOf(key) === 'replacement');
    const name = find && nameOf(find.value);
    return name === undefined || replacement === undefined ? [] : [[name, pathOf(replacement.value, folder)]];
  });
}

function propertiesOf(node: SyntaxNode) {
  return (node.properties as readonly SyntaxNode[]).flatMap((property) =>
    property.type === 'ObjectProperty' ? [{ key: property.key, value: property.value as SyntaxNode }] : [],
  );
}

/** A name or the value of a string. */
function nameOf(node: unknown): string | undefined {
  if (!isNode(node)) return undefined;
  if (node.type === 'StringLiteral') return String(node.value);
  return node.type === 'Identifier' ? String(node.name) : undefined;
}

/** `'./src'`, `path.resolve(__dirname, 'src')`, `fileURLToPath(new URL('./src', import.meta.url))`. */
function pathOf(node: SyntaxNode, folder: string): string | undefined {
  if (node.type === 'StringLiteral') {
    const text = String(node.value);
    return /^[./]/.test(text) ? posix.join(folder, text) : text;
  }
  if (node.type !== 'CallExpression' && node.type !== 'NewExpression') return undefined;
  const [first, ...rest] = node.arguments as readonly SyntaxNode[];
  if (first === undefined) return undefined;
  if (first.type === 'NewExpression') return pathOf(first, folder);
  const parts = [first, ...rest]
    .filter((one) => one.type === 'StringLiteral')
    .map((one) => String(one.value));
  const others = [first, ...rest].filter((one) => one.type !== 'StringLiteral');
  // Besides texts, only the folder of the config itself.
  if (parts.length === 0 || others.some((one) => !isOwnFolder(one))) return undefined;
  return posix.join(folder, ...parts);
}

function isOwnFolder(node: SyntaxNode): boolean {
  if (node.type === 'Identifier') return node.name === '__dirname';
  return node.type === 'MemberExpression' && ['url', 'dirname'].includes(nameOf(node.property) ?? '');
}
