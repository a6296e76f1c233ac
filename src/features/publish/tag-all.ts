import pLimit from 'p-limit';
import { settleAll } from '../../core/settle.ts';
import { type Execution, failedTask, type SealedTask, type TaskResult } from './execution.ts';
import { type PreparedTags, prepareTags, writeTags } from './tagging.ts';

/** Components whose tags are read, then written, at a time. */
const TAGGED_AT_A_TIME = 64;

/**
 * Tags what is sealed. All tags are read before the first is written: a conflict in one component leaves all of
 * them as they are, unless the plan says to keep going.
 */
export async function tagAll(outcomes: readonly TaskResult[], execution: Execution): Promise<TaskResult[]> {
  const limit = pLimit(TAGGED_AT_A_TIME);
  const prepared = await settleAll(
    outcomes.map((outcome) =>
      outcome.ok ? limit(() => prepare(outcome, execution)) : Promise.resolve(outcome),
    ),
  );
  const conflicts = prepared.some((result, index) => 'ok' in result && result !== outcomes[index]);
  const stop = conflicts && !execution.plan.keepGoing;
  return settleAll(
    prepared.map(async (result): Promise<TaskResult> => {
      if ('ok' in result) return result;
      return stop ? result.sealed : limit(() => writeTags(result, execution));
    }),
  );
}

async function prepare(sealed: SealedTask, execution: Execution): Promise<PreparedTags | TaskResult> {
  execution.signal.throwIfAborted();
  try {
    return await prepareTags(sealed, execution);
  } catch (error) {
    return { ...failedTask(sealed.task, error, execution), digest: sealed.image.digest };
  }
}
