import type { Execution, Task } from './execution.ts';
import { sealedEvent } from './hooks.ts';
import { finalizeRelease, releaseConflict } from './release.ts';
import { type ExecutedPublish, reportPublish } from './report.ts';
import { sealAll } from './seal-all.ts';
import { tagAll } from './tagging.ts';

/**
 * Executes a plan: seals everything, then tags everything, then writes the release record, then moves the channel.
 *
 * The order is the guarantee: no tag before all images are sealed (with `keepGoing`: before its own is), no record
 * before all tags are written, no channel before the record. A component's failure is part of the result; an abort and a
 * failure of the record throw.
 */
export async function executePublish(tasks: readonly Task[], execution: Execution): Promise<ExecutedPublish> {
  const { plan, emit } = execution;
  if (plan.record.action === 'conflict') throw releaseConflict(plan, plan.record.reason);
  const sealed = await sealAll(tasks, execution);
  const failed = sealed.some((outcome) => !outcome.ok);
  if (!failed) await execution.hooks('sealed', sealedEvent(plan, sealed));
  if (plan.sealOnly || (failed && !plan.keepGoing)) {
    const reason = plan.sealOnly ? plan.channel.reason : 'not everything is sealed';
    return reportPublish(plan, sealed, undefined, { ...plan.channel, action: 'skip', moved: false, reason });
  }
  const due = sealed.filter(({ ok }) => ok).length;
  emit({ type: 'step', step: 'tag', message: `Tagging images with ${plan.commit.slice(0, 12)}`, total: due });
  const tagged = await tagAll(sealed, execution);
  if (plan.record.action === 'skip' || tagged.some((outcome) => !outcome.ok || !outcome.tagged)) {
    const reason = 'no release record is written';
    return reportPublish(plan, tagged, undefined, { ...plan.channel, action: 'skip', moved: false, reason });
  }
  return finalizeRelease(tagged, execution);
}
