import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PrimitiveError } from '../../core/errors.ts';
import type { InputsFile } from '../../features/gitops/dispatch/inputs.ts';
import type { DispatchPorts, DispatchRequest } from '../../features/gitops/dispatch/run.ts';
import { systemClock } from '../../http/clock.ts';
import { bundledKinds } from '../../kinds/kind.ts';
import { stateFolder } from '../environment.ts';
import type { Session } from '../session.ts';

/** What `gitops scaffold` works with in a session; `timeout` in milliseconds. */
export async function gitopsPorts(
  { wiring, environment, emit, signal }: Session,
  timeout: number,
): Promise<DispatchPorts> {
  const { openJournal } = await import('../../adapters/dispatch-journal.ts');
  return {
    github: (repository) => wiring.github(repository, { budget: timeout }),
    journal: openJournal(join(stateFolder(environment), 'gitops')),
    newId: () => crypto.randomUUID(),
    command: 'primitive gitops scaffold',
    clock: systemClock,
    emit,
    signal,
  };
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
