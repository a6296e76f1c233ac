import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { bundledKinds, readKinds } from '../../src/kinds/kind.ts';
import { prepare, scaffoldRepo } from './scaffold-world.ts';

/** Where the trees stand that scaffolding `orders` of each kind makes, for people to read and for tests to compare. */
export const GOLDEN = join(import.meta.dirname, '../golden');

/** Kinds that have a template, sorted. */
export async function scaffoldedKinds(): Promise<readonly string[]> {
  const kinds = await readKinds(bundledKinds());
  return [...kinds.values()].flatMap(({ kind, files }) => (files === undefined ? [] : [kind])).sort();
}

/** What scaffold writes for `orders` of a kind: path -> `x` for programs or `-`, a blank, and the text. */
export async function goldenTree(kind: string): Promise<Record<string, string>> {
  await using repo = await scaffoldRepo();
  const { plan, contents } = await prepare(repo.root, { kind, name: 'orders' });
  return Object.fromEntries(
    plan.files.map(({ path, digest, mode }) => {
      const text = new TextDecoder('utf-8', { fatal: true }).decode(contents.get(digest));
      return [path, `${mode === '100755' ? 'x' : '-'} ${text}`];
    }),
  );
}

/** Writes the trees of all kinds anew. */
export async function writeGoldens(): Promise<readonly string[]> {
  const kinds = await scaffoldedKinds();
  await rm(GOLDEN, { recursive: true, force: true });
  for (const kind of kinds) {
    for (const [path, content] of Object.entries(await goldenTree(kind))) {
      const file = join(GOLDEN, kind, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, content.slice(2));
      await chmod(file, content.startsWith('x') ? 0o755 : 0o644);
    }
  }
  return kinds;
}
