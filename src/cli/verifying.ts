import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { VerifyPorts, VerifyRequest } from '../features/verify/run.ts';
import type { Outcome } from '../render/outcome.ts';
import type { Session } from './session.ts';

/** Checks what is asked for on this machine. */
export async function runVerify(session: Session, request: VerifyRequest): Promise<Outcome> {
  const [{ verify }, { verifyOutcome }] = await Promise.all([
    import('../features/verify/run.ts'),
    import('../features/verify/view.ts'),
  ]);
  return verifyOutcome(await verify(request, await verifyPorts(session)));
}

async function verifyPorts({ wiring, environment, emit, signal }: Session): Promise<VerifyPorts> {
  const [{ rules }, { openWorkTree }, { openScanStore }] = await Promise.all([
    import('../features/verify/rules/all.ts'),
    import('../adapters/work-tree.ts'),
    import('../adapters/scan-store.ts'),
  ]);
  const [{ location, config }, kinds, processes] = await Promise.all([
    wiring.workspace(),
    wiring.kinds(),
    wiring.processes(),
  ]);
  const tree = await openWorkTree(processes, location.root, signal);
  const { variables, home, version } = environment;
  const cache = join(variables.XDG_CACHE_HOME || join(home, '.cache'), 'primitive', 'verify');
  const name = createHash('sha256').update(tree.root).digest('hex').slice(0, 32);
  return {
    location,
    config,
    kinds,
    tree,
    scans: openScanStore(join(cache, `${name}.json`), version),
    rules,
    cwd: await realpath(environment.cwd),
    emit,
    signal,
    now: () => performance.now(),
  };
}
