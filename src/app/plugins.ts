import { join } from 'node:path';
import { once } from '../core/once.ts';
import type { NpmInstaller } from '../features/plugins/npm.ts';
import type { RuleHost } from '../features/verify/foreign.ts';
import type { PluginSet } from '../plugins/set.ts';
import type { Context } from './context.ts';
import type { Environment } from './environment.ts';
import type { ProgramAdapters } from './programs.ts';

/** Plugins of this user. */
export interface PluginAdapters {
  /** The folder that they are in; it need not exist. */
  readonly pluginStore: string;
  npmInstaller(): Promise<NpmInstaller>;
  /** The plugins that count here. */
  plugins(): Promise<PluginSet>;
  /** Runs their rules; `module` is the URL of what its processes run. */
  ruleHost(module: string): Promise<RuleHost>;
}

export function pluginAdapters(
  context: Context,
  { processes }: Pick<ProgramAdapters, 'processes'>,
): PluginAdapters {
  const { variables, signal, secrets } = context;
  const pluginStore = pluginFolder(context);
  return {
    pluginStore,
    plugins: once(async () => {
      const [{ readInstalled }, { usablePlugins }] = await Promise.all([
        import('../plugins/store.ts'),
        import('../plugins/set.ts'),
      ]);
      const { plugins, broken } = readInstalled(pluginStore);
      return usablePlugins(plugins, broken);
    }),
    ruleHost: async (module) => {
      const [{ ruleHost }, { createProcesses }] = await Promise.all([
        import('../adapters/rule-processes.ts'),
        import('../adapters/process.ts'),
      ]);
      return ruleHost(module, createProcesses({}, { secrets }), signal);
    },
    npmInstaller: async () => {
      const [{ openNpmInstaller }, started] = await Promise.all([
        import('../adapters/npm-install.ts'),
        processes(),
      ]);
      return openNpmInstaller(started, variables, signal);
    },
  };
}

/** Where the plugins of this user are (XDG Base Directory Specification, "Environment variables"). */
export function pluginFolder({ variables, home }: Pick<Environment, 'variables' | 'home'>): string {
  return join(variables.XDG_DATA_HOME || join(home, '.local', 'share'), 'primitive', 'plugins');
}
