import { PrimitiveError } from '../core/errors.ts';
import type { Emit, ItemStatus } from '../core/events.ts';
import type { Clock } from '../http/retry.ts';
import { awaitListed } from './await-listed.ts';
import type { GitHub, Job, JobStep, WorkflowRun } from './github.ts';

/** A run, and its jobs as they are now. */
export interface RunState {
  readonly run: WorkflowRun;
  readonly jobs: readonly Job[];
}

export interface FollowContext {
  readonly github: GitHub;
  readonly clock: Clock;
  readonly emit: Emit;
  readonly signal: AbortSignal;
}

/** Milliseconds between two reads of a run. */
const FIRST_DELAY = 1_000;
const LONGEST_DELAY = 10_000;
/** Milliseconds after which a run that no runner has taken is worth a word. */
const QUEUED = 120_000;

/**
 * Reads a run until it is completed or the signal ends the time for it, and emits what has changed: an item for each
 * step. Waits longer while nothing changes. The state that was read last.
 */
export async function follow(first: WorkflowRun, context: FollowContext): Promise<RunState> {
  const { github, clock, emit, signal } = context;
  const shown = new Map<string, string>();
  emit({ type: 'step', step: 'follow', message: `Following run ${first.id}: ${first.url}` });
  let run = first;
  let jobs: readonly Job[] = [];
  let delay = FIRST_DELAY;
  const start = clock.now();
  try {
    for (;;) {
      jobs = (await github.jobs(run.id)) ?? jobs;
      const changed = report({ run, jobs }, shown, emit);
      if (run.status === 'completed') return { run, jobs };
      if (run.status === 'queued' && clock.now() - start > QUEUED) warnOnce(run, 'queued', shown, emit);
      delay = changed ? FIRST_DELAY : Math.min(delay * 1.5, LONGEST_DELAY);
      await clock.sleep(delay, signal);
      // GitHub answers 404 now and then for a run that is there.
      const read = await awaitListed(() => github.run(first.id), context);
      run = read ?? { ...run, status: 'completed', conclusion: 'deleted' };
    }
  } catch (error) {
    if (error instanceof PrimitiveError && error.code === 'gitops-timeout') return { run, jobs };
    throw error;
  }
}

/** Emits what differs from what was shown before; whether anything does. */
function report({ run, jobs }: RunState, shown: Map<string, string>, emit: Emit): boolean {
  let changed = false;
  const show = (item: string, status: ItemStatus, state: string) => {
    if (shown.get(item) === state) return;
    shown.set(item, state);
    changed = true;
    emit({ type: 'item', item, status, state });
  };
  if (run.status === 'waiting') changed = warnOnce(run, 'waiting', shown, emit);
  for (const job of jobs) {
    if (job.steps.length === 0) show(job.name, statusOf(job), wordOf(job));
    const begun = job.steps.filter(({ status }) => status === 'in_progress' || status === 'completed');
    for (const step of begun) show(`${job.name} / ${step.name}`, statusOf(step), wordOf(step));
  }
  return changed;
}

const WAITS = { waiting: 'waits for an approval', queued: 'waits for a runner' } as const;

/** Whether the warning is new. */
function warnOnce(
  run: WorkflowRun,
  status: keyof typeof WAITS,
  shown: Map<string, string>,
  emit: Emit,
): boolean {
  if (shown.has(status)) return false;
  shown.set(status, WAITS[status]);
  const message = `Run ${run.id} ${WAITS[status]}: ${run.url}`;
  emit({ type: 'warning', code: `gitops-run-${status}`, message });
  return true;
}

function statusOf({ status, conclusion }: Pick<JobStep, 'status' | 'conclusion'>): ItemStatus {
  if (status === 'in_progress') return 'active';
  if (status !== 'completed') return 'waiting';
  return conclusion === 'success' || conclusion === 'skipped' || conclusion === 'neutral' ? 'done' : 'failed';
}

function wordOf({ status, conclusion }: Pick<JobStep, 'status' | 'conclusion'>): string {
  return (status === 'completed' ? conclusion : status)?.replaceAll('_', ' ') ?? status;
}
