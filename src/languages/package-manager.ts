import { posix } from 'node:path';
import type { RunnerPorts, TestedPrimitive } from './ports.ts';
import type { Files } from './source-tree.ts';

/** A command as it is written in a shell. */
export type Command = readonly [program: string, ...args: string[]];

/** A package manager with one of its lock files. */
export interface PackageManager<Program extends string = string> {
  /** As people call it: `npm`, `Poetry`. */
  readonly name: string;
  /** The name of the lock file; `package-lock.json`. */
  readonly lock: string;
  /** Whether one lock file may serve a workspace, from a folder above the primitive. */
  readonly hasWorkspaces: boolean;
  /** The program that suites are run with. */
  readonly program: Program;
  /** Undefined for one whose lock file cannot be compared with what is installed. */
  readonly dependencies?: Dependencies;
}

/** Reads what a lock file names, and installs it. */
export interface Dependencies {
  /** How dependencies are installed: by the lock file alone, without scripts of packages unless `scripts`. */
  installs(lock: LockFile, options: { readonly scripts: boolean }): readonly Command[];
  /**
   * Compares the manifest of a primitive with its lock file. Dependencies are installed by the lock file alone: a manifest
   * that asks for something else has no effect, and nobody notices. `tool` is the toolchain's file.
   */
  compare(primitive: TestedPrimitive, lock: LockFile, ports: RunnerPorts, tool: string): Promise<Compared>;
  /** Difference between installed dependencies and the lock file, one sentence; undefined if there is none. */
  fault(
    primitive: TestedPrimitive,
    lock: LockFile,
    ports: Pick<RunnerPorts, 'tree' | 'processes' | 'signal'>,
  ): Promise<string | undefined>;
}

/** The outcome of a comparison: the files differ, or cannot be compared; undefined if they agree. */
export type Compared =
  | {
      readonly fault: {
        /** The lock file, relative to the root of the repository. */
        readonly path: string;
        /** One sentence that begins with the thing. */
        readonly message: string;
        readonly fix: { readonly kind: 'command'; readonly text: string };
      };
    }
  | { readonly unchecked: string }
  | undefined;

/** The package managers of a language. */
export interface Managers<Program extends string> {
  /** Those whose lock files can be compared first. */
  readonly managers: readonly PackageManager<Program>[];
  /** Of a primitive without a lock file. */
  readonly standardManager: PackageManager<Program>;
}

export interface LockFile<Program extends string = string> {
  readonly manager: PackageManager<Program>;
  /** Its folder: that of the primitive, or of the workspace that it is in; '.' for the repository. */
  readonly folder: string;
  /** Whether it is of a workspace. */
  readonly shared: boolean;
  /** Relative to the root of the repository. */
  readonly path: string;
  /** Lock files beside it that cannot be compared with what is installed. */
  readonly unread: readonly string[];
}

/** Why suites cannot be run with what a lock file names, half a sentence; undefined if they can. */
export function unreadLock({ path, manager: { name, dependencies } }: LockFile): string | undefined {
  if (dependencies !== undefined) return undefined;
  return `its dependencies are those of ${path}, and verify reads no lock file of ${name}`;
}

/**
 * The nearest lock file of some package managers, in the folder of the primitive or above it, where a workspace has one
 * for all; else that of the standard one.
 */
export async function lockFileOf<Program extends string>(
  { path }: Pick<TestedPrimitive, 'path'>,
  { managers, standardManager }: Managers<Program>,
  tree: Pick<Files, 'list'>,
): Promise<LockFile<Program>> {
  const files = new Set(await tree.list());
  for (let folder = path; ; folder = posix.dirname(folder)) {
    for (const manager of managers) {
      const lock = posix.join(folder, manager.lock);
      if (files.has(lock) && (folder === path || manager.hasWorkspaces))
        return {
          manager,
          folder,
          shared: folder !== path,
          path: lock,
          unread: unreadIn(folder, managers, files),
        };
    }
    if (folder === '.') break;
  }
  return {
    manager: standardManager,
    folder: path,
    shared: false,
    path: posix.join(path, standardManager.lock),
    unread: [],
  };
}

function unreadIn(
  folder: string,
  managers: readonly PackageManager[],
  files: ReadonlySet<string>,
): readonly string[] {
  return managers
    .filter(({ dependencies }) => dependencies === undefined)
    .map(({ lock }) => posix.join(folder, lock))
    .filter((path) => files.has(path));
}

/** A manifest that differs from its lock file; the commands of `fix` are run in the folder of the lock file. */
export function differs(
  primitive: Pick<TestedPrimitive, 'path'>,
  { path, folder }: LockFile,
  { manifest, why, fix }: { readonly manifest: string; readonly why: string; readonly fix: string },
): Compared {
  return {
    fault: {
      path,
      message: `${path} does not match ${primitive.path}/${manifest}: ${why}.`,
      fix: { kind: 'command', text: folder === '.' ? fix : `cd ${folder} && ${fix}` },
    },
  };
}
