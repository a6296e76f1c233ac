import { join } from 'node:path';
import { createProcesses } from '../../src/adapters/process.ts';
import { openStagedTree } from '../../src/adapters/staged-tree.ts';
import { openWorkTree } from '../../src/adapters/work-tree.ts';
import type { VerifyPorts, VerifyRequest } from '../../src/features/verify/ports.ts';
import { rules } from '../../src/features/verify/rules/all.ts';
import { type VerifyResult, verify } from '../../src/features/verify/run.ts';
import { bundledKinds, openKinds } from '../../src/kinds/kind.ts';
import { loadConfig } from '../../src/repository/config.ts';
import { findConfig } from '../../src/repository/discovery.ts';
import { gitEnvironment } from './git.ts';
import { withoutPlugins } from './plugin-set.ts';
import { scansHere } from './scan-threads.ts';

/** What verify says of a real repository, without toolchains: generators change nothing, and no suite may start. */
export async function verifyRepository(
  root: string,
  request: Partial<VerifyRequest> = {},
  ports: Partial<Pick<VerifyPorts, 'compareProto' | 'released'>> = {},
): Promise<VerifyResult> {
  const processes = createProcesses(gitEnvironment);
  const { signal } = new AbortController();
  const location = await findConfig({ cwd: root });
  return verify(
    {
      selection: { selectors: [] },
      changedSince: undefined,
      mode: 'primitives',
      families: [],
      tests: false,
      install: false,
      ...request,
    },
    {
      location,
      config: await loadConfig(location, '1.0.0'),
      kinds: await openKinds({ bundled: bundledKinds() }),
      tree: request.staged
        ? await openStagedTree(processes, root)
        : await openWorkTree(processes, root, signal),
      scans: { read: async () => new Map(), write: async () => {} },
      threads: scansHere(),
      ...withoutPlugins,
      rules,
      regenerate: async () => [],
      compareProto: async () => [],
      released: async () => ({ why: 'there is none' }),
      ...ports,
      suites: {
        processes: {
          run: () => {
            throw new Error('a suite was started');
          },
        },
        program: () => {
          throw new Error('a toolchain was looked for');
        },
        variables: {},
        grantable: {},
        output: join(root, '.git/output'),
        limit: 60_000,
      },
      cwd: root,
      emit: () => {},
      signal,
      today: '2026-01-01',
      now: () => 0,
    },
  );
}
