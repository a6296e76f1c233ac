import { string } from '@oclif/core/flags';
import { BaseCommand } from '../../cli/base-command.ts';
import { eventFlags, reportFlags } from '../../cli/flags.ts';
import type { ExitCode } from '../../core/errors.ts';

export default class GitopsCheck extends BaseCommand {
  static override documents = ['primitive.gitops-check/v1'];
  static override docs = 'gitops.md';
  static override summary = 'Check that each image of a GitOps repository is released by a trusted signer.';
  static override description = [
    'Runs at the root of a GitOps repository. Each image reference is of a release record that a signer of kit.yaml has sealed, or of an image that kit.yaml allows; none skips a lane.',
    'With --base it judges what changed since, by the kit.yaml and the keys of that revision. Exits 1 if something is wrong, and 3 if a registry gives no answer.',
  ].join(' ');
  static override examples = [
    { description: 'Everything', command: '<%= config.bin %> gitops check' },
    {
      description: 'A pull request',
      command: '<%= config.bin %> gitops check --base origin/main --rendered rendered',
    },
  ];
  static override flags = {
    base: string({
      summary: 'Judge only what changed since the merge base with this revision.',
      helpValue: 'REV',
    }),
    rendered: string({
      summary: 'Also judge the images in renders: <lane>/<component>.yaml in this folder.',
      helpValue: 'DIR',
    }),
    ...reportFlags(),
    ...eventFlags,
  };

  async run(): Promise<ExitCode> {
    const { flags } = await this.parse(GitopsCheck);
    return this.act(flags, async (app) => {
      const [{ checkGitops }, { gitopsCheckOutcome }] = await Promise.all([
        import('../../features/gitops-check/run.ts'),
        import('../../features/gitops-check/view.ts'),
      ]);
      const { base, rendered } = flags;
      return gitopsCheckOutcome(await checkGitops({ base, rendered }, app));
    });
  }
}
