import { join, posix } from 'node:path';
import { type Dependencies, differs, type LockFile, type PackageManager } from '../package-manager.ts';
import type { RunnerPorts } from '../ports.ts';

const VENV_PYTHON = '.venv/bin/python';

/** The Python of the environment that is installed, relative to the root of the repository. */
export function venvPython({ folder }: Pick<LockFile, 'folder'>): string {
  return posix.join(folder, VENV_PYTHON);
}

/**
 * uv compares them itself, offline. An index that only this machine is set to would not be that of the lock file, so it is
 * asked without such settings.
 */
const compareUv: Dependencies['compare'] = async (
  primitive,
  lock,
  { processes, tree, signal, output, limit },
  uv,
) => {
  const { exitCode, stderr } = await processes.run(uv, ['lock', '--check', '--offline'], {
    cwd: join(tree.root, primitive.path),
    env: { ...NO_INDEX, XDG_CONFIG_HOME: join(output, 'none'), XDG_CONFIG_DIRS: join(output, 'none') },
    signal,
    timeout: limit,
  });
  if (exitCode === 0) return undefined;
  const why = /^(?:error|warning): (.*)$/m.exec(stderr)?.[1] ?? 'uv lock --check fails';
  // 1: it would write another lock file, or would have to ask for packages that are not in this one.
  if (exitCode !== 1) return { unchecked: `uv lock --check ended with exit code ${exitCode}: ${why}` };
  const [, what] = /cause: Because (.*?)[,.]?(?: we can conclude that .*)?$/m.exec(stderr) ?? [];
  return differs(primitive, lock, { manifest: 'pyproject.toml', why: what ?? why, fix: 'uv lock' });
};

const NO_INDEX = Object.fromEntries(
  [
    'UV_INDEX',
    'UV_INDEX_URL',
    'UV_EXTRA_INDEX_URL',
    'UV_DEFAULT_INDEX',
    'UV_FIND_LINKS',
    'UV_CONFIG_FILE',
  ].map((name) => [name, undefined]),
);

/** The distributions in the environment, a line each with name and version; undefined without an environment. */
async function installed(
  path: string,
  lock: LockFile,
  { tree, processes, signal }: Pick<RunnerPorts, 'tree' | 'processes' | 'signal'>,
): Promise<string | undefined> {
  const listed = await processes
    .run(join(tree.root, venvPython(lock)), ['-c', LIST_PYTHON], { cwd: join(tree.root, path), signal })
    .catch(() => undefined);
  signal.throwIfAborted();
  return listed?.exitCode === 0 ? Buffer.from(listed.stdout).toString() : undefined;
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

export const uv: PackageManager<'uv'> = {
  name: 'uv',
  lock: 'uv.lock',
  hasWorkspaces: true,
  program: 'uv',
  dependencies: {
    // That it agrees with pyproject.toml is asked before, without the settings of this machine.
    installs: ({ shared }) => [['uv', 'sync', '--frozen', ...(shared ? ['--all-packages'] : [])]],
    compare: compareUv,
    fault: async ({ path }, lock, ports) => {
      const venv = posix.join(lock.folder, '.venv');
      if ((await installed(path, lock, ports)) === undefined) return `${venv} is missing`;
      // It may hold more than the lock file names. The project itself counts as outdated after each checkout.
      const check = ['sync', '--frozen', '--check', '--inexact', '--offline', '--no-install-project'];
      const { tree, processes, signal } = ports;
      const { exitCode } = await processes.run('uv', check, { cwd: join(tree.root, path), signal });
      return exitCode === 0 ? undefined : `${venv} lacks what ${lock.path} names`;
    },
  },
};

/** The lock file of pip is of one project. */
export const pip: PackageManager<'python'> = {
  name: 'pip',
  lock: 'requirements.lock',
  hasWorkspaces: false,
  program: 'python',
  dependencies: {
    installs: ({ path }) => [
      ['python3', '-m', 'venv', '.venv'],
      [
        VENV_PYTHON,
        ...['-m', 'pip', 'install', '--quiet', '--require-hashes', '--requirement', posix.basename(path)],
      ],
    ],
    compare: async ({ files }) =>
      files.includes('pyproject.toml')
        ? { unchecked: 'a lock file of pip does not say what pyproject.toml asks for' }
        : undefined,
    fault: async ({ path }, lock, ports) => {
      const found = await installed(path, lock, ports);
      if (found === undefined) return `${posix.join(lock.folder, '.venv')} is missing`;
      const wanted = await ports.tree.read(lock.path);
      if (wanted === undefined) return undefined;
      return pythonFault(new TextDecoder().decode(wanted), found, lock.path);
    },
  },
};

export const pipDev: PackageManager<'python'> = { ...pip, lock: 'requirements-dev.lock' };

export const otherManagers: readonly PackageManager<'python'>[] = [
  { name: 'Poetry', lock: 'poetry.lock' },
  { name: 'PDM', lock: 'pdm.lock' },
  { name: 'Pipenv', lock: 'Pipfile.lock' },
  { name: 'PEP 751', lock: 'pylock.toml' },
].map((one) => ({ ...one, hasWorkspaces: true, program: 'python' }));
