import { readdir, readFile, realpath } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { parse } from 'yaml';
import type { InstallEntry } from '../../features/gitops-init/render.ts';
import type { KitPorts } from '../../features/gitops-init/run.ts';
import { bundledKinds } from '../../kinds/kind.ts';
import type { Session } from '../session.ts';

/** What `gitops init` works with in a session. */
export async function kitPorts(session: Session): Promise<KitPorts> {
  const { wiring, environment, emit, signal } = session;
  const processes = await wiring.processes();
  return {
    cwd: await realpath(environment.cwd),
    version: environment.version,
    kit: bundledKit,
    origin: async (root) => {
      const { readOrigin } = await import('../../adapters/git-origin.ts');
      return readOrigin(processes, root, signal);
    },
    changes: async (root) => {
      const [{ openGit }, { listChanges }] = await Promise.all([
        import('../../adapters/git-command.ts'),
        import('../../adapters/git-tree.ts'),
      ]);
      return listChanges(await openGit(processes, root, signal));
    },
    emit,
    signal,
  };
}

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
