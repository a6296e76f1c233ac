import { string } from '@oclif/core/args';
import { BaseCommand } from '../../cli/base-command.ts';
import { reportFlags } from '../../cli/flags.ts';
import type { ExitCode } from '../../core/errors.ts';

export default class PluginsManifest extends BaseCommand {
  static override documents = ['primitive.plugin-manifest/v1'];
  static override docs = 'plugins.md';
  static override summary = 'Write the manifest of the commands of a plugin, before it is packed.';
  static override description =
    'Loads every command of the plugin and writes oclif.manifest.json beside its package.json. The CLI then lists the commands without loading the plugin.';
  static override args = {
    folder: string({ description: 'The folder of its package.json.', default: '.', ignoreStdin: true }),
  };
  static override flags = { ...reportFlags() };

  async run(): Promise<ExitCode> {
    const { args, flags } = await this.parse(PluginsManifest);
    return this.act(flags, async (app) => {
      const { writeManifest } = await import('../../features/plugins/manifest.ts');
      const { commandManifest } = await import('../../cli/command-manifest.ts');
      const { manifestOutcome } = await import('../../features/plugins/view.ts');
      return manifestOutcome(await writeManifest(args.folder, { ...app, commandManifest }));
    });
  }
}
