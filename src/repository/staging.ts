import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { PrimitiveError } from '../core/errors.ts';
import { shellWord } from '../core/show-path.ts';
import { errnoOf } from './file-errors.ts';

/** A folder for files that are about to get their names, which also keeps a second process out. */
export interface Staging {
  /** Removes it, and the folders above it that were made for it and are empty still. Never throws. */
  close(): void;
}

/** Who writes: begins the codes `…-busy` and `…-moved`. */
export type WriterCode = 'init' | 'kit' | 'pin' | 'scaffold';

/**
 * Makes a folder, with those that are missing above it; git ignores what is in it.
 *
 * It comes into being by one rename and holds the id of its process, so that what a killed process left behind can be
 * distinguished from what a running one works in. Throws `<code>-busy` (exit 2) for the latter.
 */
export function openStaging(lock: string, code: WriterCode): Staging {
  const made = makeFolders(dirname(lock));
  // Named by its process, so that others can see whether it is running.
  const own = `${lock}-${process.pid}`;
  const close = () => {
    // Files that cannot be removed are ignored by git, and removed by the next run.
    for (const folder of [own, lock]) attempt(() => rmSync(folder, { recursive: true, force: true }));
    for (const folder of made.toReversed()) attempt(() => rmdirSync(folder));
  };
  try {
    rmSync(own, { recursive: true, force: true });
    mkdirSync(own);
    writeFileSync(join(own, '.gitignore'), '*\n');
    writeFileSync(join(own, OWNER), `${process.pid}\n`);
    take(own, lock, code);
  } catch (error) {
    attempt(() => rmSync(own, { recursive: true, force: true }));
    for (const folder of made.toReversed()) attempt(() => rmdirSync(folder));
    throw error;
  }
  return { close };
}

/** Removes what killed processes left behind of such a folder. */
export function removeLeftOvers(folder: string): void {
  const parent = dirname(folder);
  const lock = basename(folder);
  for (const found of existsSync(parent) ? readdirSync(parent) : []) {
    if (found !== lock && !found.startsWith(`${lock}-`)) continue;
    const left = join(parent, found);
    const owner = found === lock ? ownerOf(left) : Number(found.slice(lock.length + 1));
    if (!isAlive(owner)) attempt(() => rmSync(left, { recursive: true, force: true }));
  }
}

const OWNER = 'owner';

/** A rename onto a folder that has files fails for the second of two processes. */
function take(own: string, lock: string, code: WriterCode): void {
  try {
    renameSync(own, lock);
  } catch (error) {
    if (['ENOTEMPTY', 'EEXIST', 'EPERM'].includes(errnoOf(error) ?? '') && existsSync(lock))
      throw busy(lock, code);
    throw error;
  }
}

function ownerOf(lock: string): number {
  try {
    return Number(readFileSync(join(lock, OWNER), 'utf8'));
  } catch {
    return 0;
  }
}

/** Whether a process of this id runs. */
export function isAlive(owner: number): boolean {
  if (!Number.isInteger(owner) || owner <= 0) return false;
  try {
    return process.kill(owner, 0);
  } catch (error) {
    // Another user's process cannot be signalled, but it is there.
    return errnoOf(error) === 'EPERM';
  }
}

function busy(lock: string, code: WriterCode): PrimitiveError {
  return new PrimitiveError(`${code}-busy`, 'Another process is writing the same files.', {
    why: `its lock is ${lock}`,
    suggestions: ['Wait for it, then run the command again.', `If none is running: rm -r ${shellWord(lock)}`],
    retryable: true,
  });
}

/** A folder and those above it that are not there, outermost first. */
function missingFolders(folder: string): readonly string[] {
  return existsSync(folder) ? [] : [...missingFolders(dirname(folder)), folder];
}

/** Makes a folder and those above it; returns the new ones, outermost first. */
function makeFolders(folder: string): string[] {
  const made: string[] = [];
  try {
    for (const path of missingFolders(folder)) {
      mkdirSync(path);
      made.push(path);
    }
  } catch (error) {
    // Two at once make the same folders.
    if (errnoOf(error) === 'EEXIST') return [...made, ...makeFolders(folder)];
    for (const path of made.toReversed()) attempt(() => rmdirSync(path));
    throw error;
  }
  return made;
}

/** For what may fail, such as the removal of a folder that another process now uses. */
function attempt(step: () => void): void {
  try {
    step();
  } catch {
    // See above.
  }
}
