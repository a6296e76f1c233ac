import type { TestReader } from './declared-test.ts';
import type { Managers } from './package-manager.ts';
import type { OpenPackages } from './packages.ts';
import type { SuiteRunner } from './runner.ts';
import type { ParsedSource } from './source.ts';

/** Functions of `verify` for the suites of a language; loaded when it is needed. */
export interface SuiteToolkit<Runners extends string, Program extends string> extends Managers<Program> {
  readonly runners: Readonly<Record<Runners, SuiteRunner>>;
}

/** Functions of `verify` for the code of a language, too. */
export interface Toolkit<Runners extends string, Program extends string>
  extends SuiteToolkit<Runners, Program> {
  /** The imports of a file. */
  readonly parse: (path: string, text: string) => Promise<ParsedSource>;
  /** Meaning of imports. */
  readonly packages: OpenPackages;
  readonly tests: TestReader;
}
