import { string } from '@oclif/core/flags';
import { BaseCommand } from '../../cli/base-command.ts';
import { componentFlags, runFlags, sourceFlags } from '../../cli/flags.ts';
import type { ExitCode } from '../../core/errors.ts';
import { TIME_LIMIT } from '../../dispatch/duration.ts';

export default class GitopsBump extends BaseCommand {
  static override documents = ['primitive.gitops-run/v1'];
  static override docs = 'gitops.md';
  static override summary =
    'Request the deployment of a release in the GitOps repository, and follow it to the pull request.';
  static override description = [
    'Starts the workflow that reads and verifies the release record, sets the image references of one lane, and opens or updates the pull request of that lane. Writes no GitOps file.',
    'The pull request of a lane always has the last requested release.',
  ].join(' ');
  static override examples = [
    { description: 'The release of HEAD, to the fast lane', command: '<%= config.bin %> gitops bump' },
    { description: 'Another one', command: '<%= config.bin %> gitops bump --release main --lane dev' },
  ];
  static override flags = {
    release: string({ summary: 'Commit, or channel such as main (default: HEAD).', helpValue: 'SHA' }),
    lane: string({ summary: 'Lane (default: the first after local).', helpValue: 'LANE' }),
    ...sourceFlags,
    ...componentFlags,
    ...runFlags(TIME_LIMIT, ['release', 'lane', 'source', 'component']),
  };

  async run(): Promise<ExitCode> {
    const { flags } = await this.parse(GitopsBump);
    return this.act(flags, async (app) => {
      const [{ gitopsRunOutcome }, { resumeMove, runMove }] = await Promise.all([
        import('../../dispatch/view.ts'),
        import('../../features/gitops-bump/run.ts'),
      ]);
      const { lane, source, component: components = [], timeout, resume, 'dry-run': dryRun } = flags;
      const wait = flags.wait as 'none' | 'run' | 'pr';
      const options = { components, dryRun, wait, timeout, command: 'primitive gitops bump' };
      if (resume !== undefined) return gitopsRunOutcome(await resumeMove(resume, options, app));
      const release = flags.release ?? (await app.tree()).head.commit;
      return gitopsRunOutcome(await runMove({ action: 'pin', lane, release, source }, options, app));
    });
  }
}
