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
  static override summary = 'Build what changed, reuse the rest, seal every image, then tag the commit.';
  static override description =
    'A tag exists only when its image is sealed: signed, with SBOM and provenance, read back and verified. A commit is published as a whole: its release record is written last. Run it again after a failure: it goes on where it stopped.';
  static override examples = [
    { description: 'Publish the commit that is checked out', command: '<%= config.bin %> publish' },
    { description: 'See what would be built and reused', command: '<%= config.bin %> publish --dry-run' },
    {
      description: 'Seal one component in a job of a matrix; a last plain publish tags all of them',
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
      summary: 'Stop before the tags, when all that is selected is sealed.',
      exclusive: ['keep-going'],
    }),
    'keep-going': boolean({
      default: false,
      summary: 'Tag what is sealed although the rest failed or is not selected; writes no record.',
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
