import { readFileSync } from 'node:fs';
import { PrimitiveError } from '../core/errors.ts';
import { isLoopbackHost } from './loopback.ts';
import { type HttpRequest, type HttpResponse, TransportFailure, transfer } from './send.ts';

/** The network that one is in. */
export interface Network {
  /** PEM file of certificate authorities that are trusted besides Node's and the machine's. */
  readonly caFile?: string;
  /** Values of HTTP_PROXY, HTTPS_PROXY and NO_PROXY. Loopback hosts are never proxied. */
  readonly proxy?: { readonly http?: string; readonly https?: string; readonly no?: string };
}

/** How connections are made. */
export interface TransportOptions extends Network {
  /** Connections, and so requests under way, per host. */
  readonly concurrency: number;
  /** Milliseconds without a sign of life after which a connection or a body counts as dead. */
  readonly stallTimeout: number;
  readonly signal?: AbortSignal;
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

/** Makes a transport; undici is loaded with the first request. Throws `registry-ca-unreadable` (exit 2). */
export function createTransport(options: TransportOptions): Transport {
  const extra = options.caFile === undefined ? [] : [readCa(options.caFile)];
  const running = new Set<(reason: unknown) => void>();
  let closed = false;
  const onAbort = () => {
    for (const abort of running) abort(options.signal?.reason);
  };
  options.signal?.addEventListener('abort', onAbort);
  let plain: Promise<Dispatchers> | undefined;
  let secure: Promise<Dispatchers> | undefined;
  /** The same with the machine's own store of authorities, which is slow to load and rarely needed. */
  let trusting: Promise<Dispatchers> | undefined;

  async function sendOnce(request: HttpRequest): Promise<HttpResponse> {
    const used = dispatchersFor(request.url);
    try {
      return await sendBy(await used, request);
    } catch (failure) {
      // Whoever closed it waits for no answer: told as trouble of the host, it would be tried again.
      if (closed) throw new Error('the transport is closed', { cause: failure });
      const certificate = failure instanceof TransportFailure && failure.kind === 'certificate';
      if (!certificate || used === trusting) throw failure;
      trusting ??= createDispatchers(options, 'system', extra);
      return sendBy(await trusting, request);
    }
  }

  /** Authorities are parsed for those who need them: that takes longer than a request. */
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
    return transfer(request, { dispatcher, stallTimeout: options.stallTimeout, running });
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
          throw new TransportFailure('redirect', `more than ${MAX_REDIRECTS} redirects`);
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

type Dispatcher = import('undici').Dispatcher;

interface Dispatchers {
  readonly direct: Dispatcher;
  readonly proxied: Dispatcher;
}

async function createDispatchers(
  options: TransportOptions,
  store: 'default' | 'system' | undefined,
  extra: readonly string[],
): Promise<Dispatchers> {
  const { default: Agent } = await import('undici/lib/dispatcher/agent.js');
  const tls = store === undefined ? {} : await secureContext(store, extra);
  const common = { connections: options.concurrency, keepAliveTimeout: 30_000, maxHeaderSize: 64 * 1024 };
  const connect = { ...tls, timeout: Math.min(options.stallTimeout, 15_000) };
  const direct = new Agent({ ...common, connect });
  const { http, https, no } = options.proxy ?? {};
  if (!http && !https) return { direct, proxied: direct };
  // With the whole of undici, slower to load: only its API can ask a proxy for a tunnel.
  const [{ EnvHttpProxyAgent }, { Tunnels }] = await Promise.all([import('undici'), import('./proxy.ts')]);
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

/** Made once: from `ca` alone, Node would parse hundreds of certificates again for every connection. */
async function secureContext(store: 'default' | 'system', extra: readonly string[]) {
  const tls = await import('node:tls');
  // Node before 22.15 has only the roots that it was built with.
  const roots = tls.getCACertificates?.('default') ?? tls.rootCertificates;
  const system = store === 'system' ? (tls.getCACertificates?.('system') ?? []) : [];
  return { secureContext: tls.createSecureContext({ ca: [...roots, ...system, ...extra] }) };
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
