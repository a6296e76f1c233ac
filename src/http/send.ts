import { Readable } from 'node:stream';
import { PrimitiveError } from '../core/errors.ts';

/** One request. A streamed body is opened by `sendRequest` alone, so that the same request can be sent again. */
export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string | { readonly size: number; open(): AsyncIterable<Uint8Array> };
  /** A longer response body is refused as `too-large`. */
  readonly maxBytes: number;
}

export interface HttpResponse {
  /** URL of the response: after redirects not that of the request. */
  readonly url: URL;
  readonly status: number;
  /** Lower-case names; a repeated header is joined by `, `. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** Why no response came. The first five are final; the others may pass by themselves. */
export type RequestErrorKind =
  | 'certificate'
  | 'protocol'
  | 'proxy'
  | 'redirect'
  | 'too-large'
  | 'unknown-host'
  | 'unreachable'
  | 'interrupted'
  | 'stalled';

/** A request without a whole response. The message names no host, no path and no query. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  readonly kind: RequestErrorKind;
  /** The host that was asked last: after a redirect not the one of the request. */
  readonly host: string | undefined;

  constructor(
    kind: RequestErrorKind,
    message: string,
    { host, cause }: { readonly host?: string; readonly cause?: unknown } = {},
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.kind = kind;
    this.host = host;
  }
}

type Dispatcher = Pick<import('undici').Dispatcher, 'dispatch'>;
type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** Settings of `sendRequest`. */
export interface SendContext {
  readonly dispatcher: Dispatcher;
  /** Milliseconds without any progress after which the request ends as `stalled`. */
  readonly stallTimeout: number;
  /** Holds, while the request runs, the function that aborts it; its argument is the reason to reject with. */
  readonly running: Set<(reason: unknown) => void>;
}

/** A server may take this many times longer to answer once it has the whole body, which it first has to store. */
const STORE_PATIENCE = 5;

/** Sends one request on a connection of the dispatcher and collects the response; follows no redirect. */
export function sendRequest(request: HttpRequest, context: SendContext): Promise<HttpResponse> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let response: Omit<HttpResponse, 'body'> = { url: request.url, status: 0, headers: {} };
    let received = 0;
    let abort: ((reason: Error) => void) | undefined;
    let ended: { readonly reason: unknown } | undefined;

    const stop = (reason: unknown) => {
      ended ??= { reason };
      reject(ended.reason);
      abort?.(reason instanceof Error ? reason : new Error('aborted', { cause: reason }));
    };
    const stall = stallWatch(() => stop(new RequestError('stalled', 'no data came in time')));
    const settle = () => {
      stall.end();
      context.running.delete(stop);
    };
    context.running.add(stop);

    const body = openBody(request.body, (last) =>
      stall.within(context.stallTimeout * (last ? STORE_PATIENCE : 1)),
    );
    context.dispatcher.dispatch(
      {
        origin: request.url.origin,
        path: request.url.pathname + request.url.search,
        method: request.method,
        headers:
          body === undefined ? request.headers : { ...request.headers, 'content-length': String(body.size) },
        body: body?.content ?? null,
        // Otherwise undici ends the connection after every HEAD, and the next request waits for another handshake.
        reset: false,
        // The stall watch does it: undici's timers are coarse and do not count what is sent.
        headersTimeout: 0,
        bodyTimeout: 0,
      },
      {
        onRequestStart(controller) {
          abort = (reason) => controller.abort(reason);
          if (ended !== undefined) stop(ended.reason);
          else stall.within(context.stallTimeout);
        },
        onResponseStart(_controller, status, headers) {
          if (status < 200) return;
          stall.within(context.stallTimeout);
          response = { url: request.url, status, headers: flatten(headers) };
        },
        onResponseData(_controller, chunk) {
          stall.within(context.stallTimeout);
          received += chunk.length;
          if (received <= request.maxBytes) chunks.push(chunk);
          else stop(new RequestError('too-large', `the response has more than ${request.maxBytes} bytes`));
        },
        onResponseEnd() {
          settle();
          resolve({
            ...response,
            body: chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks),
          });
        },
        onResponseError(_controller, error) {
          settle();
          reject(explain(error, request.url.host));
        },
      },
    );
  });
}

interface OpenBody {
  readonly content: Uint8Array | string | Readable;
  readonly size: number;
}

/** `onTaken`: the connection has taken what it was given so far, or (`last`) the whole body. */
function openBody(body: HttpRequest['body'], onTaken: (last: boolean) => void): OpenBody | undefined {
  if (body === undefined) return undefined;
  if (typeof body === 'string') return { content: body, size: Buffer.byteLength(body) };
  if (body instanceof Uint8Array) return { content: body, size: body.length };
  async function* taken(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      onTaken(false);
      yield chunk;
    }
    onTaken(true);
  }
  return { content: Readable.from(taken(body.open())), size: body.size };
}

interface StallWatch {
  /** Restarts the timer. */
  within(milliseconds: number): void;
  end(): void;
}

function stallWatch(onStall: () => void): StallWatch {
  let timer: NodeJS.Timeout | undefined;
  let current = 0;
  let over = false;
  return {
    within(milliseconds) {
      if (over) return;
      if (timer !== undefined && milliseconds === current) {
        timer.refresh();
        return;
      }
      clearTimeout(timer);
      current = milliseconds;
      timer = setTimeout(onStall, milliseconds);
    },
    end() {
      over = true;
      clearTimeout(timer);
    },
  };
}

function flatten(headers: Headers): Readonly<Record<string, string>> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) flat[name] = typeof value === 'string' ? value : value.join(', ');
  }
  return flat;
}

const CERTIFICATE =
  /^(?:CERT_|ERR_TLS_CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_(?:VERIFY|GET_ISSUER|GET_CRL|DECODE|DECRYPT))|HOSTNAME_MISMATCH/;
const PROTOCOL = /^(?:ERR_SSL_|EPROTO)/;
const UNREACHABLE: ReadonlyMap<string, string> = new Map([
  ['ECONNREFUSED', 'connection refused'],
  ['EAI_AGAIN', 'the DNS server did not answer'],
  ['EHOSTUNREACH', 'no route to the host'],
  ['ENETUNREACH', 'no route to the network'],
  ['EADDRNOTAVAIL', 'no local port is free'],
  ['UND_ERR_CONNECT_TIMEOUT', 'the connection timed out'],
]);
const STALLED = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'ETIMEDOUT']);

/** An error of undici or Node as a {@link RequestError}; one without a code is a bug and is returned as it is. */
export function explain(error: Error, host: string): unknown {
  if (error instanceof RequestError || error instanceof PrimitiveError) return error;
  const cause = error instanceof AggregateError ? (error.errors[0] ?? error) : error;
  const code = (cause as { code?: unknown }).code;
  if (typeof code !== 'string') return error;
  const failed = (kind: RequestErrorKind, message: string) =>
    new RequestError(kind, message, { host, cause: error });
  if (CERTIFICATE.test(code)) return failed('certificate', certificateText(code));
  if (PROTOCOL.test(code)) return failed('protocol', 'the server does not speak TLS as expected');
  if (code === 'ENOTFOUND') return failed('unknown-host', 'the host name has no address (ENOTFOUND)');
  const unreachable = UNREACHABLE.get(code);
  if (unreachable !== undefined) return failed('unreachable', `${unreachable} (${code})`);
  if (STALLED.has(code)) return failed('stalled', 'no response in time');
  return failed('interrupted', `the connection broke (${code})`);
}

function certificateText(code: string): string {
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return 'its certificate is for another host name';
  if (code === 'CERT_HAS_EXPIRED') return 'its certificate has expired';
  if (code === 'CERT_NOT_YET_VALID') return 'its certificate is not valid yet';
  if (code.includes('SELF_SIGNED')) return 'its certificate is self-signed or from an unknown authority';
  return `its certificate cannot be verified (${code})`;
}
