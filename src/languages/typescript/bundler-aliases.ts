import { posix } from 'node:path';
import { nameOf as fileName, folderOf } from '../../core/path-parts.ts';
import type { SourceTree } from '../source-tree.ts';
import { isNode, parseTree, type SyntaxNode } from './babel.ts';

/** A name that a bundler replaces by a folder or file; undefined where its config computes it. */
export type BundlerAlias = readonly [name: string, target: string | undefined];

/** Aliases of a config, and the lines of those that it computes. */
interface ReadAliases {
  readonly aliases: readonly BundlerAlias[];
  readonly computed: readonly number[];
}

const SUFFIXES = ['ts', 'js', 'mts', 'mjs', 'cts', 'cjs'];
const CONFIGS = ['vite', 'vitest', 'webpack', 'rspack', 'rsbuild', 'next', 'astro'].flatMap((tool) =>
  SUFFIXES.map((suffix) => `${tool}.config.${suffix}`),
);

/** Reads the aliases of bundlers. */
export interface AliasReader {
  /** Those of the nearest configs of a file, as far as they are written out. */
  readonly aliasesOf: (from: string) => Promise<readonly BundlerAlias[]>;
  /** The places of those that a config computes: which names they are for is not known. */
  readonly computed: () => Promise<readonly { readonly path: string; readonly line: number }[]>;
}

/** `resolve.alias` of Vite and of bundlers that have it from webpack. */
export function aliasesOfBundlers(repository: SourceTree): AliasReader {
  const all = repository.named(...CONFIGS);
  const names = new Set(all.map(fileName));
  const known = new Map<string, Promise<ReadAliases>>();
  const inFolder = new Map<string, Promise<readonly BundlerAlias[]>>();
  const read = (file: string) => {
    const aliases = known.get(file) ?? readAliases(repository, file);
    known.set(file, aliases);
    return aliases;
  };
  const readFor = async (from: string) => {
    const files = [...names].flatMap((name) => repository.nearest(from, name) ?? []);
    return (await Promise.all(files.map(read))).flatMap(({ aliases }) => aliases);
  };
  return {
    aliasesOf: (from) => {
      const folder = folderOf(from);
      const aliases = inFolder.get(folder) ?? readFor(from);
      inFolder.set(folder, aliases);
      return aliases;
    },
    computed: async () => {
      const found = await Promise.all(all.map(async (path) => ({ path, ...(await read(path)) })));
      return found.flatMap(({ path, computed }) => computed.map((line) => ({ path, line })));
    },
  };
}

async function readAliases(repository: SourceTree, file: string): Promise<ReadAliases> {
  const text = (await repository.text(file)) ?? '';
  const found: BundlerAlias[] = [];
  const computed: number[] = [];
  if (!text.includes('alias')) return { aliases: found, computed };
  const tree = await parseTree(file, text);
  if ('fault' in tree) return { aliases: found, computed };
  const visit = (node: SyntaxNode, above: string | undefined): void => {
    const name = node.type === 'ObjectProperty' ? nameOf(node.key) : undefined;
    if (name === 'alias') {
      const read = aliasesOf(node.value as SyntaxNode, posix.dirname(file));
      found.push(...read.aliases);
      if (!read.isWhole && (above === 'resolve' || above === 'test')) computed.push(node.loc.start.line);
    } else if (isResolveAlias(node)) computed.push(node.loc.start.line);
    for (const value of Object.values(node).flat()) if (isNode(value)) visit(value, name ?? above);
  };
  visit(tree.program, undefined);
  return { aliases: found, computed: [...new Set(computed)] };
}

/** `config.resolve.alias`, to which a program adds. */
function isResolveAlias(node: SyntaxNode): boolean {
  if (node.type !== 'MemberExpression' || nameOf(node.property) !== 'alias') return false;
  const { object } = node;
  return isNode(object) && object.type === 'MemberExpression' && nameOf(object.property) === 'resolve';
}

/** `{ '@': path }` or `[{ find: '@', replacement: path }]`, and whether all of it is written out. */
function aliasesOf(
  value: SyntaxNode,
  folder: string,
): { readonly aliases: readonly BundlerAlias[]; readonly isWhole: boolean } {
  if (value.type === 'ObjectExpression') {
    const aliases = propertiesOf(value).flatMap(({ key, value: target }): BundlerAlias[] => {
      const name = nameOf(key);
      return name === undefined ? [] : [[name, pathOf(target, folder)]];
    });
    return { aliases, isWhole: aliases.length === (value.properties as readonly unknown[]).length };
  }
  if (value.type !== 'ArrayExpression') return { aliases: [], isWhole: false };
  const elements = value.elements as readonly unknown[];
  const aliases = elements.flatMap((element): BundlerAlias[] => {
    if (!isNode(element) || element.type !== 'ObjectExpression') return [];
    const entries = propertiesOf(element);
    const find = entries.find(({ key }) => nameOf(key) === 'find');
    const replacement = entries.find(({ key }) => nameOf(key) === 'replacement');
    const name = find && textOf(find.value);
    return name === undefined || replacement === undefined ? [] : [[name, pathOf(replacement.value, folder)]];
  });
  return { aliases, isWhole: aliases.length === elements.length };
}

function propertiesOf(node: SyntaxNode) {
  return (node.properties as readonly SyntaxNode[]).flatMap((property) =>
    property.type === 'ObjectProperty' ? [{ key: property.key, value: property.value as SyntaxNode }] : [],
  );
}

function textOf(node: SyntaxNode): string | undefined {
  return node.type === 'StringLiteral' ? String(node.value) : undefined;
}

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
