import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readFileSync,
  readSync,
  type Stats,
} from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { PrimitiveError } from '../core/errors.ts';
import { nameOf } from '../core/path-parts.ts';
import type { Processes, RunResult } from '../core/process.ts';
import type { PastTree, WorkTree } from '../features/verify/work-tree.ts';
import { errnoOf, isMissing } from '../repository/file-errors.ts';
import { findCommit, type Git, localGit, notOpened, openGit, text } from './git-command.ts';
import { ObjectReader } from './git-objects.ts';

/**
 * The work tree of the repository around a folder; a commit is needed for `changedSince` alone.
 * Throws `git-not-a-repository`, `git-bare-repository` or `git-unsafe-folder` (exit 2), and what {@link Processes}
 * throws.
 */
export async function openWorkTree(
  processes: Processes,
  folder: string,
  signal?: AbortSignal,
): Promise<WorkTree> {
  const here = localGit(processes, folder, signal);
  const found = await here.run(['rev-parse', '--show-toplevel']);
  if (found.exitCode !== 0) throw notOpened(folder, found);
  const root = text(found).replace(/\r?\n$/, '');
  const git = here.in(root);
  let listing: ReturnType<typeof listFiles> | undefined;
  const list = () => {
    listing ??= listFiles(git, root);
    return listing;
  };
  const unreadable = new Map<string, string>();
  const links = new Set<string>();
  return {
    root,
    list: async () => (await list()).files,
    repositories: async () => (await list()).repositories,
    closed: async () => (await list()).closed,
    unreadable,
    links,
    stored: async () => {
      const { objects } = await list();
      const differing = await differingPaths(git, [...objects.keys()]);
      if (differing.length === 0) return new Map();
      const format = objects.values().next().value?.length === 64 ? 'sha256' : 'sha1';
      const reader = new ObjectReader(git, { objectFormat: format });
      const limit = { maxBytes: MAX_BYTES, tooLarge: () => new Error(TOO_LARGE) };
      const readObject = async (path: string, object: string) => {
        try {
          return (await reader.read('blob', [object], limit))[0];
        } catch (error) {
          signal?.throwIfAborted();
          unreadable.set(path, reasonOf(error as Error));
          return undefined;
        }
      };
      return new Map(
        differing.map((path) => [path, () => readObject(path, objects.get(path) ?? '')] as const),
      );
    },
    read: async (path) => {
      try {
        const found = readPlain(`${root}/${path}`);
        if (found === 'link') links.add(path);
        else if (found !== undefined) return found;
        if (found === undefined && (await list()).absent.has(path)) throw new Error(ABSENT);
        return undefined;
      } catch (error) {
        unreadable.set(path, reasonOf(error as Error));
        return undefined;
      }
    },
    stamp: (path) => stampOf(`${root}/${path}`),
    readLink: async (path) => {
      const found = await look(join(root, path));
      return found?.isSymbolicLink() ? readlink(join(root, path)) : undefined;
    },
    stamps: async () => {
      const { files: paths } = await listFiles(git, root);
      const found = await Promise.all(paths.map((path) => look(join(root, path))));
      return new Map(paths.map((path, i) => [path, found[i] === undefined ? '' : attributesOf(found[i])]));
    },
    changedSince: async (revision) => changedSince(await openGit(processes, root, signal), revision),
    at: async (revision) => snapshot(git, root, await commitOf(git, revision)),
    before: async (revision) => snapshot(git, root, await forkOf(git, revision)),
  };
}

/** In the background, opening each of thousands of small files takes several times as long as reading it. */
function readPlain(path: string): Uint8Array | 'link' | undefined {
  let file: number;
  try {
    // Windows opens no file without following links.
    if (constants.O_NOFOLLOW === undefined && lstatSync(path).isSymbolicLink()) return 'link';
    // Elsewhere: does not follow a link, and does not wait for the other end of a named pipe.
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (isMissing(error)) return undefined;
    if (errnoOf(error) === 'ELOOP') return 'link';
    throw error;
  }
  try {
    const found = fstatSync(file);
    if (!found.isFile()) throw new Error('it is not a plain file');
    if (found.size > MAX_BYTES) throw new Error(TOO_LARGE);
    return found.size === 0 ? readFileSync(file) : readBytes(file, found.size);
  } finally {
    closeSync(file);
  }
}

/** The first bytes of an open file; all that there are if it has become shorter. */
function readBytes(file: number, size: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(size);
  let length = 0;
  for (let read = -1; read !== 0 && length < size; length += read) {
    read = readSync(file, bytes, length, size - length, null);
  }
  return bytes.subarray(0, length);
}

/** What git's index knows an unchanged file by; programs can set the time of the bytes, but not that of the inode. */
function attributesOf({ size, mtimeMs, ctimeMs, ino }: Stats): string {
  return `${size} ${mtimeMs} ${ctimeMs} ${ino}`;
}

/** The attributes of a plain file that had not just been written. */
function stampOf(path: string): string | undefined {
  try {
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found === undefined || !found.isFile() || Date.now() - found.ctimeMs < COARSEST) return undefined;
    return attributesOf(found);
  } catch {
    // Whoever reads it says why.
    return undefined;
  }
}

/** Milliseconds: file systems keep times by two seconds at least. */
const COARSEST = 3000;

const ABSENT = 'a sparse checkout leaves it out';

async function listFiles(git: Git, root: string) {
  const listed = await git.expect(['ls-files', ...LISTED, '--exclude-standard', '-t', '-z']);
  const files = new Set<string>();
  const repositories = new Set<string>();
  const absent = new Set<string>();
  /** Tracked files -> what the index holds. */
  const objects = new Map<string, string>();
  const deleted: string[] = [];
  for (const entry of names(listed)) {
    const tag = entry[0];
    // `? path` is not tracked; `H 100644 <object> <stage><tab>path` is.
    const path = entry.slice(tag === '?' ? 2 : entry.indexOf('\t') + 1);
    if (tag === '?' && path.endsWith('/')) repositories.add(path.slice(0, -1));
    else if (tag !== '?' && entry.startsWith(GITLINK, 2)) repositories.add(path);
    else if (tag === 'R') deleted.push(path);
    else files.add(path);
    if (PLAIN_FILE.test(entry)) objects.set(path, entry.slice(9, entry.indexOf(' ', 9)));
    // A sparse checkout leaves it out.
    if (tag === 'S') absent.add(path);
  }
  // Git calls a file deleted, too, that it may not look at.
  const missing = await Promise.all(
    deleted.map((path) =>
      lstat(join(root, path)).then(
        () => false,
        (error) => isMissing(error),
      ),
    ),
  );
  for (const [i, path] of deleted.entries()) if (missing[i]) files.delete(path);
  return {
    files: [...files].sort(),
    repositories: [...repositories].sort(),
    absent,
    objects,
    closed: await closedIn(root, listed.stderr),
  };
}

/** Of tracked files, those that attributes make other bytes in the work tree than in git. */
async function differingPaths(git: Git, paths: readonly string[]): Promise<readonly string[]> {
  if (!paths.some((path) => nameOf(path) === '.gitattributes')) return [];
  const result = await git.expect(['check-attr', '-z', '--stdin', 'working-tree-encoding', 'filter'], {
    input: paths.map((path) => `${path}\0`).join(''),
  });
  const fields = text(result).split('\0');
  const found = new Set<string>();
  for (let i = 0; i + 2 < fields.length; i += 3) {
    const [path = '', , value] = fields.slice(i, i + 3);
    if (value !== 'unspecified' && value !== 'unset') found.add(path);
  }
  return [...found].sort();
}

/** Git warns if it may not look into a folder that is not ignored, and goes on without its files. */
async function closedIn(root: string, warnings: string): Promise<ReadonlyMap<string, string>> {
  const closed = new Map<string, string>();
  for (const [, path = ''] of warnings.matchAll(
    /^warning: could not open directory '((?:(?!\nwarning: ).)+?)\/': /gms,
  )) {
    await readdir(join(root, path)).catch((error) => closed.set(path, reasonOf(error)));
  }
  return closed;
}

/** Without its end, the call and the absolute path. */
function reasonOf({ message }: Error): string {
  return message.replace(/, \w+ '.*$/s, '');
}

/** Files of the index, those of them that are deleted, and untracked files. */
const LISTED = ['--stage', '--deleted', '--others'];
/** A larger file is written by no person, and is not read. */
export const MAX_BYTES = 64 * 1024 * 1024;
export const TOO_LARGE = `it has more than ${MAX_BYTES / 1024 / 1024} MiB`;
/** How a tracked file is listed that is neither a link nor a submodule. */
const PLAIN_FILE = /^[^?] 100/;
/** The mode of a symbolic link. */
const LINK = '120000';
/** The mode of a submodule. */
const GITLINK = '160000';

async function commitOf(git: Git, revision: string): Promise<string> {
  const commit = await findCommit(git, revision);
  if (commit !== undefined) return commit;
  throw new PrimitiveError('revision-unknown', `Revision ${JSON.stringify(revision)} not found.`, {
    why: 'A clone may lack it.',
    suggestions: [
      'In GitHub Actions: actions/checkout with `fetch-depth: 0`',
      'git fetch origin main, then --changed-since origin/main',
    ],
  });
}

/** The merge base of HEAD and a revision. */
async function forkOf(git: Git, revision: string): Promise<string> {
  const fork = await git.run(['merge-base', await commitOf(git, revision), 'HEAD']);
  if (fork.exitCode === 0) return text(fork).trim();
  throw new PrimitiveError(
    'revision-unrelated',
    `Revision ${JSON.stringify(revision)} and HEAD have no common commit.`,
    {
      why: 'The clone is shallow, or the histories are unrelated.',
      suggestions: ['git fetch --unshallow --filter=tree:0', 'Or check everything: primitive verify'],
    },
  );
}

/** The files of a commit, as git holds them. */
async function snapshot(git: Git, root: string, commit: string): Promise<PastTree> {
  const listed = await git.expect(['ls-tree', '-r', '-z', '--full-tree', commit]);
  const entries = new Map(
    names(listed).map((entry) => {
      const [mode = '', , object = ''] = entry.slice(0, entry.indexOf('\t')).split(' ');
      return [entry.slice(entry.indexOf('\t') + 1), { mode, object }] as const;
    }),
  );
  const reader = new ObjectReader(git, { objectFormat: commit.length === 64 ? 'sha256' : 'sha1' });
  const limit = { maxBytes: MAX_BYTES, tooLarge: () => new Error(TOO_LARGE) };
  const readAs = async (path: string, isWanted: (mode: string) => boolean) => {
    const { mode, object } = entries.get(path) ?? { mode: '', object: '' };
    return isWanted(mode) ? (await reader.read('blob', [object], limit))[0] : undefined;
  };
  return {
    root,
    commit,
    list: async () => [...entries.keys()].filter((path) => entries.get(path)?.mode !== GITLINK).sort(),
    read: (path) => readAs(path, (mode) => mode.startsWith('100')),
    readLink: async (path) => {
      const target = await readAs(path, (mode) => mode === LINK);
      return target && Buffer.from(target).toString();
    },
  };
}

/** With `staged` what differs in the index, in place of the work tree. */
export async function changedSince(
  git: Git,
  revision: string,
  { staged = false } = {},
): Promise<readonly string[]> {
  const fork = await forkOf(git, revision);
  const changed = await git.expect([
    'diff',
    '--name-only',
    ...(staged ? ['--cached'] : []),
    '-z',
    '--no-renames',
    '--no-ext-diff',
    // .gitmodules can hide changes. Only the commit of a submodule counts.
    '--ignore-submodules=dirty',
    fork,
    '--',
  ]);
  if (staged) return [...new Set(names(changed))].sort();
  const untracked = await git.expect(['ls-files', '--others', '--exclude-standard', '-z']);
  return [...new Set([...names(changed), ...names(untracked)])].sort();
}

function names(result: RunResult): readonly string[] {
  return text(result)
    .split('\0')
    .filter((path) => path !== '');
}

/** Undefined for what is missing, or may not be looked at. */
async function look(path: string) {
  return lstat(path).catch((error: unknown) => {
    if (isMissing(error) || errnoOf(error) === 'EACCES') return undefined;
    throw error;
  });
}
