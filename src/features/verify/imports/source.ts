/** Languages whose imports are read. */
export type Language = 'go' | 'ts' | 'python';

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
  readonly fault?: SyntaxFault;
}

/** Why a file cannot be parsed: a clause such as `it is nested too deeply`. */
export interface SyntaxFault {
  readonly message: string;
  readonly line?: number;
  readonly column?: number;
}

/** A file of code. */
export interface Source extends ParsedSource {
  readonly language: Language;
}

const EXTENSIONS: readonly (readonly [RegExp, Language])[] = [
  [/\.go$/, 'go'],
  [/\.[cm]?[jt]sx?$/, 'ts'],
  [/\.pyi?$/, 'python'],
];

/** Code that a package manager has put there: what it imports is not ours to say. */
const INSTALLED = /(?:^|\/)(?:node_modules|\.venv|site-packages)\/|\.go\/$(?<=(?:^|\/)vendor\/.*)/;

/** Whether a file or folder is what a package manager has put there, by its path. */
export function isInstalled(path: string): boolean {
  return INSTALLED.test(`${path}/`);
}

/** The language of a file, by its path; undefined for what has no imports to judge. */
export function languageOf(path: string): Language | undefined {
  if (isInstalled(path)) return undefined;
  return EXTENSIONS.find(([pattern]) => pattern.test(path))?.[1];
}

const TESTS: Readonly<Record<Language, RegExp>> = {
  go: /_test\.go$/,
  ts: /(?:^|\/)(?:tests?|__tests__)\/|\.(?:test|spec)\.[cm]?[jt]sx?$/,
  python: /(?:^|\/)(?:tests?|integration)\/|(?:^|\/)(?:test_[^/]*|[^/]*_test|conftest)\.py$/,
};

/** Whether a file, by its path in the primitive, is a test or helps tests. */
export function isTest(path: string, language: Language): boolean {
  return TESTS[language].test(path);
}
