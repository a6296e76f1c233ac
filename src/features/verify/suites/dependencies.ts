import { join, posix } from 'node:path';
import { record } from '../imports/json.ts';
import type { SuitePorts } from '../ports.ts';
import type { Primitive } from '../subjects.ts';
import { type PackageManager, venvPython } from './package-manager.ts';

/**
 * Difference between installed dependencies and the lock file, one sentence; undefined if there is none.
 * Go checks its own when it compiles the tests.
 */
export async function dependencyFault(
  { path, kind }: Primitive,
  manager: PackageManager,
  { tree, processes, signal }: Pick<SuitePorts, 'tree' | 'processes' | 'signal'>,
): Promise<string | undefined> {
  const { name, folder, lock } = manager;
  if (name === 'npm') {
    const found = await tree.read(posix.join(folder, 'node_modules/.package-lock.json'));
    const wanted = await tree.read(lock);
    if (wanted === undefined) return `${lock} is missing`;
    if (found === undefined) return `${posix.join(folder, 'node_modules')} is missing`;
    return npmFault(wanted, found, manager);
  }
  if (kind?.language !== 'python') return undefined;
  const cwd = join(tree.root, path);
  const venv = posix.join(folder, '.venv');
  const listed = await processes
    .run(join(tree.root, venvPython(manager)), ['-c', LIST_PYTHON], { cwd, signal })
    .catch(() => undefined);
  signal.throwIfAborted();
  if (listed?.exitCode !== 0) return `${venv} is missing`;
  if (name === 'uv') {
    // It may hold more than the lock file names. The project itself counts as outdated after each checkout.
    const check = ['sync', '--frozen', '--check', '--inexact', '--offline', '--no-install-project'];
    const { exitCode } = await processes.run('uv', check, { cwd, signal });
    return exitCode === 0 ? undefined : `${venv} lacks what ${lock} names`;
  }
  const wanted = await tree.read(lock);
  if (wanted === undefined) return undefined;
  return pythonFault(new TextDecoder().decode(wanted), Buffer.from(listed.stdout).toString(), lock);
}

/** Compares `package-lock.json` with what npm says that it has installed. */
function npmFault(
  wanted: Uint8Array,
  found: Uint8Array,
  { folder, lock }: PackageManager,
): string | undefined {
  const [locked, installed] = [wanted, found].map(npmPackages);
  if (locked === undefined) return `${lock} is not JSON`;
  for (const [name, entry] of Object.entries(locked)) {
    const { version, optional } = record(entry);
    // The root and its workspaces are no packages that are installed.
    if (!name.includes('node_modules/')) continue;
    const there = record(installed?.[name]).version;
    // Packages for another platform are not installed.
    if (there === version || (there === undefined && optional === true)) continue;
    return `${posix.join(folder, name)} is ${there ?? 'missing'}, the lock file wants ${version}`;
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
