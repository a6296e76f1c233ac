import { string as textArg } from '@oclif/core/args';
import { BaseCommand } from '../../cli/base-command.ts';
import { reportFlags } from '../../cli/flags.ts';
import type { ExitCode } from '../../core/errors.ts';

export default class ReleaseShow extends BaseCommand {
  static override documents = ['primitive.release-report/v1'];
  static override docs = 'trust.md';
  static override summary = 'Show the signed release record of a commit.';
  static override description =
    'Reads the record from the registry and verifies its signer. A record that no signer of the config signed is not shown. Exits 1 if there is no valid record.';
  static override examples = [
    { description: 'The release of HEAD', command: '<%= config.bin %> release show' },
    { description: 'The newest release of the channel main', command: '<%= config.bin %> release show main' },
  ];
  static override args = {
    release: textArg({
      description: 'a commit, or a channel such as main (default: HEAD)',
      ignoreStdin: true,
    }),
  };
  static override flags = { ...reportFlags() };

  async run(): Promise<ExitCode> {
    const { args, flags } = await this.parse(ReleaseShow);
    return this.act(flags, async (app) => {
      const { runRelease } = await import('../../features/release/run.ts');
      const { releaseOutcome } = await import('../../features/release/view.ts');
      const request = { target: args.release, key: undefined, required: 'accepted', images: false } as const;
      return releaseOutcome(await runRelease(request, app));
    });
  }
}
