import { idIn, type RequestId } from './asked.ts';
import type { RunTarget } from './diagnose.ts';
import type { GitHub, WorkflowRun } from './github.ts';

/** A run, and the request in its name. */
export interface RequestRun {
  readonly run: WorkflowRun;
  readonly id: RequestId;
}

/**
 * The newest run of a request: of its last attempt unless one is given. Of two runs of one attempt, the one that was not
 * cancelled: GitHub cancels a run that waits for its concurrency group as soon as one more comes.
 */
export async function findRun(
  github: GitHub,
  target: RunTarget,
  wanted: Pick<RequestId, 'key'> & Partial<RequestId>,
): Promise<RequestRun | undefined> {
  let { attempt } = wanted;
  let cancelled: RequestRun | undefined;
  for await (const run of github.runs(target.workflow)) {
    const id = idIn(run.title);
    if (id?.key !== wanted.key || !isOf(run, target)) continue;
    attempt ??= id.attempt;
    if (id.attempt !== attempt) continue;
    if (run.conclusion !== 'cancelled') return { run, id };
    cancelled ??= { run, id };
  }
  return cancelled;
}

/**
 * Whether a run is of the workflow at the ref: who may push another branch can start a workflow of the same name that
 * does something else there.
 */
export function isOf(run: WorkflowRun, { workflow, ref }: RunTarget): boolean {
  const branch = ref.replace(/^refs\/(?:heads|tags)\//, '');
  return run.event === 'workflow_dispatch' && run.workflow === workflow && run.ref === branch;
}
