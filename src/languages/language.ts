import type { TObject } from 'typebox';
import type { ProgramSpec } from '../core/program.ts';
import type { SuiteToolkit, Toolkit } from './toolkit.ts';

/** A language whose suites are run. `all.ts` lists the languages. */
export interface Tested {
  /** Programs that test or check a primitive, as suites of `kind.yaml` name them. */
  readonly runners: Readonly<Record<string, Runner>>;
  /** Programs that its suites need, by file name. */
  readonly programs: Readonly<Record<string, ProgramSpec>>;
  toolkit(): Promise<SuiteToolkit<string, string>>;
}

/** A language whose code is read, too: data and small pure functions. */
export interface Language extends Tested {
  /** Files of code, by their path. */
  readonly code: RegExp;
  /** Files with code that its toolchain takes in, and of which imports are not read; by their path. */
  readonly embedding: RegExp;
  /** Tests and what helps them, by the conventions of its test runners; by their path. */
  readonly tests: RegExp;
  /** Whether its package manager created a file or folder, by path. */
  readonly installed: RegExp;
  /** The file in the root of a package that says what it is called. */
  readonly manifest: string;
  /** Its entry below `languages` in the config: how code is named. */
  readonly entry: TObject;
  /** Output of generators of buf and protoc, by path. */
  readonly generated: RegExp;
  /** The separator of the names of an import path. */
  readonly separator: '/' | '.';
  /** Specifiers of proto files, where code imports these. */
  readonly protoFiles?: RegExp;
  /** Whether an import names a folder, with all files in it and none below. */
  readonly importsFolders?: true;
  /** The one name of a module that has several. */
  readonly canonical?: (module: string) => string;
  /**
   * Drivers and clients of databases, caches, search engines and brokers, object mappers, and clients of clouds, with all
   * that is below each: what `imports.infra` is if the config has no list of its own.
   *
   * They are the libraries of that sort that tracing instruments, and what these lists lack:
   * - OpenTelemetry: `data/registry` of opentelemetry.io dd5997c, opentelemetry-python-contrib 466ae4c and
   *   opentelemetry-js-contrib fd4d8ae, of 2026-08-22 (Apache-2.0)
   * - Datadog: integrations of dd-trace-go a4bdff1, dd-trace-js 5735ffe and dd-trace-py 3bb9ecd, of 2026-08-21 (Apache-2.0)
   */
  readonly infrastructure: readonly string[];
  /** Kind of entries of its list in `imports.sdk`: `npm packages`, `Package name`. */
  readonly sdk: readonly [packages: string, item: string];
  /** The command that runs the tests of a new primitive. */
  readonly testCommand: string;
  /** The entry for a repository without a config; `manifest` is the text of the one in its root. */
  guessEntry(owner: CodeOwner, manifest?: string): Readonly<Record<string, string>>;
  /** Names of a primitive in code. The kind is in each name, so that none meets another. */
  packageNames(entry: Readonly<Record<string, string>>, primitive: PrimitiveName): object;
  /** Why no primitive can have a name, as half a sentence; undefined if one can. All names are in lower case. */
  nameFault(name: string): string | undefined;
  toolkit(): Promise<Toolkit<string, string>>;
}

/** A program that a suite of a kind may name. */
export interface Runner {
  /** Checks code without running it, as a compiler or linter does. */
  readonly checks?: true;
  /**
   * Flags that select tests or configure the run. All others are rejected, since many start a program, load a module or
   * read a config: `-exec`, `-toolexec`, `--import`, `-p`, `--config`.
   */
  readonly flags: RegExp;
}

/** Flags of a runner whose settings are in files of the primitive. */
export const NO_FLAGS = /(?!)/;

/** Whose code it is. */
export interface CodeOwner {
  /** `github.com/acme/app`, without a port. */
  readonly repository: string;
  /** `acme-apps` */
  readonly name: string;
  /** `acme_apps` */
  readonly identifier: string;
}

export interface PrimitiveName {
  readonly kind: string;
  /** `order-lines` */
  readonly name: string;
}

/**
 * Refuses the words of a text as names, because they cannot be one alone.
 *
 * Only keywords, and folders that tools treat specially: predeclared identifiers and modules of a standard library are
 * fine, because each word that is made of a name has a prefix or suffix (`acme_agent_email`, `stringv1`).
 */
export function reservedWords(language: string, text: string): Language['nameFault'] {
  const words = new Set(text.split(/\s+/));
  return (name) => (words.has(name) ? `is a word that ${language} reserves` : undefined);
}
