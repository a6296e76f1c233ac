import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { PrimitiveError } from '../core/errors.ts';
import { once } from '../core/once.ts';
import type { NpmInstaller } from '../features/plugins/npm.ts';
import type { RuleHost } from '../features/verify/foreign.ts';
import type { RunHooks } from '../plugins/hooks.ts';
import type { Pinned } from '../plugins/pinned.ts';
import { NO_PLUGINS, type PluginSet } from '../plugins/set.ts';
import type { AppContext } from './context.ts';
import type { Environment } from './environment.ts';
import type { ProgramAdapters } from './programs.ts';

export interface PluginAdapters {
  /** The folder that they are in; it need not exist. */
  readonly pluginStore: string;
  npmInstaller(): Promise<NpmInstaller>;
  /** Plugins in config and lock file of the repository: in CI those of the merge base, without packages that hold kinds alone. Throws `plugins-none`, `plugin-base-unknown`. */
  repositoryPlugins(): Promise<Pinned>;
  /** The plugins that count here: those of this user, in CI those that the merge base names. */
  plugins(): Promise<PluginSet>;
  /** Runs their hooks. Throws what they throw, and `plugin-…` for `plan` if one that counts is not loaded. */
  readonly hooks: RunHooks;
  /** Runs their rules; `module` is the URL of what its processes run. */
  ruleHost(module: string): Promise<RuleHost>;
}

export function pluginAdapters(
  context: AppContext,
  { processes }: Pick<ProgramAdapters, 'processes'>,
): PluginAdapters {
  const { variables, signal, secrets } = context;
  const pluginStore = pluginFolder(context);
  const plugins = once(async () => {
    const there = existsSync(pluginStore);
    // Most have none: nothing is loaded for them.
    if (!there && context.ci === undefined) return NO_PLUGINS;
    const [{ readInstalled }, { usablePlugins }] = await Promise.all([
      import('../plugins/store.ts'),
      import('../plugins/set.ts'),
    ]);
    const { plugins, broken } = readInstalled(pluginStore);
    const installed = usablePlugins(plugins, broken);
    if (context.ci === undefined) return installed;
    const { countingHere } = await import('./counting-plugins.ts');
    const counting = await countingHere(context, installed, processes);
    for (const { code, message } of [...counting.problems, ...counting.notices])
      context.emit({ type: 'warning', code, message: `${message}.` });
    return counting;
  });
  return {
    pluginStore,
    plugins,
    repositoryPlugins: async () => {
      const { readRepositoryPlugins } = await import('./counting-plugins.ts');
      const found = await readRepositoryPlugins(context, processes);
      if (found === undefined) throw noneNamed();
      const { here, base } = found;
      if (context.ci === undefined) {
        if (here.plugins.length + here.problems.length === 0) throw noneNamed();
        return here;
      }
      if (base === undefined) {
        // Packages that hold kinds alone are not installed, whatever was merged.
        if (here.problems.length === 0 && here.plugins.every(({ name }) => found.isData(name)))
          return { plugins: [], problems: [] };
        throw baseUnknown();
      }
      // None is no error: the change that names the first one has to pass.
      const { pluginsWithCode } = await import('../plugins/counting.ts');
      return pluginsWithCode({ ...found, base });
    },
    hooks: async (event, data) => {
      // Without one that is installed, only a publish has to know which should be.
      if (event !== 'plan' && !existsSync(pluginStore)) return;
      const set = await plugins();
      // A publish may not begin without the one that would have stopped it.
      if (event === 'plan') refuseProblems(set);
      if (set.plugins.every(({ hooks }) => hooks[event] === undefined)) return;
      const { runHooks } = await import('../plugins/hooks.ts');
      const { cwd, version, ci, emit } = context;
      await runHooks(set, event, data, { cwd, version, ci, signal, emit });
    },
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

function noneNamed(): PrimitiveError {
  return new PrimitiveError('plugins-none', 'No plugins to install.', {
    why: 'Neither the command nor `plugins` of primitive.config.yaml names one.',
    suggestions: ['primitive plugins install @acme/primitive-rust'],
  });
}

function baseUnknown(): PrimitiveError {
  return new PrimitiveError('plugin-base-unknown', 'Cannot find which plugins were merged.', {
    why: 'In CI those count that config and lock file of the merge base with the default branch name, and this clone does not say which commit that is.',
    suggestions: [
      'In GitHub Actions: actions/checkout with `fetch-depth: 0`',
      'In other CI: export PRIMITIVE_BASE=origin/main',
    ],
  });
}

function refuseProblems({ problems: [problem] }: PluginSet): void {
  if (problem === undefined) return;
  const { code, message, fix } = problem;
  throw new PrimitiveError(code, message, { suggestions: fix === undefined ? [] : [fix] });
}

/** The folder of this user's plugins (XDG Base Directory Specification, "Environment variables"). */
function pluginFolder({ variables, home }: Pick<Environment, 'variables' | 'home'>): string {
  return join(variables.XDG_DATA_HOME || join(home, '.local', 'share'), 'primitive', 'plugins');
}
