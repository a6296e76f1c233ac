import { boolean, string } from '@oclif/core/flags';
import { BaseCommand } from '../../cli/base-command.ts';
import { componentFlags, runFlags } from '../../cli/flags.ts';
import type { ExitCode } from '../../core/errors.ts';
import { TIME_LIMIT } from '../../dispatch/duration.ts';

export default class GitopsPromote extends BaseCommand {
  static override documents = ['primitive.gitops-pin/v1', 'primitive.gitops-run/v1'];
  static override docs = 'gitops.md';
  static override summary = 'Copy the image references of one lane to the next, or roll a lane back.';
  static override description = [
    'Starts the workflow of the GitOps repository, and follows the run to the pull request of the lane.',
    'With --write it edits the checkout of a GitOps repository instead, at its root; that is what the workflow runs. References are copied as exact texts. A reference that the lane before has never held, by its history on the branch, is refused.',
  ].join(' ');
  static override examples = [
    { description: 'Promote', command: '<%= config.bin %> gitops promote --from dev --to staging' },
    {
      description: 'Roll production back to a commit of the GitOps repository',
      command: '<%= config.bin %> gitops promote --to production --rollback 3f786850e3',
    },
  ];
  static override flags = {
    from: string({ summary: 'Lane that is copied.', helpValue: 'LANE', exclusive: ['rollback'] }),
    to: string({ summary: 'Lane that is written.', helpValue: 'LANE' }),
    rollback: string({ summary: 'Commit of the GitOps repository to roll back to.', helpValue: 'REV' }),
    ...componentFlags,
    write: boolean({ default: false, summary: 'Edit this checkout of the GitOps repository.' }),
    ...runFlags(TIME_LIMIT, ['from', 'to', 'rollback', 'component', 'write']),
  };

  async run(): Promise<ExitCode> {
    const { flags } = await this.parse(GitopsPromote);
    const { component: components = [], write, timeout, resume, 'dry-run': dryRun } = flags;
    return this.act(flags, async (app) => {
      const { promotionOf } = await import('../../features/gitops-pin/origin.ts');
      if (write) {
        const [{ promoteLane }, { gitopsPinOutcome }] = await Promise.all([
          import('../../features/gitops-pin/run.ts'),
          import('../../features/gitops-pin/view.ts'),
        ]);
        return gitopsPinOutcome(
          await promoteLane({ ...promotionOf(flags), components, write: !dryRun }, app),
        );
      }
      const [{ gitopsRunOutcome }, { moveTo, resumeMove, runMove }] = await Promise.all([
        import('../../dispatch/view.ts'),
        import('../../features/gitops-bump/run.ts'),
      ]);
      const wait = flags.wait as 'none' | 'run' | 'pr';
      const options = { components, dryRun, wait, timeout, command: 'primitive gitops promote' };
      const resumed = resume === undefined ? undefined : resumeMove(resume, options, app);
      return gitopsRunOutcome(await (resumed ?? runMove(moveTo(promotionOf(flags)), options, app)));
    });
  }
}
