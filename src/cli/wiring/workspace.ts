import type { GitRepository } from '../../adapters/git.ts';
import { findingText } from '../../core/finding.ts';
import { once } from '../../core/once.ts';
import type { Kinds } from '../../kinds/kind.ts';
import type { Config } from '../../repository/config.ts';
import type { ConfigLocation } from '../../repository/discovery.ts';
import type { Component } from '../../repository/primitives.ts';
import type { Program } from '../../toolchain/find.ts';
import type { Processes } from '../../toolchain/process.ts';
import type { ProgramName } from '../../toolchain/programs.ts';
import type { WiringContext } from './context.ts';

/** The config that applies, and where it was found. */
export interface Workspace {
  readonly location: ConfigLocation;
  readonly config: Config;
}

/** Programs, and what the code repository holds. */
export interface WorkspaceWiring {
  processes(): Promise<Processes>;
  /** Starts what the repository decides about, without credentials: its own tools too, or programs as elsewhere. */
  repositoryProcesses(tools: 'own' | 'elsewhere'): Promise<Processes>;
  /** A program on PATH, in a version that is new enough. Throws as `requireProgram`. */
  program(name: ProgramName): Promise<Program>;
  workspace(): Promise<Workspace>;
  repository(): Promise<GitRepository>;
  /** All kinds: ours, and those of the packages that the config names. */
  kinds(): Promise<Kinds>;
  /** All components of the repository at HEAD. */
  components(): Promise<readonly Component[]>;
}

export function wireWorkspace({ environment, signal, emit }: WiringContext): WorkspaceWiring {
  const { variables, programs: sources, secrets, platform, cwd, configFile, version } = environment;
  const { skipped, rules: folders } = sources;
  const programs = new Map<ProgramName, Promise<Program>>();

  const processes = once(async () => {
    const { createProcesses } = await import('../../adapters/process.ts');
    return createProcesses(variables, { secrets, skipped, folders });
  });

  const repositoryProcesses = async (tools: 'own' | 'elsewhere') => {
    const [{ createProcesses }, { repositoryVariables }] = await Promise.all([
      import('../../adapters/process.ts'),
      import('../repository-variables.ts'),
    ]);
    const inherited = repositoryVariables(variables);
    return tools === 'own'
      ? createProcesses({ ...inherited, PATH: sources.wholePath }, { secrets })
      : createProcesses({ ...inherited, PATH: variables.PATH }, { secrets, skipped, folders });
  };

  const findProgram = async (name: ProgramName) => {
    const [{ requireProgram }, started] = await Promise.all([import('../../toolchain/find.ts'), processes()]);
    return requireProgram(name, { path: variables.PATH, skipped, platform, processes: started, signal });
  };

  const location = once(async () => {
    const { findConfig } = await import('../../repository/discovery.ts');
    return findConfig({ cwd, configFile });
  });

  const workspace = once(async () => {
    const [{ loadConfig }, found] = await Promise.all([import('../../repository/config.ts'), location()]);
    return { location: found, config: await loadConfig(found, version) };
  });

  const repository = once(async () => {
    const [{ openRepository }, started, { root }] = await Promise.all([
      import('../../adapters/git.ts'),
      processes(),
      location(),
    ]);
    const opened = openRepository(started, root, signal);
    // Git starts while the config is read; if both fail, the config's error is thrown.
    opened.catch(() => {});
    await workspace();
    return opened;
  });

  const kinds = once(async () => {
    const [{ openAllKinds }, { config, location: found }] = await Promise.all([
      import('../../kinds/packages.ts'),
      workspace(),
    ]);
    return openAllKinds(config.plugins, found);
  });

  const components = once(async () => {
    const [{ readComponents }, tree, found, known] = await Promise.all([
      import('../../repository/primitives.ts'),
      repository(),
      workspace(),
      kinds(),
    ]);
    const read = await readComponents(tree, { ...found, kinds: known });
    for (const warning of read.warnings)
      emit({ type: 'warning', code: warning.rule, message: findingText(warning) });
    return read.components;
  });

  return {
    processes,
    repositoryProcesses,
    program: (name) => {
      const found = programs.get(name) ?? findProgram(name);
      programs.set(name, found);
      return found;
    },
    workspace,
    repository,
    kinds,
    components,
  };
}
