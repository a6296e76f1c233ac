import { existsSync } from 'node:fs';
import { type Config, Plugin } from '@oclif/core/config';
import { createApp } from '../app/app.ts';
import { toPrimitiveError } from '../core/errors.ts';
import { clashOf } from '../plugins/clash.ts';
import { registerInterface } from '../plugins/module.ts';
import { problemOf } from '../plugins/set.ts';
import type { InstalledPlugin } from '../plugins/store.ts';
import { sanitizeLine } from '../render/text.ts';
import { globalValue } from './argv.ts';
import { readEnvironment } from './environment.ts';

/**
 * Adds the commands of plugins, by oclif as ours are: from the manifest of each, or from its files if it is linked.
 * Nothing of a plugin runs before its command does, but for linked ones. One that cannot be added is a warning on stderr:
 * all else goes on. `globals` are the flags before the command; help lists what is installed, and asks no repository for more.
 */
export async function addPlugins(
  config: Config,
  from: NodeJS.Process,
  globals: readonly string[],
  { help }: { readonly help: boolean },
): Promise<void> {
  const flags = {
    json: true,
    'no-input': true,
    directory: globalValue(globals, '--directory', '-C'),
    config: globalValue(globals, '--config'),
  };
  const app = createApp({
    ...readEnvironment(from, flags, config.version),
    signal: new AbortController().signal,
    emit: () => {},
  });
  if (help && !existsSync(app.pluginStore)) return;
  const { plugins, problems } = await app.plugins();
  const all = [...problems];
  const words = [...new Set(config.commandIDs.map((id) => id.split(':')[0] ?? id))];
  for (const plugin of plugins.filter(({ commands }) => commands.length > 0)) {
    try {
      // This program may have got a command of that name since.
      const clash = clashOf(plugin, [], { words, families: [], kinds: [] });
      if (clash !== undefined) throw clash;
      registerInterface();
      await add(config, plugin);
    } catch (error) {
      all.push(problemOf(plugin.name, toPrimitiveError(error)));
    }
  }
  for (const { code, message } of all) from.stderr.write(`warning: ${sanitizeLine(message)} [${code}]\n`);
}

async function add(config: Config, { name, version, folder, oclif, linked }: InstalledPlugin): Promise<void> {
  // Only what was checked: no hooks and no plugins of oclif.
  const { commands, topics = {} } = oclif;
  const pjson = { name, version, type: 'module', oclif: { commands, topics: structuredClone(topics) } };
  // As `link` its root is the folder that is given; others are searched for.
  const options = { type: 'link', name, root: folder, pjson: pjson as never, ignoreManifest: linked };
  const plugin = new Plugin(options);
  await plugin.load();
  config.plugins.set(name, plugin);
  // As oclif does for the plugins that it finds itself; only its types call them private.
  const loader = config as unknown as Record<'loadCommands' | 'loadTopics', (plugin: Plugin) => void> & {
    _commandIDs: undefined;
  };
  // Kept since it was last asked.
  loader._commandIDs = undefined;
  loader.loadCommands(plugin);
  loader.loadTopics(plugin);
}
