import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PrimitiveError } from '../../core/errors.ts';
import type { Emit } from '../../core/events.ts';
import { parseDuration } from '../../dispatch/duration.ts';
import type { GitHub } from '../../dispatch/github.ts';
import type { InputsFile } from '../../dispatch/inputs.ts';
import type { DispatchPorts, DispatchRequest } from '../../dispatch/run.ts';
import { systemClock } from '../../http/clock.ts';
import { bundledKinds } from '../../kinds/kind.ts';
import type { Config } from '../../repository/config.ts';

/** What `gitops scaffold` works with. */
export interface RequestPorts {
  workspace(): Promise<{ readonly config: Pick<Config, 'gitops'> }>;
  /** `budget`: milliseconds that one call may spend on retries and waits. */
  github(
    repository: string,
    options: { readonly budget: number; readonly signal: AbortSignal },
  ): Promise<GitHub>;
  readonly emit: Emit;
  readonly signal: AbortSignal;
}

/** The ports of one request, which ends after `timeout` (`30m`). Throws `invalid-flag` (exit 2). */
export function limitTime(ports: RequestPorts, timeout: string, dryRun: boolean): DispatchPorts {
  const { emit, signal: stopped } = ports;
  const budget = parseDuration(timeout, 'timeout');
  const signal = AbortSignal.any([stopped, timeLimit(timeout, budget)]);
  return {
    // A dry run says what it could not look up, and waits for nothing.
    github: (repository) => ports.github(repository, { budget: dryRun ? 0 : budget, signal }),
    command: 'primitive gitops scaffold',
    clock: systemClock,
    emit,
    signal,
  };
}

/** Ends requests and waits, with `gitops-timeout` (exit 3) as the reason. */
function timeLimit(shown: string, milliseconds: number): AbortSignal {
  const limit = new AbortController();
  const reason = new PrimitiveError('gitops-timeout', `Stopped after ${shown}.`, {
    why: 'The time limit of the command has passed.',
    suggestions: ['Run the same command again.'],
    exit: 3,
    retryable: true,
  });
  // A longer timer than Node has would end at once.
  setTimeout(() => limit.abort(reason), Math.min(milliseconds, 2 ** 31 - 1)).unref();
  return limit.signal;
}

/** What is asked of the kit's scaffold workflow, in the repository that the config names. */
export async function scaffoldRequest(
  { workspace }: Pick<RequestPorts, 'workspace'>,
  given: Readonly<Record<string, string | undefined>>,
  { force, dryRun }: Pick<DispatchRequest, 'force' | 'dryRun'>,
): Promise<DispatchRequest> {
  const { gitops } = (await workspace()).config;
  if (gitops === undefined) {
    throw new PrimitiveError('gitops-not-configured', 'The config names no GitOps repository.', {
      why: 'The workflow that writes the wiring runs there.',
      suggestions: ['In primitive.config.yaml:\ngitops: { repository: OWNER/NAME }'],
    });
  }
  const file = join(bundledKinds(), '../gitops/scaffold/inputs.json');
  const { repository, workflow, ref, lanes } = gitops;
  return {
    target: { repository, workflow, ref },
    file: JSON.parse(await readFile(file, 'utf8')) as InputsFile,
    given: Object.fromEntries(
      Object.entries({ ...given, force: force ? 'true' : undefined }).flatMap(([name, value]) =>
        value === undefined ? [] : [[name, value]],
      ),
    ),
    choices: { env: lanes },
    force,
    dryRun,
  };
}
