import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { parse } from 'yaml';
import { packagePath } from '../../core/package.ts';
import type { KitResource } from '../../gitops/kit-document.ts';
import { allKinds, type Kind, openKinds, ownKinds, REPOSITORY_KINDS } from '../../kinds/kind.ts';
import type { InstallEntry, KitSource } from './render.ts';

/** The kit that comes with this program. */
export async function bundledKit(): Promise<KitSource> {
  const folder = packagePath('templates/gitops');
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  const sources = new Map<string, string>();
  for (const entry of found.filter((file) => file.isFile())) {
    const file = join(entry.parentPath, entry.name);
    sources.set(relative(folder, file).replaceAll('\\', '/'), await readFile(file, 'utf8'));
  }
  const { files }: { files: readonly InstallEntry[] } = parse(sources.get('install.yaml') ?? '');
  const kinds = await allKinds(await ownKinds());
  return { sources, entries: files, kinds, resources: resourcesOf(kinds) };
}

/**
 * The kinds in a folder such as `../app/kinds`, sorted by name; none without a folder.
 *
 * Throws `kinds-missing` (exit 3), and for a `kind.yaml` that is wrong `kind-invalid` and the like (exit 2).
 */
export async function kindsIn(folder: string | undefined): Promise<readonly Kind[]> {
  return folder === undefined ? [] : allKinds(await openKinds({ [REPOSITORY_KINDS]: folder }));
}

/** Their custom resources. */
export function resourcesOf(kinds: readonly Kind[]): readonly KitResource[] {
  return kinds.flatMap(({ kind, resource }) => (resource === undefined ? [] : [{ kind, ...resource }]));
}
