import { join } from 'node:path';
import type { ProgramOptions, RunResult } from '../core/process.ts';
import type { BuilderSetup } from './prepare.ts';

/** Further settings of buildah. */
export interface BuildahSetup extends BuilderSetup {
  /** Folder that lasts from run to run: pulled bases and cache mounts, apart for each cache namespace. */
  readonly storage: string;
  readonly path: string | undefined;
}

/** How this machine stores layers and runs containers. */
export interface StoreOptions {
  /** How layers are stored. */
  readonly driver: StorageDriver;
  /** Path of runc or crun, if there is one. */
  readonly runtime: string | undefined;
}

export interface StorageDriver {
  readonly name: 'overlay' | 'vfs';
  /** Flags if buildah's own choice cannot be used. */
  readonly flags: readonly string[];
  /** Options of this machine's storage.conf, which options in flags would replace. */
  readonly options: readonly string[];
}

/** Runs buildah on one store; `bases` are roots of stores that it reads besides. */
export type RunBuildah = (
  args: readonly string[],
  options?: ProgramOptions,
  bases?: readonly string[],
) => Promise<RunResult>;

/** Variables that would make a build depend on the machine; `undefined` removes them. */
export const ENVIRONMENT: NonNullable<ProgramOptions['env']> = {
  BUILDAH_FORMAT: undefined,
  BUILDAH_LAYERS: undefined,
  SOURCE_DATE_EPOCH: undefined,
};

/** A function that runs buildah on the store in a folder. */
export function runIn(
  { processes, program }: BuildahSetup,
  { driver }: StoreOptions,
  folder: string,
): RunBuildah {
  const global = [`--root=${join(folder, 'root')}`, `--runroot=${join(folder, 'run')}`, ...driver.flags];
  return (args, options = {}, bases = []) =>
    processes.run(program.path, [...program.args, ...global, ...storageOptions(driver, bases), ...args], {
      ...options,
      env: { ...ENVIRONMENT, TMPDIR: join(folder, 'tmp') },
    });
}

function storageOptions({ name, options }: StorageDriver, bases: readonly string[]): readonly string[] {
  if (bases.length === 0) return [];
  return [...options, ...bases.map((root) => `${name}.imagestore=${root}`)].map(
    (option) => `--storage-opt=${option}`,
  );
}
