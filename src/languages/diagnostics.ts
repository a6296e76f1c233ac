import { relative, resolve, sep } from 'node:path';
import { record } from '../core/json.ts';
import type { Ran } from './runner.ts';
import type { Files } from './source-tree.ts';
import { type RunnerOutput, type TestCase, tail } from './test-case.ts';

/** Message of a compiler or linter about a place. */
export interface Diagnostic {
  /** Relative to the root of the repository; undefined if it is of no file. */
  readonly path?: string;
  readonly line?: number;
  readonly column?: number;
  /** `TS2322`, `F401`, `reportUnusedImport`. */
  readonly code: string;
  /** As the tool has it; the first line is reported. */
  readonly text: string;
}

/** The diagnostics of a run as cases that failed, and the files without one as cases that passed. */
export function casesOf(
  tool: string,
  files: readonly string[],
  found: readonly Diagnostic[],
  what = 'its settings',
): readonly TestCase[] {
  const broken = new Set(found.map(({ path }) => path));
  const passed = files
    .filter((file) => !broken.has(file))
    .map((file): TestCase => ({ id: file, group: tool, outcome: 'passed', output: '', path: file }));
  const failed = found.map(({ code, text, ...place }): TestCase => {
    const [first = ''] = text.split('\n');
    return {
      id: code,
      group: place.path ?? tool,
      outcome: 'compile',
      message: `${first.slice(0, 500).replace(/[.\s]{1,20}$/, '')} (${code}).`,
      output: tail(text),
      ...place,
    };
  });
  if (passed.length + failed.length > 0) return [...passed, ...failed];
  return [{ id: what, group: tool, outcome: 'passed', output: '' }];
}

/** The reason why a checker has no report. */
export function crashed(
  tool: string,
  { exitCode, timedOut, stdout, stderr }: RunnerOutput & { stdout: string },
): Ran {
  if (timedOut) return { cases: [{ id: tool, group: '', outcome: 'timeout', output: stderr }] };
  const [line] = `${stderr}\n${stdout}`.split('\n').filter((text) => text.trim() !== '');
  return {
    cause: 'tool-failed',
    why: `${tool} ended with exit code ${exitCode}: ${line?.trim() ?? 'it printed no message'}`,
  };
}

export type OwnPath = (absolute: string) => string | undefined;

/** The path of a file relative to the root of the repository; undefined for one outside, or of a package. */
export function ownPath({ root }: Pick<Files, 'root'>): OwnPath {
  return (absolute) => {
    const path = relative(root, absolute).split(sep).join('/');
    return path === '' || path.startsWith('../') || resolve(root, path) !== resolve(absolute)
      ? undefined
      : path;
  };
}

export function placed(path: string | undefined, line: number, column: number) {
  return path === undefined ? {} : { path, line, column };
}

export function list(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.map(record) : [];
}
