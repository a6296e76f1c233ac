import { boolean } from '@oclif/core/flags';
import { BaseCommand } from '../cli/base-command.ts';
import {
  effectFlags,
  eventFlags,
  reportFlags,
  selectionArgs,
  selectionFlags,
  selectionOf,
} from '../cli/flags.ts';
import { runPublish } from '../cli/publishing.ts';
import type { ExitCode } from '../errors.ts';
import {
  planMarkdown,
  planOutputs,
  planText,
  publishMarkdown,
  publishOutputs,
  publishText,
} from '../render/publish.ts';

export default class Publish extends BaseCommand {
  static override summary = 'Build what changed, reuse the rest, seal every image, then tag the commit.';
  static override description =
    'A tag exists only when its image is sealed: signed, with SBOM and provenance, read back and verified. A commit is ' +
    'published as a whole: its release record is written last. Run it again after a failure; it goes on where it stopped.';
  static override examples = [
    { description: 'Publish the commit that is checked out', command: '<%= config.bin %> publish' },
    { description: 'See what would be built and reused', command: '<%= config.bin %> publish --dry-run' },
    {
      description: 'Seal one component in a job of a matrix; a last plain publish tags everything',
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
      summary: 'Stop before the tags, when everything selected is sealed.',
      exclusive: ['keep-going'],
    }),
    'keep-going': boolean({
      summary:
        'Tag what is sealed although something else failed or is not selected; writes no release record.',
    }),
  };

  async run(): Promise<ExitCode> {
    const { args, flags } = await this.parse(Publish);
    return this.act(flags, async (session) => {
      const result = await runPublish(session, {
        selection: selectionOf(flags, args),
        sealOnly: flags['seal-only'],
        keepGoing: flags['keep-going'],
        dryRun: flags['dry-run'],
      });
      if ('plan' in result) {
        const { plan } = result;
        const markdown = () => planMarkdown(plan);
        const github = { outputs: planOutputs(plan), summary: markdown };
        return {
          document: plan,
          text: (style) => planText(plan, style),
          exit: 0,
          reports: { markdown },
          github,
        };
      }
      const { report } = result;
      const markdown = () => publishMarkdown(report);
      const github = { outputs: publishOutputs(report), summary: markdown };
      const exit = report.components.some(({ action }) => action === 'failed') ? 1 : 0;
      return {
        document: report,
        text: (style) => publishText(report, style),
        exit,
        reports: { markdown },
        github,
      };
    });
  }
}
