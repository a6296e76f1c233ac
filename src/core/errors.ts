import type codes from './codes.json';

/**
 * Process exit codes: 0 done; 1 findings or a component failed; 2 usage or refused before any effect; 3 a tool, the
 * network or a credential failed; 70 a bug of ours; 130 SIGINT; 143 SIGTERM.
 */
export const EXIT_CODES = [0, 1, 2, 3, 70, 130, 143] as const;

export type ExitCode = (typeof EXIT_CODES)[number];

/** A code with a section in docs/errors.md, from which `npm run generate` writes the list. */
export type DocumentedCode = keyof typeof codes;

/**
 * A stable id of an error, warning or finding: one that docs/errors.md explains, a rule of `verify` (`IMP-002`), or one of
 * a plugin, behind its name. `primitive explain` takes each.
 */
export type Code = DocumentedCode | RuleId | `${string}/${string}`;

/** An id of a rule: `IMP-002`. */
type RuleId = `${Uppercase<string>}-${string}`;

/** The rest of the documented codes that begin with a word: `CodeAfter<'kit'>` has `newer`, of `kit-newer`. */
export type CodeAfter<Word extends string> = Suffix<DocumentedCode, Word>;
type Suffix<C, Word extends string> = C extends `${Word}-${infer Rest}` ? Rest : never;

/** Details of a {@link PrimitiveError} besides code and message. */
export interface ErrorDetails {
  /** Why it happened: the fact behind the message, one sentence. */
  readonly why?: string;
  /** The end of what a program wrote before it failed, line by line. */
  readonly log?: string;
  /** Next steps, most likely first: commands or config lines that can be copied. */
  readonly suggestions?: readonly string[];
  /** Defaults to 2, a refusal before any effect. */
  readonly exit?: ExitCode;
  /** True if the same call may succeed later without a change by the caller. */
  readonly retryable?: boolean;
  readonly cause?: unknown;
}

/**
 * The one error that users see (contract `primitive.error/v1`).
 *
 * `code` is stable, kebab-case and names the thing first: `config-unknown-key`, `registry-unauthorized`.
 * No field may hold a secret: all of them are printed.
 */
export class PrimitiveError extends Error {
  override readonly name = 'PrimitiveError';
  readonly code: Code;
  readonly why: string | undefined;
  readonly log: string | undefined;
  readonly suggestions: readonly string[];
  readonly exit: ExitCode;
  readonly retryable: boolean;
  /** Whether `primitive explain` takes its code; a plugin has codes of its own. */
  readonly documented: boolean = true;

  constructor(code: Code, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.why = details.why;
    this.log = details.log;
    this.suggestions = details.suggestions ?? [];
    this.exit = details.exit ?? 2;
    this.retryable = details.retryable ?? false;
  }
}

const FREE_SPACE = 'Free space, or set TMPDIR to a larger disk.';

/** Advice if the output of a program has the text of ENOSPC or EDQUOT. */
export function diskFullAdvice(output: string): string | undefined {
  return /no space left on device|disk quota exceeded/i.test(output) ? FREE_SPACE : undefined;
}

/** `disk-full` (exit 3); `what` completes "Cannot …". */
export function diskFull(what: string, why: string, cause?: unknown): PrimitiveError {
  return new PrimitiveError('disk-full', `Cannot ${what}: no space left.`, {
    why,
    suggestions: [FREE_SPACE],
    exit: 3,
    retryable: true,
    cause,
  });
}

/** `disk-full` if a system error says so; undefined for any other error. */
export function diskFullError(thrown: unknown, what?: string): PrimitiveError | undefined {
  if (!(thrown instanceof Error) || !('code' in thrown)) return undefined;
  if (thrown.code !== 'ENOSPC' && thrown.code !== 'EDQUOT') return undefined;
  const path = 'path' in thrown && typeof thrown.path === 'string' ? thrown.path : 'a file';
  return diskFull(what ?? `write ${path}`, thrown.message, thrown);
}

const REPORT = 'https://github.com/ameideio/primitive/issues';

/** Anything thrown, as a PrimitiveError: what is none is a bug of ours, `internal-error` (exit 70). */
export function toPrimitiveError(thrown: unknown): PrimitiveError {
  if (thrown instanceof PrimitiveError) return thrown;
  const full = diskFullError(thrown);
  if (full) return full;
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  return new PrimitiveError('internal-error', `Internal error: ${error.message}`, {
    why: `This is a bug in primitive (${error.name}${placeOf(error)}).`,
    suggestions: [
      `Report the command line and this message: ${REPORT}`,
      'To print the stack, run the same command with PRIMITIVE_DEBUG=1.',
    ],
    exit: 70,
    cause: thrown,
  });
}

/** The last part of a path with line and column, at the end but for a parenthesis. */
const FRAME = /(?<![^/\\(])[^/\\(]+:\d+:\d+(?=\)?$)/;

/** ` at file.js:12:3`: the innermost frame, without the folder it is installed in. */
function placeOf(error: Error): string {
  const lines = (error.stack ?? '').split('\n').map((line) => line.trim());
  const [frame] = lines.flatMap((line) => (line.startsWith('at ') ? (FRAME.exec(line.slice(3)) ?? []) : []));
  return frame === undefined ? '' : ` at ${frame}`;
}

/** Message and reason on one line; a fragment may begin with the name of a program. */
export function errorLine({ message, why }: PrimitiveError): string {
  if (why === undefined) return message;
  const sentences = message.endsWith('.') && /^\p{Lu}/u.test(why);
  return sentences ? `${message} ${why}` : `${message.replace(/\.$/, '')}: ${why}`;
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
