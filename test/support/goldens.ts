import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { allKinds, bundledKinds, openKinds } from '../../src/kinds/kind.ts';
import { isScaffolded } from '../../src/kinds/template.ts';
import { prepare, scaffoldRepo } from './scaffold-world.ts';

const ROOT = join(import.meta.dirname, '../..');

/** Digest of every file that scaffolding `orders` of each kind writes. git has this list, not the files. */
export const LIST = join(ROOT, 'test/goldens.sha256');

/** Where `npm run goldens` puts the files, for people to read; git ignores it. */
export const RENDERS = join(ROOT, 'goldens');

/** Path -> `x` for programs or `-`, a blank, and the text. */
export type Tree = Readonly<Record<string, string>>;

/** `<kind>/<path>` -> `<SHA-256> <mode>`. */
export type Digests = ReadonlyMap<string, string>;

/** Kinds that have a template, sorted. */
export async function scaffoldedKinds(): Promise<readonly string[]> {
  const kinds = await allKinds(await openKinds({ bundled: bundledKinds() }));
  return kinds
    .filter(isScaffolded)
    .map(({ kind }) => kind)
    .sort();
}

/** All that scaffold writes for `orders` of a kind. */
export async function goldenTree(kind: string): Promise<Tree> {
  await using repo = await scaffoldRepo();
  const { plan, contents } = await prepare(repo.root, { kind, name: 'orders' });
  return Object.fromEntries(
    plan.files.map(({ path, digest, mode }) => {
      const text = new TextDecoder('utf-8', { fatal: true }).decode(contents.get(digest));
      return [path, `${mode === '100755' ? 'x' : '-'} ${text}`];
    }),
  );
}

/** The trees of all kinds, as one whose folders are the kinds. */
export async function goldenTrees(): Promise<Tree> {
  const all: Record<string, string> = {};
  for (const kind of await scaffoldedKinds()) {
    for (const [path, content] of Object.entries(await goldenTree(kind))) all[`${kind}/${path}`] = content;
  }
  return all;
}

/** Writes a tree into a folder, which has nothing else afterwards. */
export async function writeTree(tree: Tree, folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  for (const [path, content] of Object.entries(tree)) {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content.slice(2));
    await chmod(file, content.startsWith('x') ? 0o755 : 0o644);
  }
}

/** Digest and mode of each file of a tree. */
export function digestsOf(tree: Tree): Digests {
  return new Map(
    Object.entries(tree).map(([path, content]) => {
      const digest = createHash('sha256').update(content.slice(2)).digest('hex');
      return [path, `${digest} ${content.startsWith('x') ? '100755' : '100644'}`];
    }),
  );
}

/** The digests that git has. */
export function listedDigests(): Digests {
  const lines = readFileSync(LIST, 'utf8').matchAll(/^(\S+ \S+) (.+)$/gm);
  return new Map(Array.from(lines, ([, digest = '', path = '']) => [path, digest]));
}

/** Writes the list that git has, sorted by path. */
export async function writeList(digests: Digests): Promise<void> {
  const lines = [...digests]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, digest]) => `${digest} ${path}\n`);
  await writeFile(LIST, lines.join(''));
}

/** What differs between two lists, a line for each file, sorted: `changed`, `added` or `removed` and its path. */
export function changesBetween(before: Digests, after: Digests): readonly string[] {
  const paths = [...new Set([...before.keys(), ...after.keys()])].sort();
  return paths.flatMap((path) => {
    if (before.get(path) === after.get(path)) return [];
    if (!before.has(path)) return [`added ${path}`];
    return [after.has(path) ? `changed ${path}` : `removed ${path}`];
  });
}
