import { string } from '@oclif/core/args';
import { BaseCommand } from '../../cli/base-command.ts';
import { eventFlags, reportFlags } from '../../cli/flags.ts';
import type { ExitCode } from '../../core/errors.ts';
import { FAMILIES } from '../../features/verify/family.ts';

export default class PluginsUpdate extends BaseCommand {
  static override documents = ['primitive.plugins/v1'];
  static override docs = 'plugins.md';
  static override summary = 'Install the newest version that fits what was asked for.';
  static override description = 'Linked plugins are left out: they are read each time.';
  static override args = {
    plugins: string({ description: 'Names of packages (default: all)', multiple: true, ignoreStdin: true }),
  };
  static override flags = { ...reportFlags(), ...eventFlags };

  async run(): Promise<ExitCode> {
    const { args, flags } = await this.parse(PluginsUpdate);
    return this.act(flags, async (app) => {
      const { updatePlugins } = await import('../../features/plugins/run.ts');
      const { takenNames } = await import('../../features/plugins/taken.ts');
      const { pluginsOutcome } = await import('../../features/plugins/view.ts');
      const taken = await takenNames(this.config.commandIDs, FAMILIES);
      return pluginsOutcome(await updatePlugins(args.plugins ?? [], { ...app, taken }));
    });
  }
}
