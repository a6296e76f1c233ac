import { string } from '@oclif/core/args';
import { BaseCommand } from '../../cli/base-command.ts';
import { eventFlags, reportFlags } from '../../cli/flags.ts';
import type { ExitCode } from '../../core/errors.ts';
import { FAMILIES } from '../../features/verify/family.ts';

export default class PluginsLink extends BaseCommand {
  static override documents = ['primitive.plugins/v1'];
  static override docs = 'plugins.md';
  static override summary = 'Use the plugin in a folder, for its development.';
  static override description = 'It is read each time, and needs no manifest of its commands.';
  static override args = {
    folder: string({ description: 'The folder of its package.json.', required: true, ignoreStdin: true }),
  };
  static override flags = { ...reportFlags(), ...eventFlags };

  async run(): Promise<ExitCode> {
    const { args, flags } = await this.parse(PluginsLink);
    return this.act(flags, async (app) => {
      const { linkPlugin } = await import('../../features/plugins/run.ts');
      const { takenNames } = await import('../../features/plugins/taken.ts');
      const { pluginsOutcome } = await import('../../features/plugins/view.ts');
      const taken = await takenNames(this.config.commandIDs, FAMILIES);
      return pluginsOutcome(await linkPlugin(args.folder, { ...app, taken }));
    });
  }
}
