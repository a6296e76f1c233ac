/** What an import leads to. */
export type Target =
  /** A file or folder of the repository, links resolved; it need not exist. */
  | { readonly type: 'path'; readonly path: string }
  /** A path that is not in the repository. */
  | { readonly type: 'outside' }
  /** A package of the language or from a registry: `node:fs`, `github.com/jackc/pgx/v5`. */
  | { readonly type: 'package'; readonly name: string }
  /** Only the running program knows. */
  | { readonly type: 'unknown' };

/** Finds what a specifier of a language means in a file; several targets where conditions decide between them. */
export type Resolver = (specifier: string, from: string) => Promise<readonly Target[]>;
