import { readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { PrimitiveError } from '../errors.ts';
import { isLoopbackHost } from './reference.ts';

/** How connections are made. */
export interface TransportOptions {
  /** PEM file of certificate authorities that are trusted besides the usual ones. */
  readonly caFile?: string;
  /** Values of HTTP_PROXY, HTTPS_PROXY and NO_PROXY. Loopback hosts are never proxied. */
  readonly proxy?: { readonly http?: string; readonly https?: string; readonly no?: string };
  /** Connections, and so requests under way, per host. */
  readonly concurrency: number;
  /** Milliseconds without a sign of life after which a connection or a body counts as dead. */
  readonly stallTimeout: number;
  readonly signal?: AbortSignal;
}

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

/** Why no response came: `certificate`, `protocol`, `redirect` and `too-large` are final, the others may pass. */
export type FailureKind =
  | 'certificate'
  | 'protocol'
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

/** Sends requests over kept-alive connections. */
export interface Transport {
  /**
   * Sends it and reads the whole response; GET and HEAD follow redirects, without credentials on another origin and
   * never from https to http. Throws {@link TransportFailure}, what a body's own stream throws, or the signal's reason.
   */
  send(request: HttpRequest): Promise<HttpResponse>;
  /** Ends all connections. */
  close(): Promise<void>;
}

const MAX_REDIRECTS = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** So many times longer may a registry take to store what it has received whole, such as inside an object store. */
const STORE_PATIENCE = 5;

/** Makes a transport; undici is loaded with the first request. Throws `registry-ca-unreadable` (exit 2). */
export function createTransport(options: TransportOptions): Transport {
  const extraCa = options.caFile === undefined ? undefined : readCa(options.caFile);
  const running = new Set<(reason: unknown) => void>();
  const onAbort = () => {
    for (const abort of running) abort(options.signal?.reason);
  };
  options.signal?.addEventListener('abort', onAbort);
  let dispatchers: Promise<Dispatchers> | undefined;

  async function exchange(request: HttpRequest): Promise<HttpResponse> {
    dispatchers ??= createDispatchers(options, extraCa);
    const { direct, proxied } = await dispatchers;
    const dispatcher = isLoopbackHost(request.url.host) ? direct : proxied;
    const body = await requestBody(request, options.stallTimeout);
    options.signal?.throwIfAborted();
    return new Promise((resolve, reject) => {
      const handler = createHandler(request, body, resolve, reject, running);
      dispatcher.dispatch(
        {
          origin: request.url.origin,
          path: request.url.pathname + request.url.search,
          method: request.method,
          headers:
            body === undefined
              ? request.headers
              : { ...request.headers, 'content-length': String(body.size) },
          body: body === undefined ? null : body.content,
          headersTimeout: options.stallTimeout * (body?.watch === undefined ? 1 : STORE_PATIENCE),
          bodyTimeout: options.stallTimeout,
        },
        handler,
      );
    });
  }

  return {
    async send(first) {
      let request = first;
      for (let count = 0; ; count += 1) {
        const response = await exchange(request);
        const location = response.headers.location;
        const follow = request.method === 'GET' || request.method === 'HEAD';
        if (!follow || !REDIRECTS.has(response.status) || location === undefined) return response;
        if (count === MAX_REDIRECTS)
          throw new TransportFailure('redirect', `more than ${MAX_REDIRECTS} redirects`);
        request = redirected(request, location);
      }
    },
    async close() {
      options.signal?.removeEventListener('abort', onAbort);
      if (dispatchers === undefined) return;
      const { direct, proxied } = await dispatchers;
      await direct.destroy();
      if (proxied !== direct) await proxied.destroy();
    },
  };
}

/**
 * Where a `Location` leads from here. The same host keeps the scheme, because registries behind a proxy that ends TLS
 * often say http there; anything else than http and https, and http after https, is refused.
 */
export function resolveLocation(base: URL, location: string): URL {
  if (!URL.canParse(location, base.href))
    throw new TransportFailure('redirect', 'the Location header is not a URL');
  const url = new URL(location, base);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new TransportFailure('redirect', `the Location header leads to ${url.protocol}`);
  }
  if (base.protocol === 'https:' && url.protocol === 'http:') {
    if (url.host !== base.host)
      throw new TransportFailure('redirect', `it leads from https to http at ${url.host}`);
    url.protocol = 'https:';
  }
  url.username = '';
  url.password = '';
  url.hash = '';
  return url;
}

function redirected(request: HttpRequest, location: string): HttpRequest {
  const url = resolveLocation(request.url, location);
  if (url.origin === request.url.origin) return { ...request, url };
  const { authorization: _dropped, ...headers } = request.headers;
  return { ...request, url, headers };
}

interface Dispatchers {
  readonly direct: Dispatcher;
  readonly proxied: Dispatcher;
}

async function createDispatchers(
  options: TransportOptions,
  extraCa: string | undefined,
): Promise<Dispatchers> {
  const { default: Agent } = await import('undici/lib/dispatcher/agent.js');
  const ca = extraCa === undefined ? {} : { ca: [...(await trustedRoots()), extraCa] };
  const common = { connections: options.concurrency, keepAliveTimeout: 30_000, maxHeaderSize: 64 * 1024 };
  const connect = { ...ca, timeout: Math.min(options.stallTimeout, 15_000) };
  const direct = new Agent({ ...common, connect });
  const { http, https, no } = options.proxy ?? {};
  if (!http && !https) return { direct, proxied: direct };
  const { default: EnvHttpProxyAgent } = await import('undici/lib/dispatcher/env-http-proxy-agent.js');
  // Empty strings, because it would read the environment for what is undefined.
  const proxied = new EnvHttpProxyAgent({
    ...common,
    connect,
    requestTls: connect,
    proxyTls: connect,
    httpProxy: http ?? '',
    httpsProxy: https ?? '',
    noProxy: no ?? '',
    proxyTunnel: false,
  });
  return { direct, proxied };
}

async function trustedRoots(): Promise<readonly string[]> {
  const tls = await import('node:tls');
  // Node before 22.15 has only the roots that it was built with.
  return tls.getCACertificates?.('default') ?? tls.rootCertificates;
}

function readCa(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new PrimitiveError('registry-ca-unreadable', `The certificate file ${file} cannot be read`, {
      why: (cause as NodeJS.ErrnoException).code ?? 'it cannot be opened',
      cause,
    });
  }
}

interface OpenBody {
  readonly content: Uint8Array | string | Readable;
  readonly size: number;
  /** Ends a streamed body that the other side has stopped reading. */
  readonly watch?: Stopwatch;
}

async function requestBody(request: HttpRequest, stallTimeout: number): Promise<OpenBody | undefined> {
  const { body } = request;
  if (body === undefined) return undefined;
  if (typeof body === 'string') return { content: body, size: Buffer.byteLength(body) };
  if (body instanceof Uint8Array) return { content: body, size: body.length };
  const { Readable: NodeReadable } = await import('node:stream');
  const watch = createStopwatch(stallTimeout);
  return { content: NodeReadable.from(ticking(body.open(), watch)), size: body.size, watch };
}

interface Stopwatch {
  onStall?: () => void;
  tick(): void;
  stop(): void;
}

function createStopwatch(milliseconds: number): Stopwatch {
  let timer: NodeJS.Timeout | undefined;
  const watch: Stopwatch = {
    tick() {
      if (timer === undefined) timer = setTimeout(() => watch.onStall?.(), milliseconds);
      else timer.refresh();
    },
    stop() {
      clearTimeout(timer);
    },
  };
  return watch;
}

/** Chunks are asked for when the socket has taken those before: time between two of them is the other side's. */
async function* ticking(chunks: AsyncIterable<Uint8Array>, watch: Stopwatch): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of chunks) {
      watch.tick();
      yield chunk;
    }
  } finally {
    watch.stop();
  }
}

type Dispatcher = import('undici').Dispatcher;
type DispatchHandler = import('undici').Dispatcher.DispatchHandler;

function createHandler(
  request: HttpRequest,
  body: OpenBody | undefined,
  resolve: (response: HttpResponse) => void,
  reject: (error: unknown) => void,
  running: Set<(reason: unknown) => void>,
): DispatchHandler {
  let status = 0;
  let headers: Readonly<Record<string, string>> = {};
  let abort: ((reason: unknown) => void) | undefined;
  let aborted: { readonly reason: unknown } | undefined;
  const chunks: Uint8Array[] = [];
  let received = 0;
  const stop = (reason: unknown) => {
    aborted ??= { reason };
    abort?.(reason);
  };
  running.add(stop);
  if (body?.watch !== undefined) {
    body.watch.onStall = () => stop(new TransportFailure('stalled', 'the upload stopped moving'));
  }
  const end = () => {
    running.delete(stop);
    body?.watch?.stop();
  };
  return {
    onRequestStart(controller) {
      abort = (reason) =>
        controller.abort(reason instanceof Error ? reason : new Error('aborted', { cause: reason }));
      if (aborted !== undefined) abort(aborted.reason);
    },
    onResponseStart(controller, statusCode, rawHeaders) {
      if (statusCode < 200) return;
      status = statusCode;
      headers = flatten(rawHeaders);
      if (Number(headers['content-length']) > request.maxBytes && request.method !== 'HEAD') {
        controller.abort(tooLarge(request));
      }
    },
    onResponseData(controller, chunk) {
      received += chunk.length;
      if (received > request.maxBytes) controller.abort(tooLarge(request));
      else chunks.push(chunk);
    },
    onResponseEnd() {
      end();
      resolve({
        status,
        headers,
        body: chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks),
      });
    },
    onResponseError(_controller, error) {
      end();
      reject(aborted === undefined ? explain(error, request) : aborted.reason);
    },
  };
}

function tooLarge(request: HttpRequest): TransportFailure {
  return new TransportFailure('too-large', `the response has more than ${request.maxBytes} bytes`);
}

function flatten(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Readonly<Record<string, string>> {
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
function explain(error: Error, request: HttpRequest): unknown {
  if (error instanceof TransportFailure || error instanceof PrimitiveError) return error;
  const cause = error instanceof AggregateError ? (error.errors[0] ?? error) : error;
  const code = (cause as { code?: unknown }).code;
  if (typeof code !== 'string') return error;
  if (CERTIFICATE.test(code)) return new TransportFailure('certificate', certificateText(code), error);
  if (PROTOCOL.test(code))
    return new TransportFailure('protocol', 'the server does not speak TLS as expected', error);
  if (UNREACHABLE.has(code))
    return new TransportFailure('unreachable', `${request.url.host}: ${code}`, error);
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
