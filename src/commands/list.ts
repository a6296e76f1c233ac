import { BaseCommand } from '../cli/base-command.ts';
import { reportFlags, selectionArgs, selectionFlags, selectionOf } from '../cli/flags.ts';
import type { ExitCode } from '../core/errors.ts';

export default class List extends BaseCommand {
  static override summary = 'List the primitives with kind, language, template, image and input digest.';
  static override description =
    'Lists the work tree, committed or not. The input digest is that of HEAD; a primitive that differs from HEAD has a state instead: uncommitted, modified or invalid.';
  static override args = selectionArgs;
  static override flags = { ...selectionFlags, ...reportFlags() };

  async run(): Promise<ExitCode> {
    const { args, flags } = await this.parse(List);
    const { runList } = await import('../cli/listing.ts');
    return this.act(flags, (session) => runList(session, selectionOf(flags, args)));
  }
}
