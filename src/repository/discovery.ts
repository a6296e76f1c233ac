import { realpath, stat } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { PrimitiveError } from '../core/errors.ts';
import { exists } from '../core/exists.ts';
import { optional } from '../core/object.ts';
import { shellWord } from '../core/show-path.ts';

/** The file that makes a folder a workspace. */
export const CONFIG_FILE = 'primitive.config.yaml';

/** Which config was found, and how. */
export interface ConfigLocation {
  /** Absolute, links in its folder resolved. */
  readonly path: string;
  /** The config's folder, absolute: `primitives/` is in it. */
  readonly root: string;
  /** The nearest folder above that holds `.git`; absent outside of git. */
  readonly repositoryRoot?: string;
  /** Whether it was named by the user, or is the nearest one up to the repository's root. */
  readonly found: 'given' | 'nearest';
}

/**
 * The config to use: the given file, or the nearest one from `cwd` up to the root of the git repository.
 *
 * Throws `config-not-found` (exit 2) with the folders that were looked in, and `config-outside-repository` (exit 2) for a
 * given file of another repository than that of `cwd`: commands would write there.
 */
export async function findConfig(start: {
  /** Absolute. */
  readonly cwd: string;
  /** Absolute; what `--config` named. */
  readonly configFile?: string | undefined;
}): Promise<ConfigLocation> {
  const cwd = await realpath(start.cwd).catch((cause: unknown) => {
    throw new PrimitiveError('folder-not-found', `Cannot find the folder ${start.cwd}.`, { cause });
  });
  const repositoryRoot = await findRepository(cwd);
  if (start.configFile !== undefined) return given(start.configFile, repositoryRoot);
  const searched: string[] = [];
  for (let folder = cwd; ; folder = dirname(folder)) {
    searched.push(folder);
    const path = join(folder, CONFIG_FILE);
    if (await isFile(path)) {
      return {
        path,
        root: folder,
        ...optional('repositoryRoot', repositoryRoot),
        found: 'nearest',
      };
    }
    if (folder === (repositoryRoot ?? cwd) || folder === dirname(folder)) break;
  }
  if ((await findGitopsRoot(cwd)) !== undefined) throw inGitopsRepository();
  throw notFound(searched, repositoryRoot);
}

async function given(file: string, current: string | undefined): Promise<ConfigLocation> {
  if (!(await isFile(file))) {
    throw new PrimitiveError('config-not-found', `Cannot find the file ${file}.`, {
      why: 'It is the value of --config.',
      suggestions: ['Omit --config to use the nearest primitive.config.yaml.'],
    });
  }
  const path = await realpath(file);
  const root = dirname(path);
  const repositoryRoot = await findRepository(root);
  if (current !== undefined && repositoryRoot !== current) {
    throw new PrimitiveError('config-outside-repository', `${file} is not in this repository.`, {
      why: `It is in ${repositoryRoot ?? 'no repository'}; the current directory is in ${current}.`,
      suggestions: [`primitive -C ${shellWord(root)} …`],
    });
  }
  return { path, root, ...optional('repositoryRoot', repositoryRoot), found: 'given' };
}

/** The root of the GitOps repository around a folder: one with the kit; undefined in any other place. */
export async function findGitopsRoot(cwd: string): Promise<string | undefined> {
  const folder = await realpath(cwd).catch(() => cwd);
  const root = await findRepository(folder);
  if (root === undefined || (await isFile(join(root, CONFIG_FILE)))) return undefined;
  return (await isFile(join(root, KIT_JSON))) ? root : undefined;
}

/** What the kit has installed, in a GitOps repository. */
const KIT_JSON = '.github/primitive/kit.json';

/**
 * The current directory, which has to be the root of a repository for `command`, such as `init`.
 *
 * Throws `git-not-a-repository` or `init-not-at-root` (exit 2).
 */
export async function requireRoot(cwd: string, command: string): Promise<string> {
  const root = await findRepository(cwd);
  if (root === cwd) return root;
  throw root === undefined
    ? new PrimitiveError('git-not-a-repository', `${cwd} is not in a git repository.`, {
        why: 'The files that it writes must be committed.',
        suggestions: [`git init && primitive ${command}`],
      })
    : new PrimitiveError('init-not-at-root', `${cwd} is not the root of its repository.`, {
        why: `The root is ${root}; the files belong there.`,
        suggestions: [`primitive -C ${shellWord(root)} ${command}`],
      });
}

/** The root of the repository around a folder. Up to the root of the file system: a worktree or submodule has a file `.git`, a plain clone a folder. */
async function findRepository(from: string): Promise<string | undefined> {
  for (let folder = from; ; folder = dirname(folder)) {
    if (await exists(join(folder, '.git'))) return folder;
    if (folder === dirname(folder)) return undefined;
  }
}

function notFound(searched: readonly string[], repositoryRoot: string | undefined): PrimitiveError {
  const where = searched.length === 1 ? searched[0] : `${searched[0]} and above, up to ${searched.at(-1)}`;
  return new PrimitiveError('config-not-found', `Cannot find ${CONFIG_FILE} in ${where}.`, {
    why:
      repositoryRoot === undefined
        ? 'Outside of a git repository only the current folder is searched.'
        : `${repositoryRoot} is the root of the git repository; nothing above it is searched.`,
    suggestions: [
      'primitive init',
      `Or create a minimal one: echo 'registry: ghcr.io/OWNER' > ${shellWord(join(searched.at(-1) ?? '.', CONFIG_FILE))}`,
      'Or run in the repository: primitive -C DIR …',
    ],
  });
}

function inGitopsRepository(): PrimitiveError {
  return new PrimitiveError('config-not-found', `This is a GitOps repository, which has no ${CONFIG_FILE}.`, {
    why: `It has the GitOps kit (${KIT_JSON}); primitives are in code repositories.`,
    suggestions: [
      'Run it in the code repository: primitive -C ../app …',
      'Check whether this repository is set up: primitive doctor',
      'Check what it deploys: primitive gitops check',
    ],
  });
}

/** `path` below `root` with forward slashes; `''` for the root itself, undefined for what is outside. */
export function pathBelow(root: string, path: string): string | undefined {
  const below = relative(root, path).split(sep).join('/');
  return below === '..' ||
    below.startsWith('../') ||
    (process.platform === 'win32' && /^[A-Za-z]:/.test(below))
    ? undefined
    : below;
}

function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}
