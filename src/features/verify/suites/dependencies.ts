import { posix } from 'node:path';
import type { Processes } from '../../../toolchain/process.ts';
import { record } from '../imports/json.ts';
import type { Primitive } from '../subjects.ts';
import type { WorkTree } from '../work-tree.ts';

/** A command that installs what a lock file names, as it is written in a shell. */
export interface Install {
  readonly command: readonly [program: string, ...args: string[]];
}

/** The virtual environment of a Python primitive, in its folder. */
export const VENV_PYTHON = '.venv/bin/python';

/** How the dependencies of a primitive are installed: by its own lock file alone. */
export function installsOf({ kind, files }: Primitive): readonly Install[] {
  if (kind?.language === 'go') return [{ command: ['go', 'mod', 'download'] }];
  if (kind?.language === 'ts') return [{ command: ['npm', 'ci', '--no-audit', '--no-fund'] }];
  if (usesUv(files)) return [{ command: ['uv', 'sync', '--frozen'] }];
  const lock = pythonLock(files) ?? 'requirements.lock';
  const pip = ['-m', 'pip', 'install', '--quiet', '--require-hashes', '--requirement', lock];
  return [{ command: ['python3', '-m', 'venv', '.venv'] }, { command: [VENV_PYTHON, ...pip] }];
}

/** Whether a Python primitive is a project of uv, and so needs uv. */
export function usesUv(files: readonly string[]): boolean {
  return files.includes('uv.lock');
}

function pythonLock(files: readonly string[]): string | undefined {
  return ['requirements-dev.lock', 'requirements.lock'].find((file) => files.includes(file));
}

/**
 * What keeps the dependencies of a primitive from being those of its lock file, one sentence; undefined where they are.
 * Go checks its own when it compiles the tests.
 */
export async function dependencyFault(
  primitive: Primitive,
  {
    tree,
    processes,
    signal,
  }: {
    readonly tree: WorkTree;
    readonly processes: Processes;
    readonly signal: AbortSignal;
  },
): Promise<string | undefined> {
  const { kind, files, path } = primitive;
  if (kind?.language === 'ts') {
    const lock = await tree.read(posix.join(path, 'node_modules/.package-lock.json'));
    const wanted = await tree.read(posix.join(path, 'package-lock.json'));
    if (wanted === undefined) return `${path}/package-lock.json is missing`;
    if (lock === undefined) return `${path}/node_modules is missing`;
    return npmFault(wanted, lock, path);
  }
  if (kind?.language !== 'python') return undefined;
  const python = posix.join(tree.root, path, VENV_PYTHON);
  const listed = await processes
    .run(python, ['-c', LIST_PYTHON], { cwd: posix.join(tree.root, path), signal })
    .catch(() => undefined);
  signal.throwIfAborted();
  if (listed?.exitCode !== 0) return `${path}/.venv is missing`;
  if (usesUv(files)) {
    // It may hold more than the lock file names. The project itself counts as outdated after each checkout.
    const check = ['sync', '--frozen', '--check', '--inexact', '--offline', '--no-install-project'];
    const { exitCode } = await processes.run('uv', check, { cwd: posix.join(tree.root, path), signal });
    return exitCode === 0 ? undefined : `${path}/.venv lacks what ${path}/uv.lock names`;
  }
  const lock = pythonLock(files);
  if (lock === undefined) return undefined;
  const wanted = await tree.read(posix.join(path, lock));
  return pythonFault(
    new TextDecoder().decode(wanted),
    Buffer.from(listed.stdout).toString(),
    `${path}/${lock}`,
  );
}

/** Compares `package-lock.json` with what npm says that it has installed. */
function npmFault(wanted: Uint8Array, found: Uint8Array, path: string): string | undefined {
  const [lock, installed] = [wanted, found].map(npmPackages);
  if (lock === undefined) return `${path}/package-lock.json is not JSON`;
  for (const [name, entry] of Object.entries(lock)) {
    const { version, optional } = record(entry);
    const there = record(installed?.[name]).version;
    // What is for another platform is not installed.
    if (name === '' || there === version || (there === undefined && optional === true)) continue;
    return `${path}/${name} is ${there ?? 'missing'}, the lock file wants ${version}`;
  }
  return undefined;
}

/** The packages of a lock file of npm, by their folders; undefined where it is not JSON. */
function npmPackages(bytes: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  try {
    return record(record(JSON.parse(new TextDecoder().decode(bytes))).packages);
  } catch {
    return undefined;
  }
}

const LIST_PYTHON =
  'import importlib.metadata as m\nfor d in m.distributions(): print(d.metadata["Name"], d.version)';

/** Compares the lines `name==version` of a lock file with what is installed. */
function pythonFault(wanted: string, found: string, lock: string): string | undefined {
  const normal = (name: string) => name.toLowerCase().replace(/[-_.]+/g, '-');
  const installed = new Map(
    found.split('\n').map((line) => {
      const [name = '', version = ''] = line.trim().split(' ');
      return [normal(name), version];
    }),
  );
  for (const [, name = '', version, marker] of wanted.matchAll(
    /^([\w.-]+)(?:\[[\w,. -]*\])?==([^\s;\\]+)([^\n]*)/gm,
  )) {
    const there = installed.get(normal(name));
    const isConditional = marker?.includes(';') === true;
    if (there === version || (there === undefined && isConditional)) continue;
    return `${name} is ${there ?? 'missing'}, ${lock} wants ${version}`;
  }
  return undefined;
}
