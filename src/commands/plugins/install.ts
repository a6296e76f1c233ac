import { string } from '@oclif/core/args';
import { BaseCommand } from '../../cli/base-command.ts';
import { eventFlags, reportFlags } from '../../cli/flags.ts';
import type { ExitCode } from '../../core/errors.ts';
import { FAMILIES } from '../../features/verify/family.ts';

export default class PluginsInstall extends BaseCommand {
  static override documents = ['primitive.plugins/v1'];
  static override docs = 'plugins.md';
  static override summary = 'Install plugins from the registry of npm.';
  static override description =
    'Uses npm of this machine with your settings. No script of a package is run. Plugins are kept in your data folder, outside of any repository.';
  static override args = {
    packages: string({
      description: 'NAME, NAME@VERSION, NAME@RANGE or NAME@TAG (default: those that the config names)',
      multiple: true,
      ignoreStdin: true,
    }),
  };
  static override flags = { ...reportFlags(), ...eventFlags };

  async run(): Promise<ExitCode> {
    const { args, flags } = await this.parse(PluginsInstall);
    return this.act(flags, async (app) => {
      const { installPinned, installPlugins } = await import('../../features/plugins/run.ts');
      const { takenNames } = await import('../../features/plugins/taken.ts');
      const { pluginsOutcome } = await import('../../features/plugins/view.ts');
      const taken = await takenNames(this.config.commandIDs, FAMILIES);
      return pluginsOutcome(
        await (args.packages === undefined || args.packages.length === 0
          ? installPinned({ ...app, taken })
          : installPlugins(args.packages, { ...app, taken })),
      );
    });
  }
}
