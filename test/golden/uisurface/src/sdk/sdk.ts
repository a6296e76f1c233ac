/** Who asks: what a request says about its caller goes along to every service behind this surface. */
export interface Caller {
  readonly authorization: string | undefined;
  readonly traceparent: string | undefined;
  /** Aborts when the browser has gone. */
  readonly signal: AbortSignal;
}

/** Something that the home page lists. */
export interface Item {
  readonly id: string;
  readonly title: string;
}

/** All that this surface asks of the services behind it. Pages know this interface and nothing beneath it. */
export interface Sdk {
  /** In the order to show them. Throws SdkError. */
  listItems(caller: Caller): Promise<readonly Item[]>;
  /** Ends connections; nothing may be asked afterwards. */
  close(): Promise<void>;
}

/** A service behind this surface did not answer as it should; the cause is for the log only. */
export class SdkError extends Error {
  override readonly name = 'SdkError';
}
