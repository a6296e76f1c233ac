/** Who asks, and as part of which trace: this goes along with each call to a service behind this surface. */
export interface Caller {
  readonly tenant: string;
  readonly subject: string | undefined;
  readonly traceparent: string;
  readonly tracestate: string | undefined;
  /** Aborts when the browser has gone, or the time for its page is over. */
  readonly signal: AbortSignal;
}

/** Something that the home page lists. */
export interface Item {
  readonly id: string;
  readonly title: string;
}

/** What a person asks for with the form. */
export interface NewItem {
  /** The same when the form is sent again, so that it makes one item. */
  readonly requestId: string;
  readonly title: string;
}

/** All that this surface asks of the services behind it. Pages know this interface and nothing beneath it. */
export interface Sdk {
  /** In the order to show them. Throws SdkError, SignInError or DeniedError. */
  listItems(caller: Caller): Promise<readonly Item[]>;
  /** It may take a moment until `listItems` knows of it. Throws as `listItems` does. */
  createItem(caller: Caller, item: NewItem): Promise<void>;
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
