import { boolean } from '@oclif/core/flags';
import { BaseCommand } from '../cli/base-command.ts';
import { eventFlags, reportFlags, selectionArgs, selectionFlags, selectionOf } from '../cli/flags.ts';
import type { ExitCode } from '../core/errors.ts';

export default class Generate extends BaseCommand {
  static override documents = ['primitive.generate/v1'];
  static override docs = 'kinds.md';
  static override summary = 'Regenerate the generated files of primitives.';
  static override description = [
    'Works on the work tree, committed or not. If a generator fails, nothing changes.',
    'With --check, writes nothing and exits 1 if files differ.',
    'With --compose, writes compose.yaml beside the config; from then on each run keeps it up to date.',
  ].join(' ');
  static override args = selectionArgs;
  static override flags = {
    ...selectionFlags,
    ...reportFlags(),
    ...eventFlags,
    check: boolean({ summary: 'Compare only; write nothing.' }),
    compose: boolean({ summary: 'Write compose.yaml, which starts primitives with what they need.' }),
  };

  async run(): Promise<ExitCode> {
    const { args, flags } = await this.parse(Generate);
    const request = { selection: selectionOf(flags, args), check: flags.check, compose: flags.compose };
    return this.act(flags, async (app) => {
      const [{ runGenerate }, { generateOutcome }] = await Promise.all([
        import('../features/generate/run.ts'),
        import('../features/generate/view.ts'),
      ]);
      return generateOutcome(await runGenerate(request, app));
    });
  }
}
