import { join } from 'node:path';
import { packagePath } from '../core/package.ts';
import type { RunResult } from '../core/process.ts';
import type { OpenSource } from '../gitops/releases.ts';
import type { GitopsRepository, GitopsTree } from '../gitops/tree.ts';
import { cacheFolder } from './environment.ts';
import type { RegistryAdapters } from './registry.ts';
import type { AdapterBase } from './repository.ts';

/** The GitOps repository that a command runs in. */
export interface GitopsAdapters {
  /** The repository whose root is a folder. */
  gitops(root: string): Promise<GitopsRepository>;
  /** Texts of the YAML files below a folder, by path relative to the root. Throws `rendered-missing` (exit 2). */
  filesBelow(root: string, folder: string): Promise<ReadonlyMap<string, string>>;
  /**
   * The script of the kit that compares the settings of the repository around on GitHub with what they have to be; that of this
   * program, not of the checkout. undefined outside of a GitOps repository.
   */
  gitopsSetup(): Promise<((signal: AbortSignal) => Promise<RunResult>) | undefined>;
  /** Verifier of the releases of the sources in a kit.yaml, with the keys of the same tree. */
  sources(tree: GitopsTree): OpenSource;
}

export function gitopsAdapters(base: AdapterBase & Pick<RegistryAdapters, 'anyRegistry'>): GitopsAdapters {
  const { processes, signal, anyRegistry } = base;
  return {
    gitops: async (root) => {
      const [{ openGitopsRepository }, started] = await Promise.all([
        import('../adapters/gitops-repository.ts'),
        processes(),
      ]);
      return openGitopsRepository(started, root, signal);
    },
    filesBelow: async (root, folder) =>
      (await import('../adapters/gitops-repository.ts')).yamlBelow(root, folder),
    gitopsSetup: async () => {
      const { findGitopsRoot } = await import('../repository/discovery.ts');
      const root = await findGitopsRoot(base.cwd);
      if (root === undefined) return undefined;
      const started = await processes();
      // Which host is asked is what the checkout says: no token goes there that is not known to be for it.
      const tokens = base.variables.GH_HOST
        ? {}
        : { GH_ENTERPRISE_TOKEN: undefined, GITHUB_ENTERPRISE_TOKEN: undefined };
      const script = packagePath('templates/gitops/setup/setup.mjs');
      return (stop) =>
        started.run(process.execPath, [script, '--check'], {
          cwd: root,
          env: tokens,
          signal: AbortSignal.any([signal, stop]),
        });
    },
    sources: (tree) => async (source) => {
      const [{ sourceContext }, registry] = await Promise.all([import('../gitops/trust.ts'), anyRegistry()]);
      return sourceContext(source, tree, { registry, cache: join(cacheFolder(base), 'sigstore') });
    },
  };
}
