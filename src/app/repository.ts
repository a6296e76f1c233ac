import type { GitRepository } from '../adapters/git.ts';
import type { Origin } from '../adapters/git-origin.ts';
import { findingText } from '../core/finding.ts';
import { once } from '../core/once.ts';
import type { WorkTree } from '../features/verify/work-tree.ts';
import type { Kinds } from '../kinds/kind.ts';
import type { Component } from '../repository/component.ts';
import type { Workspace } from '../repository/config.ts';
import type { DirtyFile } from '../repository/source-tree.ts';
import type { AppContext } from './context.ts';
import type { PluginAdapters } from './plugins.ts';
import type { ProgramAdapters } from './programs.ts';

/** The repository around the folder that the command runs in. */
export interface RepositoryAdapters {
  workspace(): Promise<Workspace>;
  /** HEAD, and its history. */
  tree(): Promise<GitRepository>;
  /** The files on disk; needs no commit. */
  workTree(): Promise<WorkTree>;
  /** The files of the index, in place of those of the work tree. */
  stagedTree(): Promise<WorkTree>;
  /** All kinds: ours, those of the packages that the config names, and those of plugins. */
  kinds(): Promise<Kinds>;
  /** All components of the repository at HEAD. */
  components(): Promise<readonly Component[]>;
  /** Remote and default branch of the repository at `root`. */
  origin(root: string): Promise<Origin>;
  /** Paths in the work tree of `root` that differ from HEAD, untracked files included. */
  changes(root: string): Promise<readonly DirtyFile[]>;
  /** The files of a folder that git ignores; both relative to the folder of the config. */
  ignored(folder: string): Promise<readonly string[]>;
}

/** Adapters that the other adapters are created from. */
export type AdapterBase = AppContext & ProgramAdapters & RepositoryAdapters;

export function repositoryAdapters(
  { cwd, configFile, version, signal, emit }: AppContext,
  { processes, plugins }: Pick<ProgramAdapters, 'processes'> & Pick<PluginAdapters, 'plugins'>,
): RepositoryAdapters {
  const location = once(async () => {
    const { findConfig } = await import('../repository/discovery.ts');
    return findConfig({ cwd, configFile });
  });

  const workspace = once(async () => {
    const [{ loadConfig }, found] = await Promise.all([import('../repository/config.ts'), location()]);
    return { location: found, config: await loadConfig(found, version) };
  });

  const tree = once(async () => {
    const [{ openRepository }, started, { root }] = await Promise.all([
      import('../adapters/git.ts'),
      processes(),
      location(),
    ]);
    const opened = openRepository(started, root, signal);
    // Git starts while the config is read; if both fail, the config's error is thrown.
    opened.catch(() => {});
    await workspace();
    return opened;
  });

  const kinds = once(async () => {
    const [{ openAllKinds }, { config, location: found }, installed] = await Promise.all([
      import('../kinds/packages.ts'),
      workspace(),
      plugins(),
    ]);
    return openAllKinds(config.plugins, found, installed.plugins);
  });

  const components = once(async () => {
    const [{ readComponents }, head, found, known] = await Promise.all([
      import('../repository/primitives.ts'),
      tree(),
      workspace(),
      kinds(),
    ]);
    const read = await readComponents(head, { ...found, kinds: known });
    for (const warning of read.warnings)
      emit({ type: 'warning', code: warning.rule, message: findingText(warning) });
    return read.components;
  });

  return {
    workspace,
    tree,
    workTree: once(async () => {
      const [{ openWorkTree }, started, { location: found }] = await Promise.all([
        import('../adapters/work-tree.ts'),
        processes(),
        workspace(),
      ]);
      return openWorkTree(started, found.root, signal);
    }),
    stagedTree: once(async () => {
      const [{ openStagedTree }, started, { location: found }] = await Promise.all([
        import('../adapters/staged-tree.ts'),
        processes(),
        workspace(),
      ]);
      return openStagedTree(started, found.root, signal);
    }),
    kinds,
    components,
    origin: async (root) => {
      const [{ readOrigin }, started] = await Promise.all([import('../adapters/git-origin.ts'), processes()]);
      return readOrigin(started, root, signal);
    },
    changes: async (root) => {
      const [{ openGit }, { listChanges }, started] = await Promise.all([
        import('../adapters/git-command.ts'),
        import('../adapters/git-tree.ts'),
        processes(),
      ]);
      return listChanges(await openGit(started, root, signal));
    },
    ignored: async (folder) => {
      const [{ readIgnored }, started, { root }] = await Promise.all([
        import('../adapters/git-ignored.ts'),
        processes(),
        location(),
      ]);
      return readIgnored(started, root, folder);
    },
  };
}
