import { string } from '@oclif/core/flags';
import { BaseCommand } from '../cli/base-command.ts';
import { effectFlags, eventFlags, reportFlags } from '../cli/flags.ts';
import type { ExitCode } from '../core/errors.ts';

export default class Init extends BaseCommand {
  static override documents = ['primitive.init/v1'];
  static override summary = 'Create primitive.config.yaml, and the workflows of CI.';
  static override description = [
    'Derives registry, names and branch from the git remote, go.mod and package.json.',
    'Never overwrites a file. If the config exists, --ci writes the workflow that the config trusts, and one that updates primitives from their templates each week, if they are missing.',
  ].join(' ');
  static override examples = [
    { description: 'Propose a config and ask', command: '<%= config.bin %> init --ci github' },
    { description: 'For an agent', command: '<%= config.bin %> init --repository acme/app --json' },
  ];
  static override flags = {
    repository: string({
      summary: 'Code repository: OWNER/NAME on GitHub, or HOST/OWNER/NAME.',
      helpValue: 'REPO',
    }),
    registry: string({ summary: 'Registry for the images, such as ghcr.io/acme.', helpValue: 'HOST/PATH' }),
    branch: string({ summary: 'Branch that publishes releases.', helpValue: 'BRANCH' }),
    ci: string({ summary: 'Also write the workflows: publish, and weekly updates.', options: ['github'] }),
    ...effectFlags,
    ...reportFlags(),
    ...eventFlags,
  };

  async run(): Promise<ExitCode> {
    const { flags } = await this.parse(Init);
    return this.act(flags, async (app) => {
      const { runInit } = await import('../features/init/run.ts');
      const { initOutcome } = await import('../features/init/view.ts');
      const { repository, registry, branch, ci, 'dry-run': dryRun } = flags;
      return initOutcome(await runInit({ repository, registry, branch, ci, dryRun }, app));
    });
  }
}
