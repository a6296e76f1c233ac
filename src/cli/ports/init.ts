import { readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { InitPorts } from '../../features/init/run.ts';
import { bundledKinds } from '../../kinds/kind.ts';
import type { Session } from '../session.ts';

/** What `init` works with in a session. */
export async function initPorts(session: Session): Promise<InitPorts> {
  const { wiring, environment, emit, signal } = session;
  return {
    cwd: await realpath(environment.cwd),
    version: environment.version,
    workflowTemplate: () => readFile(join(bundledKinds(), '../ci/github.yaml.eta'), 'utf8'),
    config: async () => (await wiring.workspace()).config,
    origin: async (root) => {
      const [{ readOrigin }, processes] = await Promise.all([
        import('../../adapters/git-origin.ts'),
        wiring.processes(),
      ]);
      return readOrigin(processes, root, signal);
    },
    ...(environment.interactive && {
      ask: async (question) => (await import('../prompt.ts')).ask(session, question),
    }),
    emit,
    signal,
  };
}
