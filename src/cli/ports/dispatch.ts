import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PrimitiveError } from '../../core/errors.ts';
import type { InputsFile } from '../../features/gitops-scaffold/inputs.ts';
import type { DispatchPorts, DispatchRequest } from '../../features/gitops-scaffold/run.ts';
import { systemClock } from '../../http/clock.ts';
import { bundledKinds } from '../../kinds/kind.ts';
import { parseDuration } from '../duration.ts';
import { stateFolder } from '../environment.ts';
import type { Session } from '../session.ts';

/**
 * What `gitops scaffold` works with in a session, for as long as `timeout` says (`30m`). Throws `invalid-flag` (exit 2).
 */
export async function gitopsPorts(
  { wiring, environment, emit, signal: stopped }: Session,
  timeout: string,
): Promise<DispatchPorts> {
  const budget = parseDuration(timeout, 'timeout');
  const signal = AbortSignal.any([stopped, timeLimit(timeout, budget)]);
  const { openJournal } = await import('../../adapters/dispatch-journal.ts');
  return {
    github: (repository) => wiring.github(repository, { budget, signal }),
    journal: openJournal(join(stateFolder(environment), 'gitops')),
    newId: () => crypto.randomUUID(),
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
  { wiring }: Session,
  given: Readonly<Record<string, string | undefined>>,
  { force, dryRun }: Pick<DispatchRequest, 'force' | 'dryRun'>,
): Promise<DispatchRequest> {
  const { gitops } = (await wiring.workspace()).config;
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
