import { PrimitiveError } from '../errors.ts';

/** What git records for a path (git-ls-tree, `mode`): file, executable file, symbolic link, submodule. */
export type EntryMode = '100644' | '100755' | '120000' | '160000';

/** One file of a commit's tree. */
export interface TreeEntry {
  /** With forward slashes, relative to the root of the tree; every byte as git has it, no Unicode normalisation. */
  readonly path: string;
  readonly mode: EntryMode;
  /** Git object id: 40 hex digits, 64 in a SHA-256 repository. */
  readonly object: string;
  /** True where the name is not UTF-8; `path` then shows the odd bytes as `\xNN` and must not be used as a path. */
  readonly undecodable?: true;
}

/** The commit that is published. */
export interface Head {
  /** Full commit id. */
  readonly commit: string;
  /** Short branch name (`main`); absent when HEAD is detached, as in most CI checkouts. */
  readonly branch?: string;
  readonly objectFormat: 'sha1' | 'sha256';
  /** True for a clone whose history is cut off. */
  readonly shallow: boolean;
}

/** A file whose state in the work tree or index is not that of HEAD. */
export interface Change {
  /** Relative to the root; ends with `/` for an untracked repository inside this one. */
  readonly path: string;
  readonly state: 'untracked' | 'modified' | 'added' | 'deleted' | 'conflicted';
}

/** Takes blobs one after the other, in the order they were asked for. */
export interface BlobReceiver {
  /** `index` is the position in the list of objects; `size` in bytes. */
  start(index: number, size: number): void | Promise<void>;
  data(chunk: Uint8Array): void | Promise<void>;
  /** Called once the whole blob was seen and its hash is right. */
  end(): void | Promise<void>;
}

/**
 * HEAD's tree and how the work tree differs from it: what the workspace needs of git.
 *
 * Implemented by `adapters/git`. HEAD is read once, when the repository is opened, and stays what it was then.
 */
export interface SourceTree {
  /** The work tree's root: absolute, links resolved. */
  readonly root: string;
  readonly head: Head;
  /** All files of the commit, sorted by UTF-16 code unit of the path. Throws `git-failed` (exit 3). */
  entries(): Promise<readonly TreeEntry[]>;
  /**
   * All changes of index and work tree against HEAD, sorted by code unit of the path; files that are ignored and not
   * tracked are none. Git is asked once, when this is first called: the longest look at a repository, so call early.
   * Throws `git-failed` (exit 3).
   */
  changes(): Promise<readonly Change[]>;
  /**
   * Streams blobs in constant memory and compares each one's hash with its object id. Throws `git-object-missing`,
   * `git-object-corrupt` or `git-failed` (exit 3), and whatever the receiver throws.
   */
  readBlobs(objects: readonly string[], receiver: BlobReceiver): Promise<void>;
  /** The git attribute `filter` (gitattributes) of those paths that have one. */
  filters(paths: readonly string[]): Promise<ReadonlyMap<string, string>>;
}

/** A blob larger than this is no text that a person wrote for us to read. */
const MAX_TEXT = 4 * 1024 * 1024;

/**
 * The whole contents of small blobs, in the order of `objects`.
 * Throws as {@link SourceTree.readBlobs}, and `git-file-too-large` (exit 2) for one of more than `maxBytes`.
 */
export async function readWhole(
  tree: SourceTree,
  objects: readonly string[],
  maxBytes: number = MAX_TEXT,
): Promise<readonly Uint8Array[]> {
  const contents: Uint8Array[] = [];
  let chunks: Uint8Array[] = [];
  if (objects.length === 0) return contents;
  await tree.readBlobs(objects, {
    start(index, size) {
      if (size > maxBytes) throw tooLarge(objects[index], size, maxBytes);
      chunks = [];
    },
    data(chunk) {
      chunks.push(Buffer.from(chunk));
    },
    end() {
      contents.push(Buffer.concat(chunks));
    },
  });
  return contents;
}

function tooLarge(object: string | undefined, size: number, limit: number): PrimitiveError {
  return new PrimitiveError(
    'git-file-too-large',
    `A file that has to be read whole is too large: git object ${object}.`,
    {
      why: `it has ${size} bytes, ${limit} are allowed for primitive.yaml, .gitattributes and the targets of links`,
      suggestions: [`git log --oneline --find-object=${object}`],
    },
  );
}
