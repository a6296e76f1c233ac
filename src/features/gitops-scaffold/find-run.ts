import type { Clock } from '../../http/retry.ts';
import { awaitListed } from './await-listed.ts';
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

/** As {@link findRun}, for a run that may have been created just now. */
export function awaitRun(
  github: GitHub,
  entry: JournalEntry,
  ports: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<WorkflowRun | undefined> {
  return awaitListed(() => findRun(github, entry), ports);
}
