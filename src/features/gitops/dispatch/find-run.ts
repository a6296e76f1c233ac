import type { Clock } from '../../../http/retry.ts';
import type { GitHub, WorkflowRun } from './github.ts';
import type { JournalEntry } from './journal.ts';

/** The run of a request: by its number, else by the id in its name. Undefined where there is none. */
export async function findRun(
  github: GitHub,
  { workflow, id, run }: JournalEntry,
): Promise<WorkflowRun | undefined> {
  if (run !== undefined) return github.run(run);
  for await (const found of github.runs(workflow)) if (found.title.includes(`[${id}]`)) return found;
  return undefined;
}

/** Milliseconds until a list of runs is believed: GitHub shows a new run a few seconds late. */
const LATE = 30_000;

/** As {@link findRun}, for a run that may have been created just now. */
export async function awaitRun(
  github: GitHub,
  entry: JournalEntry,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<WorkflowRun | undefined> {
  const start = clock.now();
  for (let delay = 1_000; ; delay = Math.min(delay * 1.5, 5_000)) {
    const found = await findRun(github, entry);
    if (found !== undefined || clock.now() - start + delay > LATE) return found;
    await clock.sleep(delay, signal);
  }
}
