import { createHash } from 'node:crypto';
import { mkdtemp, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { VerifyPorts, VerifyRequest } from '../features/verify/run.ts';
import type { Outcome } from '../render/outcome.ts';
import { findProgram } from '../toolchain/find.ts';
import type { Session } from './session.ts';

/** Milliseconds that a suite may take. */
const SUITE_LIMIT = 10 * 60_000;

/** Checks what is asked for on this machine. */
export async function runVerify(session: Session, request: VerifyRequest): Promise<Outcome> {
  const [{ verify }, { verifyOutcome }] = await Promise.all([
    import('../features/verify/run.ts'),
    import('../features/verify/view.ts'),
  ]);
  const ports = await verifyPorts(session);
  return verifyOutcome(await verify(request, ports), ports.rules, session.environment.version);
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
  const { variables, home, version, platform, temporary } = environment;
  const cache = join(variables.XDG_CACHE_HOME || join(home, '.cache'), 'primitive', 'verify');
  const name = createHash('sha256').update(tree.root).digest('hex').slice(0, 32);
  return {
    location,
    config,
    kinds,
    tree,
    scans: openScanStore(join(cache, `${name}.json`), version),
    rules,
    suites: {
      processes,
      program: (name) => findProgram(name, { path: variables.PATH, platform, processes, signal }),
      variables,
      output: await mkdtemp(join(temporary, 'primitive-verify-')),
      limit: SUITE_LIMIT,
    },
    cwd: await realpath(environment.cwd),
    emit,
    signal,
    today: new Date().toISOString().slice(0, 10),
    now: () => performance.now(),
  };
}
