import { BaseCommand } from '../../cli/base-command.ts';
import { reportFlags } from '../../cli/flags.ts';
import type { ExitCode } from '../../core/errors.ts';

export default class PluginsList extends BaseCommand {
  static override documents = ['primitive.plugins/v1'];
  static override docs = 'plugins.md';
  static override summary = 'List the plugins of this user.';
  static override description = 'In CI other plugins count: those that the merge base names.';
  static override flags = { ...reportFlags() };

  async run(): Promise<ExitCode> {
    const { flags } = await this.parse(PluginsList);
    return this.act(flags, async (app) => {
      const { listPlugins } = await import('../../features/plugins/run.ts');
      const { pluginsOutcome } = await import('../../features/plugins/view.ts');
      return pluginsOutcome(listPlugins(app));
    });
  }
}
