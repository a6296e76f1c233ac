import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { openMerged } from '../adapters/git-merged.ts';
import { PrimitiveError } from '../core/errors.ts';
import { field } from '../core/object.ts';
import type { Processes } from '../core/process.ts';
import { BASE_VARIABLE, baseRevision } from '../plugins/base.ts';
import { countingPlugins } from '../plugins/counting.ts';
import { type Pinned, pinnedPlugins } from '../plugins/pinned.ts';
import { NO_PLUGINS, type PluginSet } from '../plugins/set.ts';
import { type ConfigLocation, findConfig } from '../repository/discovery.ts';
import type { AppContext } from './context.ts';

const LOCK = 'package-lock.json';

/** Plugins that the repository around a command names: in its work tree, and in CI at the merge base. */
export interface RepositoryPlugins {
  readonly here: Pinned;
  /** Undefined if nothing says what was merged. */
  readonly base: Pinned | undefined;
  readonly isData: (name: string) => boolean;
}

type Place = Pick<AppContext, 'cwd' | 'configFile' | 'variables' | 'ci' | 'signal'>;

/** Undefined outside of a repository with a config. Throws what starting git throws. */
export async function readRepositoryPlugins(
  place: Place,
  processes: () => Promise<Processes>,
): Promise<RepositoryPlugins | undefined> {
  const location = await findConfig(place).catch((error: unknown) => {
    if (error instanceof PrimitiveError) return undefined;
    throw error;
  });
  if (location === undefined) return undefined;
  const config = readText(location.path);
  const here = pinnedPlugins(
    config,
    nearest(location, (folder) => readText(join(folder, LOCK))),
  );
  const isData = (name: string) => holdsKindsAlone(location, name);
  const event = place.variables.GITHUB_EVENT_PATH;
  const revision =
    place.ci === undefined ? undefined : baseRevision(place.variables, event ? readText(event) : undefined);
  if (revision === undefined) return { here, base: undefined, isData };
  const merged = await openMerged(await processes(), location.root, revision, place.signal);
  if (merged === undefined) return { here, base: undefined, isData };
  const file = location.path.slice(location.root.length + 1);
  let lock: string | undefined;
  for (const folder of foldersOf(location)) lock ??= await merged.read(folder, LOCK);
  return { here, base: pinnedPlugins(await merged.read(location.root, file), lock), isData };
}

/** The plugins that count in a run of CI, of those that are installed. */
export async function countingHere(
  place: Place,
  installed: PluginSet,
  processes: () => Promise<Processes>,
): Promise<PluginSet> {
  const found = await readRepositoryPlugins(place, processes);
  if (found === undefined) return NO_PLUGINS;
  if (found.base !== undefined) return countingPlugins({ ...found, base: found.base }, installed);
  const names = [...found.here.plugins, ...found.here.problems].map(({ name }) => name);
  return {
    ...NO_PLUGINS,
    problems: names
      .filter((name) => !found.isData(name))
      .map((name) => ({
        name,
        code: 'plugin-base-unknown',
        message: `Plugin ${name} is not loaded: this clone does not say what was merged`,
        fix: `In GitHub Actions: actions/checkout with \`fetch-depth: 0\`; in other CI: export ${BASE_VARIABLE}=origin/main`,
      })),
  };
}

/** Whether an installed package has no manifest of a plugin. */
function holdsKindsAlone(location: ConfigLocation, name: string): boolean {
  const text = nearest(location, (folder) => readText(join(folder, 'node_modules', name, 'package.json')));
  try {
    return text !== undefined && field(JSON.parse(text), 'primitive') === undefined;
  } catch {
    return false;
  }
}

function nearest(location: ConfigLocation, read: (folder: string) => string | undefined): string | undefined {
  for (const folder of foldersOf(location)) {
    const text = read(folder);
    if (text !== undefined) return text;
  }
  return undefined;
}

/** From the config up to the root of the repository. */
function foldersOf({ root, repositoryRoot = root }: ConfigLocation): readonly string[] {
  const folders: string[] = [];
  for (let folder = root; ; folder = dirname(folder)) {
    folders.push(folder);
    if (folder === repositoryRoot || folder === dirname(folder)) return folders;
  }
}

function readText(path: string): string | undefined {
  if (!existsSync(path)) return undefined;
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
