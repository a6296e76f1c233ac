import { createHash } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  fchmodSync,
  futimesSync,
  lutimesSync,
  mkdirSync,
  openSync,
  symlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { diskFullError, PrimitiveError } from '../core/errors.ts';
import { contextEntries } from './build-context.ts';
import type { ComponentInputs } from './inputs.ts';
import type { BlobReceiver, CommitTree, TreeEntry } from './source-tree.ts';

/** 1980-01-01T00:00:00Z in seconds: the earliest time that zip files can hold. */
const EARLIEST = 315_532_800;

/**
 * Writes a component's inputs into a new folder, from exactly the git objects that its input digest covers: the same
 * bytes, modes (0644, 0755, links) and times on every machine, independent of umask, attributes and work tree. `git
 * archive` would apply `export-ignore` and `export-subst`, a checkout line endings and filters.
 *
 * `folder` must not exist; it is removed again when anything fails. Throws `disk-full`, `context-not-written` (exit 3),
 * `context-name-clash` (exit 2), and what {@link CommitTree.readBlobs} throws.
 */
export async function writeContext(tree: CommitTree, inputs: ComponentInputs, folder: string): Promise<void> {
  const writer = new ContextWriter(folder);
  try {
    writer.begin();
  } catch (cause) {
    // A folder that existed before is not ours to remove.
    throw explain(cause, folder);
  }
  try {
    const entries = await contextEntries(tree, inputs);
    // Links last: until all files are written no link can lead a path out of the folder.
    const isLink = (entry: TreeEntry) => entry.mode === '120000';
    const ordered = [...entries.filter((entry) => !isLink(entry)), ...entries.filter(isLink)];
    await tree.readBlobs(
      ordered.map((entry) => entry.object),
      writer.receiver(ordered),
    );
    writer.finish();
  } catch (cause) {
    writer.close();
    await rm(folder, { recursive: true, force: true });
    throw explain(cause, folder);
  }
}

/**
 * Writes synchronously: a context is many small files, for which a round through the thread pool each costs several
 * times the write itself, and no call handles more than one chunk of git's output.
 */
class ContextWriter {
  readonly #folder: string;
  /** Folders below the context that exist, by path; '' is the context itself. */
  readonly #folders = new Set<string>();
  #file: number | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  begin(): void {
    makeFolder(this.#folder);
    this.#folders.add('');
  }

  receiver(entries: readonly TreeEntry[]): BlobReceiver {
    let entry: TreeEntry | undefined;
    let target: Uint8Array[] = [];
    let hash = createHash('sha256');
    return {
      start: (index) => {
        entry = entries[index];
        if (entry === undefined) throw new RangeError(`no entry ${index}`);
        this.#makeFolder(parentOf(checkPath(entry.path)));
        hash = createHash('sha256');
        if (entry.mode === '120000') target = [];
        else this.#file = openSync(join(this.#folder, entry.path), 'wx');
      },
      data: (chunk) => {
        hash.update(chunk);
        if (this.#file === undefined) target.push(Buffer.from(chunk));
        else writeAll(this.#file, chunk);
      },
      end: () => {
        if (entry === undefined) return;
        const time = timeOf(hash.digest());
        if (this.#file === undefined) this.#link(entry.path, Buffer.concat(target), time);
        else this.#finishFile(this.#file, entry.mode === '100755' ? 0o755 : 0o644, time);
      },
    };
  }

  /** Times of folders last: what is written into one changes its own. */
  finish(): void {
    for (const path of this.#folders) utimesSync(join(this.#folder, path), EARLIEST, EARLIEST);
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #finishFile(file: number, mode: number, time: number): void {
    fchmodSync(file, mode);
    futimesSync(file, time, time);
    this.close();
  }

  #link(path: string, target: Buffer, time: number): void {
    const link = join(this.#folder, path);
    symlinkSync(target, link);
    lutimesSync(link, time, time);
  }

  #makeFolder(path: string): void {
    if (this.#folders.has(path)) return;
    this.#makeFolder(parentOf(path));
    makeFolder(join(this.#folder, path));
    this.#folders.add(path);
  }
}

/**
 * The time of a file from the digest of its content: seconds since 1970, from 1980 to 1997, in steps that any file system
 * keeps. Tools that keep a cache from build to build, such as Go with its package index, take a file of the same path,
 * size and time for unchanged. Builders set the files of images back to 1980.
 */
function timeOf(digest: Buffer): number {
  return EARLIEST + digest.readUIntBE(0, 6) / 2 ** 19;
}

function makeFolder(path: string): void {
  mkdirSync(path);
  chmodSync(path, 0o755);
}

function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '' : path.slice(0, slash);
}

/** A tree can be made by hand, with entries that no checkout would write. */
function checkPath(path: string): string {
  if (path.split('/').every((segment) => segment !== '' && segment !== '.' && segment !== '..')) return path;
  throw new PrimitiveError(
    'context-name-refused',
    `${JSON.stringify(path)} would be outside of the build context.`,
  );
}

function writeAll(file: number, chunk: Uint8Array): void {
  for (let written = 0; written < chunk.length; ) written += writeSync(file, chunk, written);
}

function explain(cause: unknown, folder: string): unknown {
  if (cause instanceof PrimitiveError || !isSystemError(cause)) return cause;
  const full = diskFullError(cause, 'write the build context');
  if (full) return full;
  if (cause.code === 'EEXIST' && cause.path !== folder) {
    return new PrimitiveError('context-name-clash', 'Two inputs have the same name on this file system.', {
      why: `${cause.path} differs from another name only in case or Unicode form`,
      suggestions: ['Rename one of them, or publish on a case-sensitive file system.'],
      cause,
    });
  }
  return new PrimitiveError('context-not-written', 'Cannot write the build context.', {
    why: cause.message,
    exit: 3,
    cause,
  });
}

function isSystemError(value: unknown): value is NodeJS.ErrnoException {
  return value instanceof Error && 'syscall' in value;
}
