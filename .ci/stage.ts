import { globSync } from 'node:fs';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundle } from './bundle.ts';

const root = join(import.meta.dirname, '..');

/** Of package.json, what a user's npm needs; what only development needs would be installed with the package. */
const PUBLISHED = [
  'name',
  'version',
  'description',
  'license',
  'type',
  'bin',
  'exports',
  'files',
  'engines',
  'repository',
  'bugs',
  'homepage',
  'oclif',
];

/**
 * Fills a folder that does not exist yet with exactly what is published: the bundle, and the files that package.json
 * names. Throws where one of them is missing.
 */
export async function stagePackage(folder: string): Promise<void> {
  await mkdir(folder);
  const pjson: Record<string, unknown> & { files: string[] } = JSON.parse(
    await readFile(join(root, 'package.json'), 'utf8'),
  );
  const { files, bytes } = await bundle(folder);
  if (files === 0 || bytes === 0) throw new Error('the bundle is empty');
  const made = new Set(['dist', 'plugin.d.ts', 'THIRD-PARTY-NOTICES.txt']);
  for (const pattern of ['LICENSE', 'README.md', ...pjson.files]) {
    if (made.has(pattern)) continue;
    const found = globSync(pattern, { cwd: root });
    if (found.length === 0) throw new Error(`package.json names ${pattern}, which is no file`);
    for (const file of found) await cp(join(root, file), join(folder, file), { recursive: true });
  }
  // It has types alone, so that it is a declaration as it stands.
  await cp(join(root, 'src/plugins/api.ts'), join(folder, 'plugin.d.ts'));
  const published = Object.fromEntries(PUBLISHED.flatMap((key) => (key in pjson ? [[key, pjson[key]]] : [])));
  await writeFile(join(folder, 'package.json'), `${JSON.stringify(published, null, 2)}\n`);
}
