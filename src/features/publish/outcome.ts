import type { ExitCode } from '../../core/errors.ts';
import type { Outcome } from '../../render/outcome.ts';
import type { PublishPlan } from './plan.ts';
import type { PublishReport } from './report.ts';
import { planMarkdown, planOutputs, planText, publishMarkdown, publishOutputs, publishText } from './view.ts';

/** The plan of a dry run, or the report of what was done. */
export type PublishResult = { readonly plan: PublishPlan } | { readonly report: PublishReport };

/** How a publish, or the plan of a dry run, leaves the process; exit 1 where a component failed, 70 by a bug of ours. */
export function publishOutcome(result: PublishResult): Outcome {
  if ('plan' in result) {
    const { plan } = result;
    const markdown = () => planMarkdown(plan);
    return {
      document: plan,
      text: (style) => planText(plan, style),
      exit: 0,
      reports: { markdown },
      github: { outputs: planOutputs(plan), summary: markdown },
    };
  }
  const { report } = result;
  const markdown = () => publishMarkdown(report);
  return {
    document: report,
    text: (style) => publishText(report, style),
    exit: exitOf(report),
    reports: { markdown },
    github: { outputs: publishOutputs(report), summary: markdown },
  };
}

function exitOf({ components }: PublishReport): ExitCode {
  if (components.some(({ error }) => error?.code === 'internal-error')) return 70;
  return components.some(({ action }) => action === 'failed') ? 1 : 0;
}
