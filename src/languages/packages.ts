import type { ManifestMentions } from './mentions.ts';
import type { SourceTree } from './source-tree.ts';

export type Target =
  /** A file or folder of the repository, links resolved; it need not exist. */
  | { readonly type: 'path'; readonly path: string }
  /** A path that is not in the repository. */
  | { readonly type: 'outside' }
  /** A package of the language or from a registry: `node:fs`, `github.com/jackc/pgx/v5`. */
  | { readonly type: 'package'; readonly name: string; readonly known: Known; readonly manifest?: string }
  /** Only the running program knows. */
  | { readonly type: 'unknown' };

/** Knowledge about a package. */
export type Known =
  /** It comes with the language. */
  | 'standard'
  /** The manifest of the importing code names it. */
  | 'declared'
  /** Nothing names it; `manifest` is the file that would, if there is one. */
  | 'undeclared'
  /** Unknown until packages are installed, or without the tool that makes it. */
  | 'unresolved';

/** Finds what a specifier means; several targets where conditions decide between them. */
export type Resolve = (specifier: string) => readonly Target[];

/** Dependency of a package in its manifest. */
export interface Dependency {
  /** The manifest, relative to the root of the repository. */
  readonly path: string;
  /** From 1; 1 if it is not known. */
  readonly line: number;
  /** As imports would have it. */
  readonly specifier: string;
  readonly target: Target;
}

/** Resolver for one language in a repository. */
export interface Packages {
  /** Reads what decides the meaning of specifiers in a file, and in the files of its place or folder. */
  readonly resolverFor: (from: string) => Promise<Resolve>;
  /**
   * The same for two files in which a specifier means the same, where both are tests or none is. A specifier that begins
   * with a dot means the same in files of one folder.
   */
  readonly placeOf: (from: string) => string;
  /** Direct dependencies in manifests that lead into the repository or may be forbidden. */
  readonly dependencies: () => Promise<readonly Dependency[]>;
  /** What manifests of primitives name besides: it counts where it leads into another primitive. */
  readonly mentions: () => Promise<readonly ManifestMentions[]>;
}

/** Opens what a repository says of the packages of one language. */
export type OpenPackages = (repository: SourceTree, settings: PackageSettings) => Promise<Packages>;

export interface PackageSettings {
  /** Relative to the root of the repository. */
  readonly primitivesFolder: string;
  /** Whether a file is a test, by its path. */
  readonly isTest: (path: string) => boolean;
}
