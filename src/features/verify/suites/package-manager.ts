import { posix } from 'node:path';
import type { Kind } from '../../../kinds/kind.ts';
import type { Primitive } from '../subjects.ts';
import type { WorkTree } from '../work-tree.ts';

/** A command as it is written in a shell. */
export type Command = readonly [program: string, ...args: string[]];

/** Whether what lock files name is installed before suites run, and whether packages may run their scripts then. */
export type Installing = false | { readonly scripts: boolean };

/** Package manager of a primitive. */
export interface PackageManager {
  readonly name: 'go' | 'npm' | 'uv' | 'pip' | 'pnpm' | 'Yarn' | 'Bun' | 'Poetry' | 'PDM';
  /** The folder of the lock file: that of the primitive, or of the workspace that it is in; '.' for the repository. */
  readonly folder: string;
  /** Whether the lock file is of a workspace. */
  readonly shared: boolean;
  /** Relative to the root of the repository. */
  readonly lock: string;
}

/** The lock files of a language, those that can be verified first. */
const LOCKS = {
  go: [['go.sum', 'go']],
  ts: [
    ['package-lock.json', 'npm'],
    ['pnpm-lock.yaml', 'pnpm'],
    ['yarn.lock', 'Yarn'],
    ['bun.lock', 'Bun'],
  ],
  python: [
    ['uv.lock', 'uv'],
    ['requirements-dev.lock', 'pip'],
    ['requirements.lock', 'pip'],
    ['poetry.lock', 'Poetry'],
    ['pdm.lock', 'PDM'],
  ],
  other: [],
} as const satisfies Readonly<Record<string, readonly (readonly [string, PackageManager['name']])[]>>;

/** Defaults for primitives without a lock file. */
const DEFAULTS = {
  go: ['go.sum', 'go'],
  ts: ['package-lock.json', 'npm'],
  python: ['requirements.lock', 'pip'],
  other: ['', 'go'],
} as const;

/** By the lock file that is nearest: in the folder of the primitive, or above it, where a workspace has one for all. */
export async function packageManagerOf(
  { path, kind }: Pick<Primitive, 'path' | 'kind'>,
  tree: WorkTree,
): Promise<PackageManager> {
  const language = kind?.language ?? 'other';
  const files = new Set(await tree.list());
  // A module of Go has its own.
  const isOwn = language === 'go';
  for (let folder = path; !isOwn; folder = posix.dirname(folder)) {
    for (const [file, name] of LOCKS[language]) {
      const lock = posix.join(folder, file);
      // The lock file of pip is of one project.
      if (files.has(lock) && (folder === path || name !== 'pip'))
        return { name, folder, shared: folder !== path, lock };
    }
    if (folder === '.') break;
  }
  const [file, name] = DEFAULTS[language];
  return { name, folder: path, shared: false, lock: posix.join(path, file) };
}

/** A kind of another language has no suites. */
const TOOLCHAINS = { go: 'go', python: 'python', ts: 'node', other: 'node' } as const;

/** The program that suites of a language are run with. */
export function toolchainOf(
  { name }: PackageManager,
  { language }: Pick<Kind, 'language'>,
): 'go' | 'python' | 'node' | 'uv' {
  return name === 'uv' ? 'uv' : TOOLCHAINS[language];
}

/** The Python of the environment that is installed, relative to the root of the repository. */
export function venvPython({ folder }: PackageManager): string {
  return posix.join(folder, VENV_PYTHON);
}

const VENV_PYTHON = '.venv/bin/python';

/** How dependencies are installed: by the lock file alone, without scripts of packages unless `scripts`. */
export function installsOf(
  { name, lock, shared }: PackageManager,
  { scripts }: { readonly scripts: boolean },
): readonly Command[] {
  if (name === 'go') return [['go', 'mod', 'download']];
  if (name === 'npm')
    return [['npm', 'ci', ...(scripts ? [] : ['--ignore-scripts']), '--no-audit', '--no-fund']];
  // That it agrees with pyproject.toml is asked before, without the settings of this machine.
  if (name === 'uv') return [['uv', 'sync', '--frozen', ...(shared ? ['--all-packages'] : [])]];
  const pip = ['-m', 'pip', 'install', '--quiet', '--require-hashes', '--requirement', posix.basename(lock)];
  return [
    ['python3', '-m', 'venv', '.venv'],
    [VENV_PYTHON, ...pip],
  ];
}

/** Why its lock file cannot be compared with what is installed, as half a sentence; undefined where it can. */
export function unsupported({ name, lock }: PackageManager): string | undefined {
  return ['go', 'npm', 'uv', 'pip'].includes(name)
    ? undefined
    : `its dependencies are those of ${lock}, and verify reads lock files of npm, uv and pip, not of ${name}`;
}
