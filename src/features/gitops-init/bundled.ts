import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { parse } from 'yaml';
import { bundledKinds } from '../../kinds/kind.ts';
import type { InstallEntry } from './render.ts';
import type { KitPorts } from './run.ts';

/** The kit that comes with this program. */
export async function bundledKit(): ReturnType<KitPorts['kit']> {
  const folder = join(bundledKinds(), '../gitops');
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  const sources = new Map<string, string>();
  for (const entry of found.filter((file) => file.isFile())) {
    const file = join(entry.parentPath, entry.name);
    sources.set(relative(folder, file).replaceAll('\\', '/'), await readFile(file, 'utf8'));
  }
  const { files }: { files: readonly InstallEntry[] } = parse(sources.get('install.yaml') ?? '');
  return { sources, entries: files };
}
