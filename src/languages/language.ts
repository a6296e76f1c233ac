/** What commands know of a language: data and small pure functions. `all.ts` lists the languages. */
export interface Language {
  /** Files of code, by their path. */
  readonly code: RegExp;
  /** Tests and what helps them, by the conventions of its test runners; by their path. */
  readonly tests: RegExp;
  /** What its package manager has put there, by the path of a file or folder. */
  readonly installed: RegExp;
}
