import { join } from 'node:path';
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
    sources: (tree) => async (source) => {
      const [{ sourceContext }, registry] = await Promise.all([import('../gitops/trust.ts'), anyRegistry()]);
      return sourceContext(source, tree, { registry, cache: join(cacheFolder(base), 'sigstore') });
    },
  };
}
