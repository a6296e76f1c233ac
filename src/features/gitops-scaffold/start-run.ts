import { PrimitiveError } from '../../core/errors.ts';
import type { Emit } from '../../core/events.ts';
import type { Clock } from '../../http/retry.ts';
import { diagnose, type lookUp } from './diagnose.ts';
import { awaitRun } from './find-run.ts';
import type { GitHub, WorkflowRun } from './github.ts';
import type { JournalEntry } from './journal.ts';

/** How often a dispatch is sent while its outcome is unknown. */
const ATTEMPTS = 3;

/** What a run is started with. */
export interface StartPorts {
  readonly github: GitHub;
  readonly clock: Clock;
  readonly emit: Emit;
  readonly signal: AbortSignal;
  /** Whether no other process has taken the request over. */
  holds(): Promise<boolean>;
  /** Takes a request that had no effect out of the journal. */
  forget(): Promise<void>;
}

/**
 * Creates the run of an entry and finds it. Throws what {@link diagnose} and {@link GitHub} throw,
 * `gitops-run-unidentified`, `gitops-request-taken`, `gitops-dispatch-failed` (exit 3).
 */
export async function startRun(
  entry: JournalEntry,
  facts: Awaited<ReturnType<typeof lookUp>>,
  ports: StartPorts,
): Promise<WorkflowRun> {
  const { github, emit, holds, forget, signal } = ports;
  const { workflow, repository, ref, id } = entry;
  emit({ type: 'step', step: 'dispatch', message: `Starting ${workflow} in ${repository} [${id}]` });
  const taken = takenOver(entry);
  const before = async () => {
    if (!(await holds())) throw taken;
  };
  let why = '';
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const answer = await github
      .dispatch(workflow, { ref, inputs: { ...entry.inputs, request_id: id } }, before)
      .catch(async (error: unknown) => {
        if (error === taken) return { type: 'taken' as const };
        // Nothing was sent; an abort may have come after it.
        if (!signal.aborted) await forget();
        throw error;
      });
    if (answer.type === 'refused') {
      await forget();
      throw await diagnose(answer, github, entry, facts);
    }
    if (answer.type === 'unknown') {
      why = answer.why;
      emit({ type: 'warning', code: 'gitops-dispatch-unknown', message: `${why} Looking for the run.` });
    }
    const known =
      answer.type === 'accepted' && answer.run !== undefined ? { ...entry, run: answer.run } : entry;
    const run = await awaitRun(github, known, ports);
    if (run !== undefined) return run;
    if (answer.type === 'accepted') throw unidentified(entry);
    if (answer.type === 'taken') throw taken;
  }
  throw new PrimitiveError('gitops-dispatch-failed', `Cannot start workflow ${workflow} of ${repository}.`, {
    why: `${why} No run of this request was found, ${ATTEMPTS} times.`,
    suggestions: ['Try again later: https://www.githubstatus.com'],
    exit: 3,
    retryable: true,
  });
}

function takenOver({ id, repository }: JournalEntry): PrimitiveError {
  return new PrimitiveError(
    'gitops-request-taken',
    `Another process has taken over request ${id} in ${repository}.`,
    {
      why: 'It made the same request while this one waited, and its run was not found yet.',
      suggestions: ['Run the same command again to follow it.'],
      exit: 3,
      retryable: true,
    },
  );
}

function unidentified({ workflow, repository, id }: JournalEntry): PrimitiveError {
  return new PrimitiveError(
    'gitops-run-unidentified',
    `GitHub started ${workflow}, and its run was not found.`,
    {
      why: `No run of ${repository} has [${id}] in its name, and this server does not say which one it started.`,
      suggestions: [
        `The workflow needs the run-name "… [\${{ inputs.request_id }}]", as the file of the kit has it.`,
        'Do not repeat the request before you have looked for its run.',
      ],
      exit: 3,
    },
  );
}
