/** The caller and the trace of a request, which are sent with each call to a service. */
export interface Caller {
  readonly tenant: string;
  readonly subject: string | undefined;
  readonly traceparent: string;
  readonly tracestate: string | undefined;
  /** Aborts if the client disconnects or the page times out. */
  readonly signal: AbortSignal;
}

/** A service failed or returned an unexpected response; the cause is only logged. */
export class SdkError extends Error {
  override readonly name = 'SdkError';
}

/** The caller is not signed in; the cause is only logged. */
export class SignInError extends Error {
  override readonly name = 'SignInError';
}

/** A service denied access; the cause is only logged. */
export class DeniedError extends Error {
  override readonly name = 'DeniedError';
}

/** A service rejected the input; the cause is only logged. */
export class InputError extends Error {
  override readonly name = 'InputError';
}

/** The tenant has nothing with that id. */
export class NotFoundError extends Error {
  override readonly name = 'NotFoundError';
}

/** The input conflicts with what is saved. */
export class ConflictError extends Error {
  override readonly name = 'ConflictError';
}
