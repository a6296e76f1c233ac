/** The port of publish to git's history, to move a channel forward only. Implemented by `adapters/git`. */
export interface History {
  /**
   * Whether the first commit is an ancestor of the second, or is it.
   * `unknown` if the clone cannot decide: a commit that is not there, or a history that is cut off.
   */
  isAncestor(ancestor: string, descendant: string): Promise<'yes' | 'no' | 'unknown'>;
  /**
   * Gets the commits that a shallow clone lacks, without trees and files; does nothing in a complete clone.
   * Throws `git-deepen-failed` (exit 3) with git's words.
   */
  deepen(): Promise<void>;
  /**
   * URL of the repository: of `origin`, else of the only remote, as `https://HOST/PATH` without credentials and
   * `.git`; undefined if there is none, or if it is a folder of this machine.
   */
  remoteUrl(): Promise<string | undefined>;
}

/** The port of an update to git's history. Implemented by `adapters/git`. */
export interface FileHistory {
  /**
   * The objects that a path relative to the root, and what it was renamed from, had in the history of HEAD, newest first.
   * Throws `git-failed` (exit 3).
   */
  pastObjects(path: string): Promise<readonly string[]>;
}
