import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { once } from '../core/once.ts';
import type { Processes } from '../core/process.ts';
import type { Variables } from '../core/variables.ts';
import type { PackageFetcher } from '../features/scaffold/past-template.ts';
import type { NpmPort } from '../toolchain/cli-package.ts';
import type { Program } from '../toolchain/find.ts';
import type { ProgramName } from '../toolchain/programs.ts';
import type { AppContext } from './context.ts';

export interface ProgramAdapters {
  processes(): Promise<Processes>;
  /** Starts what the repository decides about, without credentials: its own tools too, or programs as elsewhere. */
  repositoryProcesses(tools: 'own' | 'elsewhere'): Promise<Processes>;
  /** The variables that a kind may name for a suite: none that is a credential by its name or holds one. */
  grantableVariables(): Promise<Variables>;
  /** A program on PATH, in a version that is new enough. Throws as `requireProgram`. */
  program(name: ProgramName): Promise<Program>;
  /** Lends npm for as long as `use` takes. */
  withNpm<T>(use: (npm: NpmPort) => Promise<T>): Promise<T>;
  /** Lends the folder of a package with exactly these bytes; nothing of it is run. */
  readonly withPackage: PackageFetcher;
}

export function programAdapters({
  variables,
  programs: { skipped, rules: folders, wholePath },
  secrets,
  platform,
  temporary,
  signal,
}: AppContext): ProgramAdapters {
  const found = new Map<ProgramName, Promise<Program>>();

  const processes = once(async () => {
    const { createProcesses } = await import('../adapters/process.ts');
    return createProcesses(variables, { secrets, skipped, folders });
  });

  const findProgram = async (name: ProgramName) => {
    const [{ requireProgram }, started] = await Promise.all([import('../toolchain/find.ts'), processes()]);
    return requireProgram(name, { path: variables.PATH, skipped, platform, processes: started, signal });
  };

  const withFolder = async <T>(use: (folder: string) => Promise<T>): Promise<T> => {
    const folder = await mkdtemp(join(temporary, 'primitive-npm-'));
    try {
      return await use(folder);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  };

  return {
    processes,
    repositoryProcesses: async (tools) => {
      const [{ createProcesses }, { repositoryVariables }] = await Promise.all([
        import('../adapters/process.ts'),
        import('./repository-variables.ts'),
      ]);
      const inherited = repositoryVariables(variables);
      return tools === 'own'
        ? createProcesses({ ...inherited, PATH: wholePath }, { secrets })
        : createProcesses({ ...inherited, PATH: variables.PATH }, { secrets, skipped, folders });
    },
    grantableVariables: async () => (await import('./repository-variables.ts')).grantableVariables(variables),
    program: (name) => {
      const program = found.get(name) ?? findProgram(name);
      found.set(name, program);
      return program;
    },
    withNpm: async (use) => {
      const [{ openNpm }, started] = await Promise.all([import('../adapters/npm.ts'), processes()]);
      return withFolder((folder) => use(openNpm(started, folder, variables, signal)));
    },
    withPackage: async (origin, use) => {
      const [{ fetchPackage }, started] = await Promise.all([
        import('../adapters/npm-package.ts'),
        processes(),
      ]);
      return withFolder(async (folder) =>
        use(await fetchPackage(origin, folder, { processes: started, variables, signal })),
      );
    },
  };
}
