import { Readable } from 'node:stream';
import { PrimitiveError } from '../core/errors.ts';

/** One request; a streamed body is opened here and nowhere else, so that the same request can be sent again. */
export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string | { readonly size: number; open(): AsyncIterable<Uint8Array> };
  /** More bytes than this in the response end it with `too-large`. */
  readonly maxBytes: number;
}

/** A whole response. */
export interface HttpResponse {
  readonly status: number;
  /** Lower-case names; a repeated header is joined by `, `. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** Why no response came: `certificate`, `protocol`, `proxy`, `redirect` and `too-large` are final, the others may pass. */
export type FailureKind =
  | 'certificate'
  | 'protocol'
  | 'proxy'
  | 'redirect'
  | 'too-large'
  | 'unreachable'
  | 'interrupted'
  | 'stalled';

/** A request that came to no whole response. The message is for people and holds no path and no query. */
export class TransportFailure extends Error {
  override readonly name = 'TransportFailure';
  readonly kind: FailureKind;

  constructor(kind: FailureKind, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.kind = kind;
  }
}

type Dispatcher = Pick<import('undici').Dispatcher, 'dispatch'>;
type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** What a transfer needs besides its request. */
export interface TransferContext {
  readonly dispatcher: Dispatcher;
  /** Milliseconds without a sign of life after which the transfer ends as `stalled`. */
  readonly stallTimeout: number;
  /** Receives for the time of the transfer what ends it, with the reason to reject with. */
  readonly running: Set<(reason: unknown) => void>;
}

/** So many times longer may a registry take to store what it has received whole, such as inside an object store. */
const STORE_PATIENCE = 5;

/** Sends one request on a connection of the dispatcher and collects the response, redirects and all. */
export function transfer(request: HttpRequest, context: TransferContext): Promise<HttpResponse> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let response: Omit<HttpResponse, 'body'> = { status: 0, headers: {} };
    let received = 0;
    let abort: ((reason: Error) => void) | undefined;
    let ended: { readonly reason: unknown } | undefined;

    const stop = (reason: unknown) => {
      ended ??= { reason };
      reject(ended.reason);
      abort?.(reason instanceof Error ? reason : new Error('aborted', { cause: reason }));
    };
    const stall = stallWatch(() => stop(new TransportFailure('stalled', 'nothing moved any more')));
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
        // The watch does it: undici's own timers run from second to second, and know less of what moves.
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
          response = { status, headers: flatten(headers) };
        },
        onResponseData(_controller, chunk) {
          stall.within(context.stallTimeout);
          received += chunk.length;
          if (received <= request.maxBytes) chunks.push(chunk);
          else stop(new TransportFailure('too-large', `the answer has more than ${request.maxBytes} bytes`));
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

/** `onTaken`: the connection has taken what was given so far, or (`last`) everything. */
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
  /** From now on, something must happen within so many milliseconds. */
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
const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'UND_ERR_CONNECT_TIMEOUT',
]);
const STALLED = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'ETIMEDOUT']);

/** What undici or Node reports, as a failure of ours; an error without a code is a bug and comes through as it is. */
export function explain(error: Error, host: string): unknown {
  if (error instanceof TransportFailure || error instanceof PrimitiveError) return error;
  const cause = error instanceof AggregateError ? (error.errors[0] ?? error) : error;
  const code = (cause as { code?: unknown }).code;
  if (typeof code !== 'string') return error;
  if (CERTIFICATE.test(code)) return new TransportFailure('certificate', certificateText(code), error);
  if (PROTOCOL.test(code))
    return new TransportFailure('protocol', 'the server does not speak TLS as expected', error);
  if (UNREACHABLE.has(code)) return new TransportFailure('unreachable', `${host}: ${code}`, error);
  if (STALLED.has(code)) return new TransportFailure('stalled', 'no answer in time', error);
  return new TransportFailure('interrupted', `the connection broke (${code})`, error);
}

function certificateText(code: string): string {
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return 'its certificate is for another host name';
  if (code === 'CERT_HAS_EXPIRED') return 'its certificate has expired';
  if (code === 'CERT_NOT_YET_VALID') return 'its certificate is not valid yet';
  if (code.includes('SELF_SIGNED')) return 'its certificate is self-signed or from an unknown authority';
  return `its certificate cannot be verified (${code})`;
}
