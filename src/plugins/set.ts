import { type Code, errorLine, PrimitiveError } from '../core/errors.ts';
import { clashOf } from './clash.ts';
import { requireApi } from './compatible.ts';
import type { BrokenEntry, InstalledPlugin } from './store.ts';

/** Why a plugin, or a part of it, does not count. */
export interface PluginProblem {
  /** The plugin. */
  readonly name: string;
  /** `plugin-…` */
  readonly code: Code;
  /** One sentence that begins with the thing. */
  readonly message: string;
  /** A command. */
  readonly fix?: string;
}

/** The plugins that count for a command, and those that do not. */
export interface PluginSet {
  /** Sorted by name. */
  readonly plugins: readonly InstalledPlugin[];
  readonly problems: readonly PluginProblem[];
  /** Changes to plugins, which do not count before they are merged; only in CI. */
  readonly notices: readonly PluginProblem[];
}

export const NO_PLUGINS: PluginSet = { plugins: [], problems: [], notices: [] };

/** Leaves out what was written for another interface, and what has a name of one before it. */
export function usablePlugins(
  installed: readonly InstalledPlugin[],
  broken: readonly BrokenEntry[],
): PluginSet {
  const plugins: InstalledPlugin[] = [];
  const problems = broken.map(({ name, why }): PluginProblem => {
    const fix = `primitive plugins uninstall ${name}`;
    return { name, code: 'plugin-record', message: `Plugin ${name} is not loaded: ${why}`, fix };
  });
  for (const plugin of installed) {
    try {
      requireApi(plugin.name, plugin.api);
      const clash = clashOf(plugin, plugins, { words: [], families: [], kinds: [] });
      if (clash !== undefined) throw clash;
      plugins.push(plugin);
    } catch (error) {
      if (!(error instanceof PrimitiveError)) throw error;
      problems.push(problemOf(plugin.name, error));
    }
  }
  return { plugins, problems, notices: [] };
}

/** An error that keeps a plugin from being used. */
export function problemOf(name: string, error: PrimitiveError): PluginProblem {
  const [fix] = error.suggestions;
  const message = `Plugin ${name} is not loaded: ${errorLine(error)}`;
  return { name, code: error.code, message, ...(fix === undefined ? {} : { fix }) };
}
