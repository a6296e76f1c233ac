import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { allKinds, bundledKinds, openKinds, templateFolders } from '../../src/kinds/kind.ts';
import { readTemplate } from '../../src/kinds/template.ts';
import { prepare, scaffoldRepo } from './scaffold-world.ts';

/**
 * What scaffolding `orders` of each kind makes, for people to read and for tests to compare: the files that are
 * rendered. Copies of template files are not kept; the digest of every file is in the golden `primitive.yaml`.
 */
export const GOLDEN = join(import.meta.dirname, '../golden');

/** Path -> `x` for programs or `-`, a blank, and the text. */
export type Tree = Readonly<Record<string, string>>;

/** Kinds that have a template, sorted. */
export async function scaffoldedKinds(): Promise<readonly string[]> {
  const kinds = await allKinds(await openKinds({ bundled: bundledKinds() }));
  return kinds.flatMap(({ kind, files }) => (files === undefined ? [] : [kind])).sort();
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

/** Those of a tree that no template file is equal to. */
export async function renderedOf(kind: string, tree: Tree): Promise<Tree> {
  const found = await (await openKinds({ bundled: bundledKinds() })).get(kind);
  if (found === undefined) throw new Error(`kind ${kind} is unknown`);
  const templates = new Set(
    readTemplate(templateFolders(found)).map(({ bytes }) => new TextDecoder().decode(bytes)),
  );
  return Object.fromEntries(Object.entries(tree).filter(([, content]) => !templates.has(content.slice(2))));
}

/** Writes the golden files of all kinds anew. */
export async function writeGoldens(): Promise<readonly string[]> {
  const kinds = await scaffoldedKinds();
  await rm(GOLDEN, { recursive: true, force: true });
  for (const kind of kinds) {
    const rendered = await renderedOf(kind, await goldenTree(kind));
    for (const [path, content] of Object.entries(rendered)) {
      const file = join(GOLDEN, kind, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, content.slice(2));
      await chmod(file, content.startsWith('x') ? 0o755 : 0o644);
    }
  }
  return kinds;
}
