import { type Code, type ErrorDetails, PrimitiveError } from './errors.ts';
import { byCodeUnit } from './order.ts';

/** How much a finding matters: an `error` fails a check or refuses an action, a `warning` is reported, an `info` explains. */
export type FindingLevel = 'error' | 'warning' | 'info';

/** Something that is wrong with a file, a setting or a machine, as data: who reports it decides what follows from it. */
export interface Finding {
  /** Stable id: a rule of `verify` (`IMP-002`) or a kebab-case code (`config-unknown-key`). */
  readonly rule: Code;
  readonly level: FindingLevel;
  /** The problem, one sentence that begins with the thing. */
  readonly message: string;
  /** Relative to the root of the repository, with `/`. */
  readonly path?: string;
  /** From 1. */
  readonly line?: number;
  /** From 1, in UTF-16 code units. */
  readonly column?: number;
  readonly fix?: string;
}

type Placed = Pick<Finding, 'rule' | 'message' | 'path' | 'line' | 'column'>;

/** `path:line:column: message`, as far as the place is known. */
export function findingText({ path, line, column, message }: Placed): string {
  const place = [path, line, column].filter((part) => part !== undefined).join(':');
  return place === '' ? message : `${place}: ${message}`;
}

/** The order of findings in every output: by path, place, rule, then message; by code unit. */
export function compareFindings(a: Placed, b: Placed): number {
  return (
    byCodeUnit(a.path ?? '', b.path ?? '') ||
    (a.line ?? 0) - (b.line ?? 0) ||
    (a.column ?? 0) - (b.column ?? 0) ||
    byCodeUnit(a.rule, b.rule) ||
    byCodeUnit(a.message, b.message)
  );
}

/** Findings that are listed in full in an error; the rest is counted. */
export const LISTED = 20;

/** An error that was made from findings, and keeps them. */
export class Refusal extends PrimitiveError {
  /** In order. */
  readonly findings: readonly Finding[];

  constructor(code: Code, message: string, findings: readonly Finding[], details: ErrorDetails) {
    super(code, message, details);
    this.findings = findings;
  }
}

/**
 * The error that refuses an action because of findings: `code` and `message` say what is refused, `why` lists the
 * findings in order, the suggestions are their fixes. Without a `message` the first finding is it and `why` lists the
 * others. Exit code 2 unless `details` says otherwise.
 */
export function refusal(
  code: Code,
  message: string | undefined,
  findings: readonly Finding[],
  details: Pick<ErrorDetails, 'suggestions' | 'exit' | 'cause'> = {},
): Refusal {
  const sorted = [...findings].sort(compareFindings);
  // A parser may report one place many times.
  const lines = [...new Set(sorted.map(findingText))];
  const listed = message === undefined ? lines.slice(1) : lines;
  const shown = listed.slice(0, LISTED);
  if (listed.length > LISTED) shown.push(`and ${listed.length - LISTED} more`);
  const fixes = sorted.flatMap(({ fix }) => (fix === undefined ? [] : [fix]));
  return new Refusal(code, message ?? lines[0] ?? code, sorted, {
    ...details,
    ...(shown.length > 0 ? { why: shown.join('\n') } : {}),
    suggestions: [...new Set([...fixes.slice(0, LISTED), ...(details.suggestions ?? [])])],
  });
}
