import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { realFile } from '../../adapters/real-file.ts';
import type { PublishPorts } from '../../features/publish/run.ts';
import { invocationOf } from '../ambient-identity.ts';
import { credentialFilesOf } from '../credential-files.ts';
import { given } from '../environment.ts';
import type { Session } from '../session.ts';

/** Builds at a time on this machine: each is parallel in itself. */
const PARALLEL_BUILDS = Math.min(4, availableParallelism());

/** What `publish` works with in a session. */
export function publishPorts({ environment, wiring, signal }: Session): PublishPorts {
  return {
    cwd: environment.cwd,
    temporary: environment.temporary,
    ...given('invocation', invocationOf(environment)),
    parallelBuilds: PARALLEL_BUILDS,
    credentialFiles: credentialFilesOf(environment),
    realFile,
    signal,
    workspace: () => wiring.workspace(),
    tree: () => wiring.repository(),
    components: () => wiring.components(),
    registry: () => wiring.registry(),
    verifier: () => wiring.verifier(),
    policy: () => wiring.policy(),
    identity: () => wiring.identity(),
    hasToken: async () => (await wiring.ambientIdentity()) !== undefined,
    program: (name) => wiring.program(name),
    signer: () => wiring.signer(),
    builder: () => wiring.builder(),
    sbom: () => wiring.sbom(),
    sleep: (milliseconds) => sleep(milliseconds, undefined, { signal }).catch(() => signal.throwIfAborted()),
  };
}
