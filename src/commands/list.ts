import { BaseCommand } from '../cli/base-command.ts';
import { reportFlags, selectionArgs, selectionFlags, selectionOf } from '../cli/flags.ts';
import type { ExitCode } from '../core/errors.ts';

export default class List extends BaseCommand {
  static override documents = ['primitive.list/v1'];
  static override summary = 'List the primitives with kind, language, template, image and input digest.';
  static override description =
    'Lists the work tree, committed or not. The input digest is the one of HEAD; a primitive that differs from HEAD shows its state instead: uncommitted, modified or invalid.';
  static override args = selectionArgs;
  static override flags = { ...selectionFlags, ...reportFlags() };

  async run(): Promise<ExitCode> {
    const { args, flags } = await this.parse(List);
    return this.act(flags, async (app) => {
      const { runList } = await import('../features/list/run.ts');
      const { listOutcome } = await import('../features/list/view.ts');
      return listOutcome(await runList(selectionOf(flags, args), app));
    });
  }
}
