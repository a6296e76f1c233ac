import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { ScaffoldPorts } from '../../features/scaffold/run.ts';
import { bundledKinds } from '../../kinds/kind.ts';
import type { Session } from '../session.ts';

/** What scaffold works with on this machine. */
export async function scaffoldPorts(session: Session): Promise<ScaffoldPorts> {
  const { wiring, environment, emit, signal } = session;
  const [{ location, config }, kinds] = await Promise.all([wiring.workspace(), wiring.kinds()]);
  return {
    location,
    config,
    kinds,
    bases: join(bundledKinds(), '..', 'bases.yaml'),
    cwd: await realpath(environment.cwd),
    ...(environment.interactive && {
      ask: async (question) => (await import('../prompt.ts')).ask(session, question),
    }),
    ignored: async (folder) => {
      const [{ readIgnored }, processes] = await Promise.all([
        import('../../adapters/git-ignored.ts'),
        wiring.processes(),
      ]);
      return readIgnored(processes, location.root, folder);
    },
    emit,
    signal,
  };
}
