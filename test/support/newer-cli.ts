import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

/**
 * The CLI as a later release could be, in a folder that is not there yet: version 2 of the shared code in Go has `files`,
 * by their paths in its packages, and all else of version 1. Returns its program.
 */
export async function newerCli(folder: string, files: Readonly<Record<string, string>>): Promise<string> {
  await mkdir(folder);
  for (const part of ['bin', 'src', 'templates', 'schemas', 'package.json', 'oclif.manifest.json'])
    await cp(join(ROOT, part), join(folder, part), { recursive: true });
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  for (const [path, text] of Object.entries(files)) {
    const at = join(folder, 'templates/platform/go/2', path);
    await mkdir(dirname(at), { recursive: true });
    await writeFile(at, text);
  }
  const generators = join(folder, 'src/kinds/generators/platform.ts');
  const known = await readFile(generators, 'utf8');
  const more = known.replaceAll(/\{ '1': ([^}]*) \}/g, "{ '1': $1, '2': $1 }");
  if (more === known) throw new Error(`${generators} does not list versions as this test knows them`);
  await writeFile(generators, more);
  return join(folder, 'bin/dev.js');
}
