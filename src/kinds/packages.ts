import { existsSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PrimitiveError } from '../core/errors.ts';
import { PACKAGE_NAME } from '../plugins/names.ts';
import { type ConfigLocation, pathBelow } from '../repository/discovery.ts';
import { bundledKinds, type Kinds, OWN_KINDS, openKinds, REPOSITORY_KINDS } from './kind.ts';

/**
 * The kinds of this package, those of the repository in `own`, which is `kinds/` beside the config unless given, and those
 * of the packages that the config names under `plugins`, each with its kinds below `kinds/`.
 *
 * `installed` are plugins of this user; one that the config names too is that of the repository.
 *
 * Packages are read where the lock file of the repository installed them, and none of their code is run. Throws
 * `plugin-missing`, `plugin-invalid` (exit 2) and what {@link openKinds} throws.
 */
export async function openAllKinds(
  plugins: readonly string[],
  location: ConfigLocation,
  installed: readonly { readonly name: string; readonly folder: string }[] = [],
  own: string = join(location.root, REPOSITORY_KINDS),
): Promise<Kinds> {
  const sources: Record<string, string> = { [OWN_KINDS]: bundledKinds() };
  if (existsSync(own)) sources[REPOSITORY_KINDS] = own;
  for (const plugin of plugins) {
    const folder = join(await findPackage(plugin, location), 'kinds');
    if (existsSync(folder)) sources[plugin] = folder;
  }
  for (const { name, folder } of installed) {
    const kinds = join(folder, 'kinds');
    if (!plugins.includes(name) && existsSync(kinds)) sources[name] = kinds;
  }
  return openKinds(sources);
}

/** The folder of an installed package, links resolved: the nearest `node_modules` from the config up to the repository's root. */
async function findPackage(name: string, location: ConfigLocation): Promise<string> {
  if (!PACKAGE_NAME.test(name)) {
    throw new PrimitiveError('plugin-invalid', `${JSON.stringify(name)} is not the name of an npm package.`, {
      why: '`plugins` in primitive.config.yaml names it',
    });
  }
  const top = location.repositoryRoot ?? location.root;
  for (let folder = location.root; ; folder = dirname(folder)) {
    const found = await realpath(join(folder, 'node_modules', name)).catch(() => undefined);
    if (found !== undefined) return inside(found, top, name);
    if (folder === top || folder === dirname(folder)) break;
  }
  throw new PrimitiveError('plugin-missing', `The package ${name} is not installed.`, {
    why: '`plugins` in primitive.config.yaml names it, and kinds are read from node_modules',
    suggestions: ['npm ci --ignore-scripts', `npm install --save-dev --save-exact ${name}`],
  });
}

function inside(found: string, top: string, name: string): string {
  if (pathBelow(top, found) !== undefined) return found;
  throw new PrimitiveError('plugin-invalid', `The package ${name} is outside of the repository: ${found}`, {
    why: 'kinds must be installed in this repository, by its lock file',
  });
}
