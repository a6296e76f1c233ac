import { openGit } from '../../src/adapters/git-command.ts';
import { readOrigin } from '../../src/adapters/git-origin.ts';
import { listChanges } from '../../src/adapters/git-tree.ts';
import { createProcesses } from '../../src/adapters/process.ts';
import { bundledKit } from '../../src/features/gitops-init/bundled.ts';
import type { KitInitDocument } from '../../src/features/gitops-init/document.ts';
import { type KitPorts, type KitRequest, runKitInit } from '../../src/features/gitops-init/run.ts';
import { gitEnvironment } from './git.ts';

/** `gitops init` in a repository, with real git and the kit of this checkout. */
export async function initKit(
  root: string,
  request: Partial<KitRequest> = {},
  ports: Partial<KitPorts> = {},
): Promise<KitInitDocument> {
  const processes = createProcesses(gitEnvironment);
  const { signal } = new AbortController();
  const asked = { update: false, markers: false, allowLaneRemoval: false, dryRun: false, ...request };
  return runKitInit(asked, {
    cwd: root,
    version: '0.1.0',
    kit: bundledKit,
    origin: (folder) => readOrigin(processes, folder, signal),
    changes: async (folder) => listChanges(await openGit(processes, folder, signal)),
    withNpm: (use) => use({ registry: async () => undefined, integrity: async () => undefined }),
    emit: () => {},
    signal,
    ...ports,
  });
}
