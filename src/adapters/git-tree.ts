import { isUtf8 } from 'node:buffer';
import { createHash, type Hash } from 'node:crypto';
import { PrimitiveError } from '../errors.ts';
import type { BlobReceiver, Change, EntryMode, Head, TreeEntry } from '../workspace/source-tree.ts';
import { decode, failed, type Git, text } from './git-command.ts';

/** All files of HEAD. */
export async function listTree(git: Git, head: Head): Promise<readonly TreeEntry[]> {
  const { stdout } = await git.expect(['ls-tree', '-r', '-z', '--full-tree', head.commit]);
  const entries = isUtf8(stdout) ? parseTree(decode(stdout), head) : parseOddTree(stdout, head);
  // Git sorts by bytes: the same unless there are names beyond the basic plane.
  return isSorted(entries) ? entries : entries.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function parseTree(listing: string, head: Head): TreeEntry[] {
  const entries: TreeEntry[] = [];
  const idLength = head.objectFormat === 'sha256' ? 64 : 40;
  for (
    let start = 0, end = listing.indexOf('\0');
    end >= 0;
    start = end + 1, end = listing.indexOf('\0', start)
  ) {
    // `MODE SP TYPE SP OBJECT TAB PATH`, TYPE being blob or commit.
    const object = listing.indexOf(' ', start + 7) + 1;
    entries.push({
      path: listing.slice(object + idLength + 1, end),
      mode: listing.slice(start, start + 6) as EntryMode,
      object: listing.slice(object, object + idLength),
    });
  }
  return entries;
}

/** For a tree that has at least one name that is not UTF-8. */
function parseOddTree(listing: Uint8Array, head: Head): TreeEntry[] {
  const entries: TreeEntry[] = [];
  for (let start = 0, end = listing.indexOf(0); end >= 0; start = end + 1, end = listing.indexOf(0, start)) {
    const record = listing.subarray(start, end + 1);
    if (isUtf8(record)) {
      entries.push(...parseTree(decode(record), head));
    } else {
      const shown = Buffer.from(record)
        .toString('latin1')
        .replace(/[\x80-\xff]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16)}`);
      entries.push(...parseTree(shown, head).map((entry) => ({ ...entry, undecodable: true as const })));
    }
  }
  return entries;
}

function isSorted(entries: readonly TreeEntry[]): boolean {
  let before = '';
  for (const { path } of entries) {
    if (path < before) return false;
    before = path;
  }
  return true;
}

/** See `SourceTree.changes`. */
export async function listChanges(git: Git): Promise<readonly Change[]> {
  const { stdout } = await git.expect([
    'status',
    '--porcelain=v1',
    '-z',
    '--untracked-files=all',
    '--no-renames',
    // Whether a submodule is at another commit counts, what lies about in it does not: it is refused as an input.
    '--ignore-submodules=dirty',
  ]);
  return decode(stdout)
    .split('\0')
    .filter((record) => record !== '')
    .map((record) => ({ path: record.slice(3), state: changeState(record.slice(0, 2)) }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Git-status, "Short Format": the letters of index and work tree. */
function changeState(letters: string): Change['state'] {
  if (letters === '??') return 'untracked';
  if (letters.includes('U') || letters === 'AA' || letters === 'DD') return 'conflicted';
  if (letters.includes('D')) return 'deleted';
  return letters.includes('A') ? 'added' : 'modified';
}

/** See `SourceTree.readBlobs`. */
export async function readBlobs(
  git: Git,
  head: Head,
  objects: readonly string[],
  receiver: BlobReceiver,
): Promise<void> {
  const reader = new BatchReader(head, objects, receiver);
  const args = ['cat-file', '--batch', '--buffer'];
  const result = await git.run(args, {
    input: `${objects.join('\n')}\n`,
    stdout: (chunk) => reader.add(chunk),
  });
  if (result.exitCode !== 0) throw failed(args, result);
  if (!reader.complete) throw failed(args, result);
}

/** Cuts the output of `git cat-file --batch` (`OBJECT SP TYPE SP SIZE LF CONTENTS LF`) into blobs, and checks each one. */
class BatchReader {
  readonly #head: Head;
  readonly #objects: readonly string[];
  readonly #receiver: BlobReceiver;
  #index = 0;
  #header = '';
  /** Bytes of the current blob that are still to come; undefined while a header is read. */
  #left: number | undefined;
  #hash: Hash | undefined;

  constructor(head: Head, objects: readonly string[], receiver: BlobReceiver) {
    this.#head = head;
    this.#objects = objects;
    this.#receiver = receiver;
  }

  get complete(): boolean {
    return this.#index === this.#objects.length && this.#left === undefined;
  }

  async add(chunk: Uint8Array): Promise<void> {
    let rest = chunk;
    while (rest.length > 0) {
      if (this.#left === undefined) {
        const end = rest.indexOf(0x0a);
        this.#header += decode(end < 0 ? rest : rest.subarray(0, end));
        if (end < 0) return;
        rest = rest.subarray(end + 1);
        await this.#start();
      } else if (this.#left > 0) {
        const part = rest.subarray(0, this.#left);
        rest = rest.subarray(part.length);
        this.#left -= part.length;
        this.#hash?.update(part);
        await this.#receiver.data(part);
      } else {
        // The line feed after the contents.
        rest = rest.subarray(1);
        await this.#end();
      }
    }
  }

  async #start(): Promise<void> {
    const [object, type, size] = this.#header.split(' ');
    const wanted = this.#objects[this.#index];
    if (object !== wanted || type !== 'blob' || size === undefined) {
      throw new PrimitiveError('git-object-missing', `Git cannot give the file content ${wanted}.`, {
        why: `git says: ${this.#header}`,
        suggestions: ['git fsck --connectivity-only', 'git fetch --refetch, in a partial clone'],
        exit: 3,
      });
    }
    this.#header = '';
    this.#left = Number(size);
    this.#hash = createHash(this.#head.objectFormat).update(`blob ${size}\0`);
    await this.#receiver.start(this.#index, this.#left);
  }

  async #end(): Promise<void> {
    const wanted = this.#objects[this.#index];
    if (this.#hash?.digest('hex') !== wanted) {
      throw new PrimitiveError(
        'git-object-corrupt',
        `The content of git object ${wanted} is not what its id says.`,
        {
          why: 'the object store of this clone is damaged or was tampered with',
          suggestions: ['git fsck', 'Clone the repository again.'],
          exit: 3,
        },
      );
    }
    this.#index += 1;
    this.#left = undefined;
    await this.#receiver.end();
  }
}

/** See `SourceTree.filters`. */
export async function readFilters(git: Git, paths: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  if (paths.length === 0) return found;
  const result = await git.expect(['check-attr', '--cached', '-z', '--stdin', 'filter'], {
    input: paths.map((path) => `${path}\0`).join(''),
  });
  const fields = text(result).split('\0');
  for (let i = 0; i + 2 < fields.length; i += 3) {
    const [path = '', , value = ''] = fields.slice(i, i + 3);
    if (value !== 'unspecified' && value !== 'unset') found.set(path, value);
  }
  return found;
}
