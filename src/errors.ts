/** Process exit codes: 0 done; 1 findings or a component failed; 2 usage or refused before any effect; 3 a tool, the network or a credential failed; 70 a bug of ours; 130 SIGINT; 143 SIGTERM. */
export type ExitCode = 0 | 1 | 2 | 3 | 70 | 130 | 143;

/** What a {@link PrimitiveError} carries beyond its code and message. */
export interface ErrorDetails {
  /** Why it happened: the fact behind the message, one sentence. */
  readonly why?: string;
  /** What to do next, most likely first: commands or config lines that can be copied. */
  readonly suggestions?: readonly string[];
  /** Page that says more, relative to the project's documentation. */
  readonly docs?: string;
  /** Defaults to 2, a refusal before any effect. */
  readonly exit?: ExitCode;
  /** True where the same call may succeed later without a change by the caller. */
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
  readonly code: string;
  readonly why: string | undefined;
  readonly suggestions: readonly string[];
  readonly docs: string | undefined;
  readonly exit: ExitCode;
  readonly retryable: boolean;

  constructor(code: string, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.why = details.why;
    this.suggestions = details.suggestions ?? [];
    this.docs = details.docs;
    this.exit = details.exit ?? 2;
    this.retryable = details.retryable ?? false;
  }
}
