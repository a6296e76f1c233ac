import { boolean, string } from '@oclif/core/flags';
import { BaseCommand } from '../../cli/base-command.ts';
import { componentFlags, eventFlags, reportFlags } from '../../cli/flags.ts';
import type { ExitCode } from '../../core/errors.ts';

export default class GitopsPin extends BaseCommand {
  static override documents = ['primitive.gitops-pin/v1'];
  static override docs = 'gitops.md';
  static override summary = 'Set the image references of a lane to those of a release.';
  static override description = [
    'Runs at the root of a GitOps repository. Reads the release record from the registry, verifies it by the signers that kit.yaml names, and replaces one scalar for each image: no other byte changes.',
    'Without --write it prints what would change. The workflow that `gitops bump` starts runs it with --write.',
  ].join(' ');
  static override examples = [
    {
      description: 'See what a release would change in dev',
      command: '<%= config.bin %> gitops pin --release main --lane dev',
    },
    {
      description: 'Write it',
      command:
        '<%= config.bin %> gitops pin --release 3f786850e387550fdab836ed7e6dc881de23001b --lane dev --write',
    },
  ];
  static override flags = {
    release: string({ summary: 'Commit, or channel such as main.', helpValue: 'SHA', required: true }),
    lane: string({ summary: 'Lane that is written.', helpValue: 'LANE', required: true }),
    source: string({ summary: 'Code repository, if kit.yaml has several.', helpValue: 'OWNER/NAME' }),
    ...componentFlags,
    write: boolean({ default: false, summary: 'Write the files.' }),
    ...reportFlags('markdown'),
    ...eventFlags,
  };

  async run(): Promise<ExitCode> {
    const { flags } = await this.parse(GitopsPin);
    return this.act(flags, async (app) => {
      const [{ pinRelease }, { gitopsPinOutcome }] = await Promise.all([
        import('../../features/gitops-pin/run.ts'),
        import('../../features/gitops-pin/view.ts'),
      ]);
      const { release, lane, source, component: components = [], write } = flags;
      return gitopsPinOutcome(await pinRelease({ release, lane, source, components, write }, app));
    });
  }
}
