import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { generate } from '../../features/generate/generate.ts';
import type { VerifyPorts } from '../../features/verify/ports.ts';
import { findProgram } from '../../toolchain/find.ts';
import { cacheFolder } from '../environment.ts';
import { grantableVariables } from '../repository-variables.ts';
import type { Session } from '../session.ts';
import { generatePorts } from './generate.ts';

/** Milliseconds that a suite may take. */
const SUITE_LIMIT = 10 * 60_000;

/** What `verify` works with in a session. */
export async function verifyPorts(session: Session): Promise<VerifyPorts> {
  const { wiring, environment, emit, signal } = session;
  const [{ rules }, { openWorkTree }, { openScanStore }, { scanThreads }, { runFolder }] = await Promise.all([
    import('../../features/verify/rules/all.ts'),
    import('../../adapters/work-tree.ts'),
    import('../../adapters/scan-store.ts'),
    import('../../adapters/scan-threads.ts'),
    import('../../adapters/run-folders.ts'),
  ]);
  const { wholePath } = environment.programs;
  const [{ location, config }, kinds, processes, suiteProcesses] = await Promise.all([
    wiring.workspace(),
    wiring.kinds(),
    wiring.processes(),
    wiring.repositoryProcesses('own'),
  ]);
  const tree = await openWorkTree(processes, location.root, signal);
  const generator = await generatePorts(session);
  const { variables, version, platform, temporary } = environment;
  const cache = join(cacheFolder(environment), 'verify');
  const name = createHash('sha256').update(tree.root).digest('hex').slice(0, 32);
  return {
    location,
    config,
    kinds,
    tree,
    scans: openScanStore(join(cache, `${name}.json`), version),
    threads: scanThreads(import.meta.resolve('../../features/verify/scan-thread.ts')),
    rules,
    regenerate: async (
      { id, kind: template, path, files, manifest = { provenance: undefined } },
      knownOnly,
    ) => {
      const [kind = '', name = ''] = id.split('/');
      if (template === undefined) return [];
      return generate(
        { id, kind, name, path: relative(location.root, join(tree.root, path)), template, manifest },
        // Warnings of a model are findings of its own rules.
        { ...generator, check: true, knownOnly, listed: new Set(files), warn: () => {} },
      );
    },
    suites: {
      processes: suiteProcesses,
      program: (name) => findProgram(name, { path: wholePath, platform, processes: suiteProcesses, signal }),
      variables,
      grantable: grantableVariables(variables),
      output: await runFolder(temporary, `primitive-verify-${name}`),
      limit: SUITE_LIMIT,
    },
    cwd: await realpath(environment.cwd),
    emit,
    signal,
    today: new Date().toISOString().slice(0, 10),
    now: () => performance.now(),
  };
}
