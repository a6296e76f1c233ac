import { boolean } from '@oclif/core/flags';
import { warnOfShortSecrets } from '../app/secrets.ts';
import { BaseCommand } from '../cli/base-command.ts';
import {
  effectFlags,
  eventFlags,
  reportFlags,
  selectionArgs,
  selectionFlags,
  selectionOf,
} from '../cli/flags.ts';
import type { ExitCode } from '../core/errors.ts';

export default class Publish extends BaseCommand {
  static override documents = ['primitive.publish/v1', 'primitive.publish-plan/v1'];
  static override docs = 'trust.md';
  static override summary =
    'Build changed components, reuse the others, seal all images, then tag the commit.';
  static override description =
    'A tag exists only when its image is sealed: signed, with SBOM and provenance, read back and verified. A commit is published as a whole: its release record is written last. After a failure, run it again: it continues where it stopped.';
  static override examples = [
    { description: 'Publish HEAD', command: '<%= config.bin %> publish' },
    { description: 'Show what would be built and reused', command: '<%= config.bin %> publish --dry-run' },
    {
      description: 'Seal one component in a matrix job; a final plain publish tags all of them',
      command: '<%= config.bin %> publish domain/orders --seal-only',
    },
    { description: 'For an agent', command: '<%= config.bin %> publish --json --events ndjson' },
  ];
  static override args = selectionArgs;
  static override flags = {
    ...selectionFlags,
    ...effectFlags,
    ...reportFlags('markdown'),
    ...eventFlags,
    'seal-only': boolean({
      default: false,
      summary: 'Stop before tagging, when all selected components are sealed.',
      exclusive: ['keep-going'],
    }),
    'keep-going': boolean({
      default: false,
      summary: 'Tag the sealed components even if others failed or are not selected; writes no record.',
    }),
  };

  async run(): Promise<ExitCode> {
    const { args, flags } = await this.parse(Publish);
    return this.act(flags, async (app) => {
      warnOfShortSecrets(app);
      const { runPublish } = await import('../features/publish/run.ts');
      const { publishOutcome } = await import('../features/publish/view.ts');
      const { 'seal-only': sealOnly, 'keep-going': keepGoing, 'dry-run': dryRun } = flags;
      const request = { selection: selectionOf(flags, args), sealOnly, keepGoing, dryRun };
      return publishOutcome(await runPublish(request, app, app.emit));
    });
  }
}
