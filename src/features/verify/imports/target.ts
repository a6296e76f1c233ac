/** What an import leads to. */
export type Target =
  /** A file or folder of the repository, links resolved; it need not exist. */
  | { readonly type: 'path'; readonly path: string }
  /** A path that is not in the repository. */
  | { readonly type: 'outside' }
  /** A package of the language or from a registry: `node:fs`, `github.com/jackc/pgx/v5`. */
  | { readonly type: 'package'; readonly name: string; readonly known: Known; readonly manifest?: string }
  /** Only the running program knows. */
  | { readonly type: 'unknown' };

/** What is known of a package. */
export type Known =
  /** It comes with the language. */
  | 'standard'
  /** The manifest of the importing code names it. */
  | 'declared'
  /** Nothing names it; `manifest` is the file that would, where there is one. */
  | 'undeclared'
  /** What it is cannot be said without what is installed, or without the tool that makes it. */
  | 'unresolved';

/** Finds what a specifier of a language means in a file; several targets where conditions decide between them. */
export type Resolver = (specifier: string, from: string) => Promise<readonly Target[]>;

/** What a manifest says that a package depends on. */
export interface Dependency {
  /** The manifest, relative to the root of the repository. */
  readonly path: string;
  /** From 1; 1 where it is not known. */
  readonly line: number;
  /** As imports would have it. */
  readonly specifier: string;
  readonly target: Target;
}

/** What is known of a language's code in a repository. */
export interface Packages {
  readonly resolve: Resolver;
  /** What the manifests name that leads into the repository or may be forbidden; not what others of these need. */
  readonly dependencies: () => Promise<readonly Dependency[]>;
}
