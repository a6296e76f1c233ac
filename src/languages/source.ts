import type { Mention } from './mentions.ts';

/** An import as it is written. */
export interface SourceImport {
  /** `../orders`, `github.com/acme/app`, `.models`; undefined where only the running program knows it. */
  readonly specifier: string | undefined;
  /** Python: what `from specifier import …` names; each may be a module. */
  readonly names?: readonly string[];
  /** Nothing is loaded at run time: `import type`, `if TYPE_CHECKING`. */
  readonly typeOnly: boolean;
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 code units. */
  readonly column: number;
}

/** The imports of a file, in their order; none with a `fault`, which says why they cannot be read. */
export interface ParsedSource {
  readonly imports: readonly SourceImport[];
  /** Names and paths in texts; missing if there are none. */
  readonly mentions?: readonly Mention[];
  readonly fault?: SyntaxFault;
}

/** Why a file cannot be parsed: a clause such as `it is nested too deeply`. */
export interface SyntaxFault {
  readonly message: string;
  readonly line?: number;
  readonly column?: number;
}
