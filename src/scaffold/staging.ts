import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { PrimitiveError } from '../errors.ts';
import { errnoOf } from './failure.ts';

/** A folder beside the target and on its file system, which also keeps a second process out. */
export interface Staging {
  /** Absolute; empty at first. */
  readonly folder: string;
  /** Removes it, and the folders above the target that were made for it and are empty still. */
  close(): void;
}

/**
 * Makes `.<name>.scaffold` in the folder of the target, with the folders that are missing above it.
 *
 * It comes into being by one rename and holds the id of its process, so that what a killed process left behind is told
 * from what a living one works in. Throws `scaffold-busy` (exit 2) for the latter.
 */
export function openStaging(target: string, name: string): Staging {
  const parent = dirname(target);
  const made = makeFolders(parent);
  const lock = join(parent, `.${name}.scaffold`);
  const close = () => {
    rmSync(lock, { recursive: true, force: true });
    for (const folder of made.toReversed()) removeIfEmpty(folder);
  };
  try {
    removeLeftOvers(parent, `.${name}.scaffold-`);
    const own = mkdtempSync(`${lock}-`);
    try {
      // Whatever `git add` meets while this runs, or after a kill.
      writeFileSync(join(own, '.gitignore'), '*\n');
      writeFileSync(join(own, OWNER), `${process.pid}\n`);
      mkdirSync(join(own, 'new'));
      take(own, lock);
    } finally {
      rmSync(own, { recursive: true, force: true });
    }
  } catch (error) {
    for (const folder of made.toReversed()) removeIfEmpty(folder);
    throw error;
  }
  return { folder: lock, close };
}

const OWNER = 'owner';

/** A rename onto a folder that has files fails, whoever comes second. */
function take(own: string, lock: string): void {
  for (let attempt = 0; ; attempt += 1) {
    try {
      renameSync(own, lock);
      return;
    } catch (error) {
      if (!['ENOTEMPTY', 'EEXIST', 'EPERM'].includes(errnoOf(error) ?? '') || !existsSync(lock)) throw error;
      if (attempt > 0 || isAlive(lock)) throw busy(lock);
      rmSync(lock, { recursive: true, force: true });
    }
  }
}

function removeLeftOvers(parent: string, prefix: string): void {
  for (const name of readdirSync(parent)) {
    const folder = join(parent, name);
    if (name.startsWith(prefix) && existsSync(join(folder, OWNER)) && !isAlive(folder))
      rmSync(folder, { recursive: true, force: true });
  }
}

function isAlive(lock: string): boolean {
  try {
    const owner = Number.parseInt(readFileSync(join(lock, OWNER), 'utf8'), 10);
    return Number.isInteger(owner) && owner > 0 && process.kill(owner, 0);
  } catch (error) {
    // Another user's process cannot be signalled, but it is there.
    return errnoOf(error) === 'EPERM';
  }
}

function busy(lock: string): PrimitiveError {
  return new PrimitiveError('scaffold-busy', 'Another process is scaffolding the same primitive.', {
    why: `it holds ${lock}`,
    suggestions: ['Run the command again when that one has ended.', `If none is running: rm -r '${lock}'`],
    retryable: true,
  });
}

/** Makes a folder and those above it; returns the new ones, outermost first. */
function makeFolders(folder: string): string[] {
  const missing: string[] = [];
  for (let path = folder; !existsSync(path); path = dirname(path)) missing.unshift(path);
  const made: string[] = [];
  try {
    for (const path of missing) {
      mkdirSync(path);
      made.push(path);
    }
  } catch (error) {
    // Two at once make the same folders.
    if (errnoOf(error) === 'EEXIST') return [...made, ...makeFolders(folder)];
    for (const path of made.toReversed()) removeIfEmpty(path);
    throw error;
  }
  return made;
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // It has become somebody's.
  }
}
