import { PrimitiveError } from '../core/errors.ts';
import { type Asked, type RequestId, showId } from './asked.ts';
import { awaitListed } from './await-listed.ts';
import { diagnose, type lookUp } from './diagnose.ts';
import { findRun } from './find-run.ts';
import type { FollowContext } from './follow.ts';
import type { WorkflowRun } from './github.ts';

/** How often a dispatch is sent while its outcome is unknown. */
const SENDINGS = 3;

/**
 * Creates the run of a request and finds it. A request whose outcome stays unknown is sent again with the same id: the
 * workflow of the kit then finds its own branch and pull request, and changes nothing.
 *
 * Throws what {@link diagnose} and `GitHub` throw, `gitops-run-unidentified`, `gitops-dispatch-failed` (exit 3).
 */
export async function startRun(
  asked: Asked,
  id: RequestId,
  facts: Awaited<ReturnType<typeof lookUp>>,
  ports: FollowContext,
): Promise<WorkflowRun> {
  const { github, emit } = ports;
  const { workflow, repository, ref } = asked;
  const shown = showId(id);
  emit({ type: 'step', step: 'dispatch', message: `Starting ${workflow} in ${repository} [${shown}]` });
  let why = '';
  for (let sending = 1; sending <= SENDINGS; sending += 1) {
    const inputs = { ...asked.inputs, request_id: shown };
    const answer = await github.dispatch(workflow, { ref, inputs });
    if (answer.type === 'refused') throw await diagnose(answer, github, asked, facts);
    if (answer.type === 'unknown') {
      why = answer.why;
      emit({ type: 'warning', code: 'gitops-dispatch-unknown', message: `${why} Looking for the run.` });
    }
    const known = answer.type === 'accepted' ? answer.run : undefined;
    const run = await awaitListed(
      async () => (known === undefined ? (await findRun(github, asked, id))?.run : github.run(known)),
      ports,
    );
    if (run !== undefined) return run;
    if (answer.type === 'accepted') throw unidentified(asked, shown);
  }
  throw new PrimitiveError('gitops-dispatch-failed', `Cannot start workflow ${workflow} of ${repository}.`, {
    why: `${why} No run of this request was found after ${SENDINGS} attempts.`,
    suggestions: ['Try again later: https://www.githubstatus.com'],
    exit: 3,
    retryable: true,
  });
}

function unidentified({ workflow, repository }: Asked, id: string): PrimitiveError {
  return new PrimitiveError(
    'gitops-run-unidentified',
    `GitHub started ${workflow}, but its run was not found.`,
    {
      why: `No run of ${repository} has [${id}] in its name, and this server does not return the id of the run.`,
      suggestions: [
        `The workflow needs the run-name "… [\${{ inputs.request_id }}]", as in the workflow of the kit.`,
      ],
      exit: 3,
    },
  );
}
