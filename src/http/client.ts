import { readFileSync } from 'node:fs';
import { PrimitiveError } from '../core/errors.ts';
import { isLoopbackHost } from './loopback.ts';
import { type HttpRequest, type HttpResponse, RequestError, sendRequest } from './send.ts';

/** Network settings of the environment. */
export interface Network {
  /** PEM file of certificate authorities that are trusted besides Node's and the system's. */
  readonly caFile?: string;
  /** Values of HTTP_PROXY, HTTPS_PROXY and NO_PROXY. Loopback hosts are never proxied. */
  readonly proxy?: { readonly http?: string; readonly https?: string; readonly no?: string };
}

export interface HttpClientOptions extends Network {
  /** Prefix of the code of an error that is not of one request. */
  readonly service: 'registry' | 'github';
  /** Connections per host, and so requests in flight. */
  readonly concurrency: number;
  /** Milliseconds without any progress after which a connection or a body counts as dead. */
  readonly stallTimeout: number;
  readonly signal?: AbortSignal;
}

/** Sends requests over kept-alive connections. */
export interface HttpClient {
  /**
   * Sends a request and reads the whole response. GET and HEAD follow redirects: without the `Authorization` header to
   * another origin, and never from https to http. Throws {@link RequestError}, what the body's own stream throws, or the
   * signal's reason.
   */
  send(request: HttpRequest): Promise<HttpResponse>;
  /** Ends all connections. */
  close(): Promise<void>;
}

const MAX_REDIRECTS = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** Makes a client; undici is loaded with the first request. Throws `SERVICE-ca-unreadable` (exit 2). */
export function createHttpClient(options: HttpClientOptions): HttpClient {
  const extra = options.caFile === undefined ? [] : [readCa(options.caFile, options.service)];
  const running = new Set<(reason: unknown) => void>();
  let closed = false;
  const onAbort = () => {
    for (const abort of running) abort(options.signal?.reason);
  };
  options.signal?.addEventListener('abort', onAbort);
  let plain: Promise<Dispatchers> | undefined;
  let secure: Promise<Dispatchers> | undefined;
  /** Trusts the system's certificate store as well, which is slow to load and rarely needed. */
  let trusting: Promise<Dispatchers> | undefined;

  async function sendOnce(request: HttpRequest): Promise<HttpResponse> {
    const used = dispatchersFor(request.url);
    try {
      return await sendBy(await used, request);
    } catch (failure) {
      // Not a RequestError: a closed client must not be retried.
      if (closed) throw new Error('the HTTP client is closed', { cause: failure });
      const certificate = failure instanceof RequestError && failure.kind === 'certificate';
      if (!certificate || used === trusting) throw failure;
      trusting ??= createDispatchers(options, 'system', extra);
      return sendBy(await trusting, request);
    }
  }

  /** Certificates are parsed only for https: that takes longer than a request. */
  function dispatchersFor(url: URL): Promise<Dispatchers> {
    if (url.protocol === 'http:') {
      plain ??= createDispatchers(options, undefined, []);
      return plain;
    }
    secure ??= createDispatchers(options, extra.length === 0 ? undefined : 'default', extra);
    return trusting ?? secure;
  }

  async function sendBy({ direct, proxied }: Dispatchers, request: HttpRequest): Promise<HttpResponse> {
    options.signal?.throwIfAborted();
    const dispatcher = isLoopbackHost(request.url.host) ? direct : proxied;
    return sendRequest(request, { dispatcher, stallTimeout: options.stallTimeout, running });
  }

  return {
    async send(first) {
      let request = first;
      for (let count = 0; ; count += 1) {
        const response = await sendOnce(request);
        const location = response.headers.location;
        const follow = request.method === 'GET' || request.method === 'HEAD';
        if (!follow || !REDIRECTS.has(response.status) || location === undefined) return response;
        if (count === MAX_REDIRECTS)
          throw new RequestError('redirect', `more than ${MAX_REDIRECTS} redirects`);
        request = redirected(request, location);
      }
    },
    async close() {
      closed = true;
      options.signal?.removeEventListener('abort', onAbort);
      for (const made of [plain, secure, trusting]) {
        const { direct, proxied } = (await made) ?? {};
        await direct?.destroy();
        if (proxied !== direct) await proxied?.destroy();
      }
    },
  };
}

/**
 * Resolves a `Location` header. The same host keeps https, because servers behind a proxy that ends TLS often say http
 * there. Throws {@link RequestError} for other schemes and for http on another host after https.
 */
export function resolveLocation(base: URL, location: string): URL {
  if (!URL.canParse(location, base.href))
    throw new RequestError('redirect', 'the Location header is not a URL');
  const url = new URL(location, base);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new RequestError('redirect', `the Location header leads to ${url.protocol}`);
  }
  if (base.protocol === 'https:' && url.protocol === 'http:') {
    if (url.host !== base.host)
      throw new RequestError('redirect', `the Location header leads from https to http at ${url.host}`);
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

type Dispatcher = import('undici').Dispatcher;

interface Dispatchers {
  readonly direct: Dispatcher;
  readonly proxied: Dispatcher;
}

async function createDispatchers(
  options: HttpClientOptions,
  store: 'default' | 'system' | undefined,
  extra: readonly string[],
): Promise<Dispatchers> {
  const { Agent, EnvHttpProxyAgent } = await import('undici');
  const tls = store === undefined ? {} : await secureContext(store, extra);
  const common = { connections: options.concurrency, keepAliveTimeout: 30_000, maxHeaderSize: 64 * 1024 };
  const connect = { ...tls, timeout: Math.min(options.stallTimeout, 15_000) };
  const direct = new Agent({ ...common, connect });
  const { http, https, no } = options.proxy ?? {};
  if (!http && !https) return { direct, proxied: direct };
  const { Tunnels } = await import('./proxy.ts');
  const proxied = new EnvHttpProxyAgent({
    clientFactory: (origin, options) => new Tunnels(origin, options),
    ...common,
    connect,
    requestTls: connect,
    proxyTls: connect,
    // Empty strings, because it would read the environment for what is undefined.
    httpProxy: http ?? '',
    httpsProxy: https ?? '',
    noProxy: no ?? '',
    proxyTunnel: false,
  });
  return { direct, proxied };
}

/** Made once per client: from `ca` alone, Node would parse hundreds of certificates again for every connection. */
async function secureContext(store: 'default' | 'system', extra: readonly string[]) {
  const tls = await import('node:tls');
  // Node before 22.15 has only the roots that it was built with.
  const roots = tls.getCACertificates?.('default') ?? tls.rootCertificates;
  const system = store === 'system' ? (tls.getCACertificates?.('system') ?? []) : [];
  return { secureContext: tls.createSecureContext({ ca: [...roots, ...system, ...extra] }) };
}

function readCa(file: string, service: HttpClientOptions['service']): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new PrimitiveError(`${service}-ca-unreadable`, `Cannot read the certificate file ${file}.`, {
      why: `${cause instanceof Error ? cause.message : cause}; SSL_CERT_FILE names it`,
      suggestions: ['Set SSL_CERT_FILE to the PEM file of the authority.', 'unset SSL_CERT_FILE'],
      cause,
    });
  }
}
