import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RealFile } from '../features/publish/secrets.ts';
import { type BuilderAdapters, builderAdapters } from './builder.ts';
import type { AppContext } from './context.ts';
import { credentialFilesOf } from './credential-files.ts';
import { invocationOf } from './environment.ts';
import { type GithubAdapters, githubAdapters } from './github.ts';
import { type GitopsAdapters, gitopsAdapters } from './gitops.ts';
import { type PluginAdapters, pluginAdapters } from './plugins.ts';
import { type ProgramAdapters, programAdapters } from './programs.ts';
import { type RegistryAdapters, registryAdapters } from './registry.ts';
import { type RepositoryAdapters, repositoryAdapters } from './repository.ts';
import { type ScanAdapters, scanAdapters } from './scans.ts';
import { type SigningAdapters, signingAdapters } from './signing.ts';

/**
 * The context and the adapters of a command. Each adapter is made once, when it is first asked for, and its
 * module is loaded only then. A feature declares the part that it needs; every method throws the PrimitiveError of what
 * it makes.
 */
export interface App
  extends AppContext,
    ProgramAdapters,
    RepositoryAdapters,
    RegistryAdapters,
    SigningAdapters,
    BuilderAdapters,
    GithubAdapters,
    GitopsAdapters,
    PluginAdapters,
    ScanAdapters {
  readonly processors: number;
  /** URL of the CI run. */
  readonly invocation: string | undefined;
  /** Files and folders in which programs of this user keep credentials, whether they exist or not. */
  readonly credentialFiles: readonly string[];
  /** Undefined for a path that leads nowhere. */
  realFile(path: string): Promise<RealFile | undefined>;
  /** Milliseconds; an abort ends it with the signal's reason. */
  sleep(milliseconds: number): Promise<void>;
  /** Ends connections, so that the process can end; safe to call again. */
  close(): Promise<void>;
}

export function createApp(context: AppContext): App {
  const { signal } = context;
  const programs = programAdapters(context);
  const plugins = pluginAdapters(context, programs);
  const repository = repositoryAdapters(context, { ...programs, ...plugins });
  const base = { ...context, ...programs, ...repository };
  const { closeRegistry, ...registry } = registryAdapters(base);
  const { closeGithub, ...github } = githubAdapters(base);
  return {
    ...base,
    ...registry,
    ...github,
    ...signingAdapters(base),
    ...builderAdapters(base),
    ...gitopsAdapters({ ...base, ...registry }),
    ...plugins,
    ...scanAdapters(context),
    processors: availableParallelism(),
    invocation: invocationOf(context),
    credentialFiles: credentialFilesOf(context),
    realFile: async (path) => (await import('../adapters/real-file.ts')).realFile(path),
    sleep: (milliseconds) => sleep(milliseconds, undefined, { signal }).catch(() => signal.throwIfAborted()),
    close: async () => {
      await Promise.all([closeRegistry(), closeGithub()]);
    },
  };
}
