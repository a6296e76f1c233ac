/** Who asks, and as part of which trace: this goes along with each call to a service behind this surface. */
export interface Caller {
  readonly tenant: string;
  readonly subject: string | undefined;
  readonly traceparent: string;
  readonly tracestate: string | undefined;
  /** Aborts when the browser has gone, or the time for its page is over. */
  readonly signal: AbortSignal;
}

/** What the home page shows of one of the orders. */
export interface Row {
  readonly id: string;
  readonly title: string;
}

/** A part of the orders, in the order to show them. */
export interface Rows {
  readonly rows: readonly Row[];
  /** What the rest comes after; undefined at the end. */
  readonly next: string | undefined;
}

/** What a person enters for a new order. */
export interface Draft {
  /** The same when the form is sent again, so that it makes one order. */
  readonly requestId: string;
  readonly title: string;
}

/** All that this surface asks of the services behind it. Pages know this interface and nothing beneath it. */
export interface Sdk {
  /** The first part, or the one after a `next`. Throws SdkError, SignInError, DeniedError or InputError. */
  listOrders(caller: Caller, after?: string): Promise<Rows>;
  /** It may take a moment until `listOrders` knows of it. Throws as `listOrders` does. */
  createOrder(caller: Caller, draft: Draft): Promise<void>;
  /** Ends connections; nothing may be asked afterwards. */
  close(): Promise<void>;
}

/** A service behind this surface did not answer as it should; the cause is for the log only. */
export class SdkError extends Error {
  override readonly name = 'SdkError';
}

/** It is not known who asks; the cause is for the log only. */
export class SignInError extends Error {
  override readonly name = 'SignInError';
}

/** A service behind this surface does not let the caller do this; the cause is for the log only. */
export class DeniedError extends Error {
  override readonly name = 'DeniedError';
}

/** A service behind this surface does not take what was entered; the cause is for the log only. */
export class InputError extends Error {
  override readonly name = 'InputError';
}
