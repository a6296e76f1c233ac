import { boolean, string } from '@oclif/core/flags';
import { BaseCommand } from '../../cli/base-command.ts';
import { effectFlags, eventFlags, reportFlags } from '../../cli/flags.ts';
import type { ExitCode } from '../../core/errors.ts';

export default class GitopsInit extends BaseCommand {
  static override documents = ['primitive.gitops-init/v1'];
  static override docs = 'gitops.md';
  static override summary = 'Install the GitOps kit in a GitOps repository, or update it.';
  static override description = [
    'Run it at the root of the repository, as its owner. The first run writes the settings to kit.yaml.',
    'An update merges a newer kit, or changed settings, with the changes made in the repository.',
  ].join(' ');
  static override examples = [
    { description: 'Install', command: '<%= config.bin %> gitops init --code ../app' },
    { description: 'Show an update', command: '<%= config.bin %> gitops init --update --dry-run' },
  ];
  static override flags = {
    update: boolean({ default: false, summary: 'Merge into the kit that is installed.' }),
    markers: boolean({ default: false, summary: 'Write conflicts into the files, between markers.' }),
    'allow-lane-removal': boolean({ default: false, summary: 'Leave lanes that kit.yaml no longer has.' }),
    registry: string({
      summary: 'For a new kit.yaml: registry of the images, such as ghcr.io/acme.',
      helpValue: 'HOST/PATH',
    }),
    code: string({
      summary: 'Code repository: its name, for previews, or a checkout, for its releases. Repeatable.',
      helpValue: 'OWNER/NAME|FOLDER',
      multiple: true,
      multipleNonGreedy: true,
    }),
    lanes: string({
      summary: 'For a new kit.yaml: lanes in the order of promotion.',
      helpValue: 'NAME,NAME',
    }),
    'kinds-from': string({
      summary: 'Kinds of a code repository, such as ../app/kinds.',
      helpValue: 'FOLDER',
    }),
    parts: string({ summary: 'For a new kit.yaml: what of the kit to install.', helpValue: 'NAME,NAME' }),
    ...effectFlags,
    ...reportFlags(),
    ...eventFlags,
  };

  async run(): Promise<ExitCode> {
    const { flags } = await this.parse(GitopsInit);
    return this.act(flags, async (app) => {
      const [{ runKitInit }, { kitOutcome }, { bundledKit }] = await Promise.all([
        import('../../features/gitops-init/run.ts'),
        import('../../features/gitops-init/view.ts'),
        import('../../features/gitops-init/bundled.ts'),
      ]);
      const { 'kinds-from': kindsFrom, 'allow-lane-removal': allowLaneRemoval, 'dry-run': dryRun } = flags;
      const [lanes, parts] = [flags.lanes, flags.parts].map((list) => list?.split(','));
      const request = { ...flags, lanes, parts, kindsFrom, allowLaneRemoval, dryRun };
      return kitOutcome(await runKitInit(request, { ...app, kit: bundledKit }));
    });
  }
}
