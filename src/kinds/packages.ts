import { readdir, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PrimitiveError } from '../core/errors.ts';
import { type ConfigLocation, pathBelow } from '../workspace/discovery.ts';
import { bundledKinds, type Kind, type KindLookup, type Kinds, openKinds, readKinds } from './kind.ts';

/** What npm lets a package be called; nothing of it can lead out of `node_modules`. */
const PACKAGE = /^(?:@[a-z0-9][a-z0-9._-]*\/)?[a-z0-9][a-z0-9._-]*$/;

/**
 * The kinds of this package and of those that the config names under `plugins`, each with its kinds below `kinds/`.
 *
 * Packages are read where the lock file of the repository installed them, and none of their code is run. Throws
 * `plugin-missing`, `plugin-invalid`, `kind-clash` (exit 2) and what {@link readKinds} throws.
 */
export async function readAllKinds(plugins: readonly string[], location: ConfigLocation): Promise<Kinds> {
  const bundled = await readKinds(bundledKinds());
  const all = new Map<string, { readonly kind: Kind; readonly from: string }>();
  for (const kind of bundled.values()) all.set(kind.kind, { kind, from: 'primitive itself' });
  for (const plugin of plugins) {
    const folder = join(await findPackage(plugin, location), 'kinds');
    const names = await readdir(folder).catch(() => []);
    if (names.length === 0) continue;
    for (const kind of (await readKinds(folder)).values()) {
      const other = all.get(kind.kind);
      if (other !== undefined) throw clash(kind.kind, plugin, other.from);
      all.set(kind.kind, { kind, from: plugin });
    }
  }
  return new Map([...all].map(([name, { kind }]) => [name, kind]));
}

/** As {@link readAllKinds}, those of this package each read when it is first asked for. */
export async function openAllKinds(
  plugins: readonly string[],
  location: ConfigLocation,
): Promise<KindLookup> {
  return plugins.length === 0 ? openKinds(bundledKinds()) : readAllKinds(plugins, location);
}

/** The folder of an installed package, links resolved: the nearest `node_modules` from the config up to the repository's root. */
async function findPackage(name: string, location: ConfigLocation): Promise<string> {
  if (!PACKAGE.test(name)) {
    throw new PrimitiveError('plugin-invalid', `${JSON.stringify(name)} is not the name of an npm package.`, {
      why: 'it stands under `plugins` in primitive.config.yaml',
    });
  }
  const top = location.repositoryRoot ?? location.root;
  for (let folder = location.root; ; folder = dirname(folder)) {
    const found = await realpath(join(folder, 'node_modules', name)).catch(() => undefined);
    if (found !== undefined) return inside(found, top, name);
    if (folder === top || folder === dirname(folder)) break;
  }
  throw new PrimitiveError('plugin-missing', `The package ${name} is not installed.`, {
    why: 'primitive.config.yaml names it under `plugins`, and kinds are read from node_modules',
    suggestions: ['npm ci', `npm install --save-dev --save-exact ${name}`],
  });
}

function inside(found: string, top: string, name: string): string {
  if (pathBelow(top, found) !== undefined) return found;
  throw new PrimitiveError('plugin-invalid', `The package ${name} lies outside of the repository: ${found}`, {
    why: 'what decides what is written here is installed here, by the lock file of this repository',
  });
}

function clash(kind: string, plugin: string, other: string): PrimitiveError {
  return new PrimitiveError('kind-clash', `Two packages have a kind ${kind}: ${other} and ${plugin}.`, {
    why: 'a name has to mean one thing',
    suggestions: [`Remove ${plugin} from \`plugins\` in primitive.config.yaml.`],
  });
}
