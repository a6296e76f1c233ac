import { realpath } from 'node:fs/promises';
import type { GeneratePorts } from '../../features/generate/run.ts';
import type { Session } from '../session.ts';

/** What generate works with on this machine. */
export async function generatePorts({ wiring, environment, emit, signal }: Session): Promise<GeneratePorts> {
  const [{ location }, kinds, processes] = await Promise.all([
    wiring.workspace(),
    wiring.kinds(),
    // Its `buf.gen.yaml` can name any plugin.
    wiring.repositoryProcesses('elsewhere'),
  ]);
  const { variables, programs, platform, cwd, temporary } = environment;
  return {
    root: location.root,
    kinds,
    processes,
    path: variables.PATH,
    skipped: programs.skipped,
    platform,
    temporary,
    cwd: await realpath(cwd),
    emit,
    signal,
  };
}
