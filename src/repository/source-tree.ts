/** The mode that git records for a path (git-ls-tree, `mode`): file, executable file, symbolic link, submodule. */
export type EntryMode = '100644' | '100755' | '120000' | '160000';

/** As {@link EntryMode}, or a folder. */
export type FolderEntryMode = EntryMode | '040000';

/** One name in one folder of a commit. */
export interface FolderEntry {
  /** Every byte as git has it, no Unicode normalisation. */
  readonly name: string;
  readonly mode: FolderEntryMode;
  /** Git object id: 40 hex digits, 64 in a SHA-256 repository. That of a folder covers all that is below it. */
  readonly object: string;
  /** True if the name is not UTF-8; it then shows the odd bytes as `\xNN` and must not be used as a path. */
  readonly undecodable?: true;
}

/** One file of a commit's tree. */
export interface TreeEntry {
  /** With forward slashes, relative to the root of the tree or to a folder in it. */
  readonly path: string;
  readonly mode: EntryMode;
  readonly object: string;
  /** True if a name in the path is not UTF-8; see {@link FolderEntry}. */
  readonly undecodable?: true;
}

/** The commit that is published. */
export interface Head {
  /** Full commit id. */
  readonly commit: string;
  /** Object id of the commit's root folder. */
  readonly tree: string;
  /** Short branch name (`main`); absent when HEAD is detached, as in most CI checkouts. */
  readonly branch?: string;
  readonly objectFormat: 'sha1' | 'sha256';
  /** True for a clone whose history is cut off. */
  readonly shallow: boolean;
}

/** A file whose state in the work tree or index is not that of HEAD. */
export interface DirtyFile {
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
export interface CommitTree {
  /** The work tree's root: absolute, links resolved. */
  readonly root: string;
  readonly head: Head;
  /**
   * The entries of some folders of the commit, by their object ids, in git's order. Each folder is read once, and
   * compared with its id. Throws `git-object-missing`, `git-object-corrupt` or `git-failed` (exit 3).
   */
  readFolders(objects: readonly string[]): Promise<readonly (readonly FolderEntry[])[]>;
  /**
   * The whole contents of small files, in the order of `objects`. Throws as {@link CommitTree.readBlobs}, and
   * `git-file-too-large` (exit 2) for one of more than `maxBytes`.
   */
  readWhole(objects: readonly string[], maxBytes?: number): Promise<readonly Uint8Array[]>;
  /**
   * All changes of index and work tree against HEAD, sorted by code unit of the path; files that are ignored and not
   * tracked are none. Git is asked once, when this is first called: the slowest question to a repository, so call early.
   * Throws `git-failed` (exit 3).
   */
  changes(): Promise<readonly DirtyFile[]>;
  /**
   * Streams blobs in constant memory and compares each one's hash with its object id. Throws `git-object-missing`,
   * `git-object-corrupt` or `git-failed` (exit 3), and what the receiver throws.
   */
  readBlobs(objects: readonly string[], receiver: BlobReceiver): Promise<void>;
  /** The git attribute `filter` (gitattributes) of those paths that have one. */
  filters(paths: readonly string[]): Promise<ReadonlyMap<string, string>>;
}
