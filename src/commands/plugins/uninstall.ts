import { string } from '@oclif/core/args';
import { BaseCommand } from '../../cli/base-command.ts';
import { reportFlags } from '../../cli/flags.ts';
import type { ExitCode } from '../../core/errors.ts';

export default class PluginsUninstall extends BaseCommand {
  static override documents = ['primitive.plugins/v1'];
  static override docs = 'plugins.md';
  static override summary = 'Remove plugins with all that was installed for them.';
  static override description = 'The folder of a linked plugin stays.';
  static override args = {
    plugins: string({
      description: 'Names of packages.',
      multiple: true,
      required: true,
      ignoreStdin: true,
    }),
  };
  static override flags = { ...reportFlags() };

  async run(): Promise<ExitCode> {
    const { args, flags } = await this.parse(PluginsUninstall);
    return this.act(flags, async (app) => {
      const { uninstallPlugins } = await import('../../features/plugins/run.ts');
      const { pluginsOutcome } = await import('../../features/plugins/view.ts');
      return pluginsOutcome(uninstallPlugins(args.plugins, app));
    });
  }
}
