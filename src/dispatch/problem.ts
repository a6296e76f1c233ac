import type { CodeAfter } from '../core/errors.ts';
import type { RunTarget } from './diagnose.ts';
import type { RunProblem } from './document.ts';
import type { RunState } from './follow.ts';
import type { GitHub, Job, JobStep } from './github.ts';

/** Lines of the log of a failed step that are shown. */
const LOG_TAIL = 20;

/** The problem of a completed run; undefined if it succeeded. Reads the log of the first step that failed. */
export async function problemOf(
  { run, jobs }: RunState,
  { repository, workflow, ref }: RunTarget,
  github: Pick<GitHub, 'address' | 'log'>,
): Promise<RunProblem | undefined> {
  const { id, url, conclusion } = run;
  switch (conclusion) {
    case 'success':
      return undefined;
    case 'startup_failure':
      return problem('run-not-started', `Run ${id} could not start.`, {
        why: `GitHub refused workflow ${workflow} before its first job: it is invalid, or uses an action or a permission that is not allowed.`,
        suggestions: [
          `Open the run: ${url}`,
          `Show its changes, in a clone of ${repository} at ${ref}: git log -p -- .github/workflows/${workflow}`,
        ],
      });
    case 'cancelled':
      return problem('run-cancelled', `Run ${id} was cancelled.`, {
        why: 'A person or a newer run of the same concurrency group cancelled it.',
        suggestions: [`Show who cancelled it: ${url}`, 'Run the same command again.'],
      });
    case 'action_required':
      return problem('run-not-approved', `Run ${id} was not approved.`, {
        why: 'A rule of the repository requires an approval.',
        suggestions: [`Approve it: ${url}`, 'Then run the same command again.'],
      });
    case 'deleted':
      return problem('run-deleted', `Run ${id} was deleted.`, {
        why: 'It no longer exists on GitHub.',
        suggestions: ['Run the same command again.'],
      });
    default:
      return failure({ run, jobs }, github);
  }
}

async function failure(
  { run, jobs }: RunState,
  github: Pick<GitHub, 'address' | 'log'>,
): Promise<RunProblem> {
  const suggestions = [
    `See the run: ${run.url}`,
    `Its whole log: gh run view ${run.id} --repo ${github.address} --log-failed`,
  ];
  const job = jobs.find(({ conclusion }) => isBad(conclusion));
  const word = run.conclusion?.replaceAll('_', ' ') ?? 'unknown';
  if (job === undefined) {
    return problem('run-failed', `Run ${run.id} ended with ${word}.`, { why: null, suggestions });
  }
  const step = job.steps.find(({ conclusion }) => isBad(conclusion));
  const where = step === undefined ? `job ${job.name}` : `step ${step.name} of job ${job.name}`;
  return problem('run-failed', `Run ${run.id} failed in ${where}.`, {
    why: await logTail(job, step, github),
    suggestions,
  });
}

function isBad(conclusion: string | null): boolean {
  return conclusion !== null && !['success', 'skipped', 'neutral'].includes(conclusion);
}

/** The lines before the error that ended a step; the end of the log if none is marked. Null without a log. */
async function logTail(
  job: Job,
  step: JobStep | undefined,
  github: Pick<GitHub, 'log'>,
): Promise<string | null> {
  // The failure is reported even if its log cannot be read.
  const log = await github.log(job.id).catch(() => undefined);
  if (log === undefined) return step === undefined ? null : `Its conclusion is ${step.conclusion}.`;
  const lines = log
    .trimEnd()
    .split(/\r?\n/)
    // Each line begins with its time.
    .map((line) => line.replace(/^\ufeff?\d{4}-\d\d-\d\dT[\d:.]+Z /, ''));
  const error = lines.findIndex((line) => line.startsWith('##[error]'));
  const end = error === -1 ? lines.length : error + 1;
  return lines
    .slice(Math.max(0, end - LOG_TAIL), end)
    .filter((line) => !/^##\[(?:group|endgroup|debug)\]/.test(line))
    .map((line) => line.replace(/^##\[\w+\]/, ''))
    .join('\n');
}

/** A problem; the code begins with `gitops-`. */
export function problem(
  code: CodeAfter<'gitops'>,
  message: string,
  details: Pick<RunProblem, 'why' | 'suggestions'>,
): RunProblem {
  return { code: `gitops-${code}`, message, ...details };
}
