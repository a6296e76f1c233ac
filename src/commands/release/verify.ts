import { string as textArg } from '@oclif/core/args';
import { string } from '@oclif/core/flags';
import { BaseCommand } from '../../cli/base-command.ts';
import { reportFlags } from '../../cli/flags.ts';
import type { ExitCode } from '../../core/errors.ts';

export default class ReleaseVerify extends BaseCommand {
  static override documents = ['primitive.release-report/v1'];
  static override docs = 'trust.md';
  static override summary =
    'Verify that an image, or each image of a release, is sealed by a trusted signer.';
  static override description =
    'Sealed means: signature, SLSA provenance of this image, and an SBOM for each platform, all verified. Exits 1 if a part is missing or is signed by another signer.';
  static override examples = [
    { description: 'The release of HEAD', command: '<%= config.bin %> release verify' },
    {
      description: 'An image',
      command: '<%= config.bin %> release verify ghcr.io/acme/domain-orders@sha256:…',
    },
    {
      description: 'With a public key only',
      command: '<%= config.bin %> release verify main --key cosign.pub',
    },
  ];
  static override args = {
    target: textArg({
      description: 'a commit, a channel such as main, or an image (default: HEAD)',
      ignoreStdin: true,
    }),
  };
  static override flags = {
    ...reportFlags(),
    key: string({
      summary: 'Accept only this public key, in place of the signers of the config.',
      helpValue: 'FILE',
    }),
    tier: string({
      summary: 'Required tier. accepted includes the signers of pull requests.',
      options: ['trusted', 'accepted'],
      default: 'trusted',
    }),
  };

  async run(): Promise<ExitCode> {
    const { args, flags } = await this.parse(ReleaseVerify);
    return this.act(flags, async (app) => {
      const { runRelease } = await import('../../features/release/run.ts');
      const { releaseOutcome } = await import('../../features/release/view.ts');
      const required = flags.tier === 'accepted' ? 'accepted' : 'trusted';
      const request = { target: args.target, key: flags.key, required, images: true } as const;
      return releaseOutcome(await runRelease(request, app));
    });
  }
}
