import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
} from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Digest, digestOf } from '../core/digest.ts';
import { PrimitiveError } from '../core/errors.ts';
import { errnoOf, explained } from './file-errors.ts';
import { openStaging, removeLeftOvers, type WriterCode } from './staging.ts';

export interface FileChange {
  /** Below the root, with forward slashes. */
  readonly path: string;
  /** State at planning time: a file, nothing, or `other`, such as a link. */
  readonly before: Digest | 'other' | undefined;
  /** `keep` only checks that `before` still holds. */
  readonly after: NewFile | 'delete' | 'keep';
}

export interface NewFile {
  readonly bytes: Uint8Array | string;
  /** By default as the file that it replaces. */
  readonly executable?: boolean;
}

/** A set of changes that are made together. */
export interface Transaction {
  /** The folder that all paths are below; absolute. */
  readonly root: string;
  readonly changes: readonly FileChange[];
  /** Whether all that is deleted comes first, as by default: a folder may take the place of a file. */
  readonly order?: 'deletes-first' | 'as-listed';
  /** The root must be missing or empty; it appears whole, by one rename. */
  readonly isNew?: boolean;
  /**
   * An absolute path for a folder on the file system of the root: its name starts with a dot. It keeps a second process
   * out, holds what is staged, and git ignores it.
   */
  readonly staging: string;
  /** Completes "Cannot …". */
  readonly what: string;
  /** First word of the codes `…-busy` and `…-moved`. */
  readonly code: WriterCode;
  readonly signal?: AbortSignal;
}

/**
 * Makes all changes or none.
 *
 * New files are staged and flushed to disk first; each then gets its name by one rename or link. If one of these fails,
 * those before it are undone. They wait for nothing, so no signal comes in between; a kill there leaves whole files.
 * No link is followed below the root.
 *
 * Throws `…-busy`, `…-moved` (exit 2: somebody else wrote there), `disk-full`, `not-writable`, `not-written`,
 * `not-undone` (exit 3), or the reason of the signal.
 */
export async function applyChanges(transaction: Transaction): Promise<void> {
  const { root, changes, isNew = false, staging: folder, what, code, signal } = transaction;
  try {
    removeLeftOvers(folder);
    if (changes.every(({ after }) => after === 'keep')) return;
    signal?.throwIfAborted();
    const staging = openStaging(folder, code);
    let isUndone = true;
    try {
      const staged = join(folder, 'new');
      for (const { path, after } of changes) {
        signal?.throwIfAborted();
        if (typeof after === 'object') await stage(join(staged, path), after);
      }
      signal?.throwIfAborted();
      if (isNew) appear(staged, root);
      else replaceAll(transaction, staged);
    } catch (error) {
      isUndone = !(error instanceof PrimitiveError && error.code === 'not-undone');
      throw error;
    } finally {
      // Files that could not be restored are still there.
      if (isUndone) staging.close();
    }
  } catch (cause) {
    const isInTheWay = ['ENOTEMPTY', 'EEXIST', 'ENOTDIR', 'EISDIR'].includes(errnoOf(cause) ?? '');
    if (cause instanceof Moved || isInTheWay) throw moved(transaction, cause);
    throw explained(cause, what);
  }
}

async function stage(file: string, { bytes, executable = false }: NewFile): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const options = { flag: 'wx', mode: executable ? 0o777 : 0o666, flush: true };
  await writeFile(file, bytes, options).catch((error) => {
    // A write that fails does not name its file, as opening it does.
    throw Object.assign(error, { path: error.path ?? file });
  });
}

/** An empty folder may be there; only some systems rename onto one. */
function appear(staged: string, root: string): void {
  if (existsSync(root)) rmdirSync(root);
  renameSync(staged, root);
}

type Undo = { readonly path: string; readonly step: () => void };

function replaceAll(transaction: Transaction, staged: string): void {
  const { root, changes, order = 'deletes-first' } = transaction;
  const place = { root, staged, old: join(transaction.staging, 'old') };
  const undo: Undo[] = [];
  const later = (path: string, step: () => void) => undo.push({ path, step });
  try {
    for (const change of changes) if (change.after === 'keep') checkUnmoved(root, change);
    const isFirst = ({ after }: FileChange) => order === 'deletes-first' && after === 'delete';
    for (const change of [...changes.filter(isFirst), ...changes.filter((one) => !isFirst(one))]) {
      checkUnmoved(root, change);
      if (change.after === 'delete') deleteFile(change.path, place, later);
      else if (change.after !== 'keep') replaceFile(change, change.after, place, later);
    }
  } catch (error) {
    takeBack(undo, transaction, error);
    throw error;
  }
}

interface Place {
  readonly root: string;
  readonly staged: string;
  /** The folder that keeps replaced files until all is done. */
  readonly old: string;
}

function deleteFile(path: string, { root, old }: Place, later: Later): void {
  const kept = join(old, path);
  mkdirSync(dirname(kept), { recursive: true });
  renameSync(join(root, path), kept);
  later(path, () => renameSync(kept, join(root, path)));
  removeEmpty(root, path, later);
}

function replaceFile(
  { path, before }: FileChange,
  after: NewFile,
  { root, staged, old }: Place,
  later: Later,
): void {
  makeParents(root, path, later);
  const [file, source] = [join(root, path), join(staged, path)];
  if (before === undefined) {
    placeNew(source, file);
    later(path, () => rmSync(file, { force: true }));
    return;
  }
  const kept = join(old, path);
  mkdirSync(dirname(kept), { recursive: true });
  linkOrCopy(file, kept);
  if (after.executable === undefined) chmodSync(source, lstatSync(file).mode);
  later(path, () => renameSync(kept, file));
  renameSync(source, file);
}

/** Undoes every step that can be; one that cannot is said. Throws `not-undone` (exit 3). */
function takeBack(undo: readonly Undo[], { what, staging }: Transaction, cause: unknown): void {
  const left = undo.toReversed().filter(({ step }) => !attempt(step));
  if (left.length === 0) return;
  throw new PrimitiveError('not-undone', `Cannot ${what}, and cannot undo all that was written.`, {
    why: `${cause instanceof Error ? cause.message : cause}\nchanged: ${left.map(({ path }) => path).join(', ')}`,
    suggestions: [
      'To list the changes: git status',
      `The previous files are in ${staging}/old until the next run.`,
    ],
    exit: 3,
    cause,
  });
}

/** Thrown for a path at which something else is than was planned for. */
class Moved extends Error {}

function checkUnmoved(root: string, { path, before }: FileChange): void {
  if (stateOf(root, path) !== before) throw new Moved(path);
}

/** Looks at a path; a link or file on the way blocks it. */
function stateOf(root: string, path: string): FileChange['before'] | 'folder' {
  const parts = path.split('/');
  for (const depth of parts.keys()) {
    const place = join(root, ...parts.slice(0, depth + 1));
    const stats = lstatSync(place, { throwIfNoEntry: false });
    if (stats === undefined) return undefined;
    if (depth < parts.length - 1) {
      if (!stats.isDirectory()) throw new Moved(path);
    } else if (stats.isDirectory()) return 'folder';
    else return stats.isFile() ? digestOf(readFileSync(place)) : 'other';
  }
  return undefined;
}

/** Gives a new file its name, and never replaces what another process has put there. */
function placeNew(source: string, file: string): void {
  try {
    linkSync(source, file);
  } catch (error) {
    if (!isWithoutLinks(error)) throw error;
    if (existsSync(file)) throw new Moved(file);
    renameSync(source, file);
  }
}

function linkOrCopy(source: string, copy: string): void {
  try {
    linkSync(source, copy);
  } catch (error) {
    if (!isWithoutLinks(error)) throw error;
    copyFileSync(source, copy);
  }
}

/** Some file systems have no hard links, and some kernels refuse those to another user's files. */
function isWithoutLinks(error: unknown): boolean {
  return ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(errnoOf(error) ?? '');
}

type Later = (path: string, step: () => void) => void;

function makeParents(root: string, path: string, later: Later): void {
  for (const parent of parentsOf(path)) {
    const folder = join(root, parent);
    if (existsSync(folder)) continue;
    mkdirSync(folder);
    later(parent, () => rmdirSync(folder));
  }
}

/** Removes the folders that a deleted file leaves empty. */
function removeEmpty(root: string, path: string, later: Later): void {
  for (const parent of parentsOf(path).toReversed()) {
    const folder = join(root, parent);
    const { mode } = lstatSync(folder);
    try {
      rmdirSync(folder);
    } catch (error) {
      if (errnoOf(error) === 'ENOTEMPTY' || errnoOf(error) === 'EEXIST') return;
      throw error;
    }
    later(parent, () => mkdirSync(folder, { mode }));
  }
}

/** The folders that a path goes through, outermost first. */
function parentsOf(path: string): readonly string[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, depth) => parts.slice(0, depth + 1).join('/'));
}

function attempt(step: () => void): boolean {
  try {
    step();
    return true;
  } catch {
    return false;
  }
}

function moved({ code, what }: Transaction, cause: unknown): PrimitiveError {
  const place = cause instanceof Moved ? cause.message : 'a folder';
  return new PrimitiveError(`${code}-moved`, `Cannot ${what}: ${place} has changed since it was read.`, {
    why: 'another program wrote to it; nothing was changed',
    suggestions: ['Run the command again.'],
    retryable: true,
    cause,
  });
}
