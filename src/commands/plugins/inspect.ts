import { string } from '@oclif/core/args';
import { BaseCommand } from '../../cli/base-command.ts';
import { reportFlags } from '../../cli/flags.ts';
import type { ExitCode } from '../../core/errors.ts';

export default class PluginsInspect extends BaseCommand {
  static override documents = ['primitive.plugins/v1'];
  static override docs = 'plugins.md';
  static override summary = 'Show the contents and the origin of a plugin.';
  static override description = 'Runs no code of the plugin.';
  static override args = {
    plugin: string({ description: 'Name of the package.', required: true, ignoreStdin: true }),
  };
  static override flags = { ...reportFlags() };

  async run(): Promise<ExitCode> {
    const { args, flags } = await this.parse(PluginsInspect);
    return this.act(flags, async (app) => {
      const { listPlugins } = await import('../../features/plugins/run.ts');
      const { inspectOutcome } = await import('../../features/plugins/view.ts');
      return inspectOutcome(listPlugins(app, args.plugin));
    });
  }
}
