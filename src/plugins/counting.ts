import type { Pinned, PinnedPlugin } from './pinned.ts';
import type { PluginProblem, PluginSet } from './set.ts';
import type { InstalledPlugin } from './store.ts';

/** Plugins that a repository names in two states of it. */
export interface Named {
  /** Of the commit that decides: the merge base. */
  readonly base: Pinned;
  /** Of the work tree. */
  readonly here: Pinned;
  /** Whether a package of the work tree holds kinds alone; it is read if the same bytes are named in both states. */
  readonly isData: (name: string) => boolean;
}

/** The plugins that count in CI: those that the merge base names, as it names them, if they are installed so. */
export function countingPlugins({ base, here, isData }: Named, installed: PluginSet): PluginSet {
  const plugins: InstalledPlugin[] = [];
  const problems: PluginProblem[] = [...base.problems];
  for (const pinned of base.plugins) {
    const { name } = pinned;
    const found = installed.plugins.find((one) => one.name === name);
    if (found !== undefined && isAs(found, pinned)) plugins.push(found);
    else if (!(sameIn(here, pinned) && isData(name)))
      problems.push(
        installed.problems.find((one) => one.name === name) ?? {
          name,
          code: 'plugin-not-installed',
          message: `Plugin ${name} is not loaded: it is not installed as the lock file of the merge base has it`,
          fix: 'primitive plugins install',
        },
      );
  }
  return { plugins, problems, notices: noticesOf(base, here) };
}

/** Plugins that the merge base names, without packages that hold kinds alone. */
export function pluginsWithCode({ base, here, isData }: Named): Pinned {
  const plugins = base.plugins.filter((pinned) => !(sameIn(here, pinned) && isData(pinned.name)));
  return { ...base, plugins };
}

function isAs({ version, integrity, locked, linked }: InstalledPlugin, pinned: PinnedPlugin): boolean {
  return !linked && version === pinned.version && integrity === pinned.integrity && locked === pinned.locked;
}

function sameIn({ plugins }: Pinned, { name, locked }: PinnedPlugin): boolean {
  return plugins.some((one) => one.name === name && one.locked === locked);
}

/** Changes to plugins, which do not count before they are merged. */
function noticesOf(base: Pinned, here: Pinned): readonly PluginProblem[] {
  const namesOf = ({ plugins, problems }: Pinned) => [...plugins, ...problems].map(({ name }) => name);
  const before = new Set(namesOf(base));
  const after = new Set(namesOf(here));
  const notice = (name: string, message: string): PluginProblem => ({
    name,
    code: 'plugin-not-merged',
    message,
  });
  return [
    ...[...after]
      .filter((name) => !before.has(name))
      .map((name) =>
        notice(name, `Plugin ${name} is not loaded: this change names it, and the merge base does not`),
      ),
    ...base.plugins.flatMap((pinned) => {
      const { name, version } = pinned;
      if (!after.has(name))
        return [notice(name, `Plugin ${name} counts: the merge base names it, and this change does not`)];
      const now = here.plugins.find((one) => one.name === name);
      if (now?.locked === pinned.locked) return [];
      return [
        notice(name, `Plugin ${name} counts as ${version} of the merge base, not as this change has it`),
      ];
    }),
  ];
}
