import type { HookEvents } from '../../plugins/api.ts';
import type { PublishPlan } from './document.ts';
import type { TaskResult } from './execution.ts';
import type { ExecutedPublish } from './report.ts';

/** Data of the hook `plan`. */
export function planEvent(
  { commit, run, components }: PublishPlan,
  { dryRun }: { readonly dryRun: boolean },
): HookEvents['plan'] {
  return {
    commit,
    tier: run.tier,
    dryRun,
    components: components.map(({ kind, name, image, action, reason }) => ({
      kind,
      name,
      image,
      action,
      reason,
    })),
  };
}

/** Data of the hook `sealed`. */
export function sealedEvent({ commit }: PublishPlan, outcomes: readonly TaskResult[]): HookEvents['sealed'] {
  return {
    commit,
    components: outcomes.flatMap((outcome) => {
      if (!outcome.ok) return [];
      const { kind, name, image } = outcome.task.planned;
      return [{ kind, name, image, digest: outcome.image.digest }];
    }),
  };
}

/** Data of the hook `published`. */
export function publishedEvent(
  { commit, components }: ExecutedPublish,
  release: NonNullable<ExecutedPublish['release']>,
): HookEvents['published'] {
  return {
    commit,
    record: release.ref,
    components: components.flatMap(({ kind, name, image, ref }) =>
      ref === undefined ? [] : [{ kind, name, image, ref }],
    ),
  };
}
