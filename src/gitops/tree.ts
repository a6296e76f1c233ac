/** Files of a GitOps repository at one moment: in the work tree, or in a commit. */
export interface GitopsTree {
  /** Paths of all files, relative to the root, sorted; links and submodules are not files. */
  list(): Promise<readonly string[]>;
  /** Texts of files by path; what is missing, or not a file, is absent. */
  read(paths: readonly string[]): Promise<ReadonlyMap<string, string>>;
}

/** A GitOps repository. Implemented by `adapters/gitops-repository.ts`. */
export interface GitopsRepository {
  /** Absolute. */
  readonly root: string;
  /** The work tree: files that git tracks or would track. */
  readonly workTree: GitopsTree;
  /**
   * The commit that a revision names. Throws `revision-unknown` (exit 2), and `revision-shallow` (exit 2) if `history` is
   * asked for and the clone is shallow: what is missing there would be taken for what never was.
   */
  commit(revision: string, needs?: 'history'): Promise<string>;
  at(commit: string): GitopsTree;
  /** The commit that two histories have in common. Throws `revision-unrelated` (exit 2). */
  mergeBase(a: string, b: string): Promise<string>;
  /**
   * Each text that a file has had on the branch up to a commit, newest first: its states along the first parents, so
   * what a pull request held before it was merged does not count.
   */
  pastTexts(commit: string, path: string): Promise<readonly string[]>;
}
