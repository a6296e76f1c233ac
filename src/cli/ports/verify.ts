import { createHash } from 'node:crypto';
import { mkdtemp, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { VerifyPorts } from '../../features/verify/run.ts';
import { findProgram } from '../../toolchain/find.ts';
import { cacheFolder } from '../environment.ts';
import type { Session } from '../session.ts';

/** Milliseconds that a suite may take. */
const SUITE_LIMIT = 10 * 60_000;

/** What `verify` works with in a session. */
export async function verifyPorts({ wiring, environment, emit, signal }: Session): Promise<VerifyPorts> {
  const [{ rules }, { openWorkTree }, { openScanStore }] = await Promise.all([
    import('../../features/verify/rules/all.ts'),
    import('../../adapters/work-tree.ts'),
    import('../../adapters/scan-store.ts'),
  ]);
  const [{ location, config }, kinds, processes] = await Promise.all([
    wiring.workspace(),
    wiring.kinds(),
    wiring.processes(),
  ]);
  const tree = await openWorkTree(processes, location.root, signal);
  const { variables, version, platform, temporary } = environment;
  const cache = join(cacheFolder(environment), 'verify');
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
