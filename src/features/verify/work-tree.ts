/** The files of a repository at one time. Paths are relative to its root. */
export interface Snapshot {
  /** Absolute, links resolved. */
  readonly root: string;
  list(): Promise<readonly string[]>;
  read(path: string): Promise<Uint8Array | undefined>;
  readLink(path: string): Promise<string | undefined>;
}

/** The files of a commit. */
export interface PastTree extends Snapshot {
  readonly commit: string;
}

/** The files of a repository as they are on disk, without those that git ignores. */
export interface WorkTree extends Snapshot {
  /** Tracked and untracked files that exist, links among them; relative to the root, sorted by code unit. */
  list(): Promise<readonly string[]>;
  /** Folders with a repository of their own, such as submodules: their files are not in `list`. Sorted. */
  repositories(): Promise<readonly string[]>;
  /** Folders whose files are not in `list`, because git may not look into them, with the system's reason. */
  closed(): Promise<ReadonlyMap<string, string>>;
  /** The bytes of a plain file, also of one that git ignores; undefined for a link, what is missing, what cannot be read. */
  read(path: string): Promise<Uint8Array | undefined>;
  /**
   * What git holds of tracked files for which attributes make it differ from the work tree (`working-tree-encoding`,
   * `filter`): these bytes are published. Each is read when it is asked for; undefined if that fails, see `unreadable`.
   */
  stored(): Promise<ReadonlyMap<string, () => Promise<Uint8Array | undefined>>>;
  /** Links among what was read so far: their targets were not. */
  readonly links: ReadonlySet<string>;
  /** Files that could not be read so far, by path, with the reason: no file, more than 64 MiB, a sparse checkout, or the system's. */
  readonly unreadable: ReadonlyMap<string, string>;
  /** Where a symbolic link leads, as it is written; undefined where the path is not a link. */
  readLink(path: string): Promise<string | undefined>;
  /**
   * Changes when a plain file is written, in whatever way; undefined for what is none, and for one that was written so
   * recently that it may be written again at the same time of the file system.
   */
  stamp(path: string): string | undefined;
  /** Path -> attributes of each file of `list`, read again: they change when the file is written, in whatever way. */
  stamps(): Promise<ReadonlyMap<string, string>>;
  /**
   * Files that differ between the work tree and the merge base of HEAD and `revision`; deleted ones too.
   * Throws `revision-unknown` and `revision-unrelated` (exit 2) if that is unknown.
   */
  changedSince(revision: string): Promise<readonly string[]>;
  /** The files of a commit. Throws `revision-unknown` (exit 2). */
  at(revision: string): Promise<PastTree>;
  /** The files of the merge base of HEAD and `revision`. Throws as `changedSince`. */
  before(revision: string): Promise<PastTree>;
}
