/** Who asks: this goes along with each call to a service behind this surface. */
export interface Caller {
  readonly authorization: string | undefined;
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

/** All that this surface asks of the services behind it. Pages know this interface and nothing beneath it. */
export interface Sdk {
  /** In the order to show them. Throws SdkError, or DeniedError. */
  listItems(caller: Caller): Promise<readonly Item[]>;
  /** Ends connections; nothing may be asked afterwards. */
  close(): Promise<void>;
}

/** A service behind this surface did not answer as it should; the cause is for the log only. */
export class SdkError extends Error {
  override readonly name = 'SdkError';
}

/** A service behind this surface does not let the caller do this; the cause is for the log only. */
export class DeniedError extends Error {
  override readonly name = 'DeniedError';
}
