import { PrimitiveError } from '../core/errors.ts';
import { optional } from '../core/object.ts';
import type { HttpClient } from '../http/client.ts';
import { type ConcurrencyLimiter, createConcurrencyLimiter } from '../http/limiter.ts';
import { isLoopbackHost } from '../http/loopback.ts';
import { AttemptFailure, type Clock, type RetryPolicy, withRetries } from '../http/retry.ts';
import { type HttpRequest, type HttpResponse, RequestError } from '../http/send.ts';
import { type Authorization, type Authorizer, createAuthorizer, secretsOf, type TokenScope } from './auth.ts';
import type { Credentials } from './credentials.ts';
import { requestFailure, responseFailure, type Subject } from './failure.ts';
import { repositoryHost, repositoryPath } from './reference.ts';
import type { ImageRepository } from './types.ts';

/** One request to a registry's API. */
export interface RegistryCall {
  readonly method: HttpRequest['method'];
  readonly repository: ImageRepository;
  /** Path below `/v2/<name>/`, such as `manifests/main`, or a URL that the registry gave. */
  readonly target: string | URL;
  /** For error messages: `the manifest main`. */
  readonly what: string;
  readonly pushes: boolean;
  /** A second repository that must be readable with the same token. */
  readonly reads?: ImageRepository;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: HttpRequest['body'];
  readonly maxBytes?: number;
  /** Whether the response is a result; all others are failures. */
  readonly accept: (response: HttpResponse) => boolean;
}

/** An accepted response, and the URL of its request, for relative locations. */
export interface RegistryResponse {
  readonly response: HttpResponse;
  readonly url: URL;
  readonly subject: Subject;
}

/** Reported before each wait. */
export interface RetryEvent {
  readonly host: string;
  readonly repository: string;
  readonly method: string;
  readonly reason: string;
  readonly attempt: number;
  /** Milliseconds. */
  readonly delay: number;
}

/** HTTP as registries need it: scheme, authorization, rate limits, retries. */
export interface RegistryHttp {
  /** One attempt; throws {@link AttemptFailure}, which {@link RegistryHttp.retrying} handles. */
  attempt(call: RegistryCall): Promise<RegistryResponse>;
  /** Retries until the response is accepted and read; `read` throws {@link AttemptFailure} to ask for another attempt. */
  call<T>(call: RegistryCall, read: (response: RegistryResponse) => T): Promise<T>;
  /** The same retries around several attempts that are repeated together. */
  retrying<T>(call: Pick<RegistryCall, 'repository' | 'method'>, operation: () => Promise<T>): Promise<T>;
}

export interface RegistryHttpOptions {
  readonly client: HttpClient;
  readonly credentials: Credentials;
  readonly clock: Clock;
  /** Hosts without TLS, besides loopback hosts. */
  readonly plainHttp: readonly string[];
  /** Those of them that get credentials all the same. */
  readonly plainCredentials: readonly string[];
  readonly write: boolean;
  /** Requests in flight per host, at most. */
  readonly concurrency: number;
  /** Milliseconds. */
  readonly budget: number;
  readonly signal?: AbortSignal;
  readonly onRetry?: (event: RetryEvent) => void;
}

interface Host {
  readonly name: string;
  /** The API's host; for Docker Hub another than its name. */
  readonly address: string;
  scheme: 'http' | 'https';
  /** Until the first response only one request is in flight: it learns scheme and authorization for the others. */
  answered: boolean;
  first?: Promise<void>;
  readonly limiter: ConcurrencyLimiter;
  /** On the clock: no request is sent before, because the host asked one to wait. */
  resumeAt: number;
}

const DEFAULT_MAX_BYTES = 64 * 1024;
const USER_AGENT = 'primitive';

export function createRegistryHttp(options: RegistryHttpOptions): RegistryHttp {
  const { client, clock, signal } = options;
  const hosts = new Map<string, Host>();

  const policy = (host: string, repository: string, method: string): RetryPolicy => ({
    clock,
    budget: options.budget,
    ...optional('signal', signal),
    onRetry: (retry) => options.onRetry?.({ host, repository, method, ...retry }),
  });

  const authorizer: Authorizer = createAuthorizer({
    credentials: {
      async find(name, path) {
        const credential = await options.credentials.find(name, path);
        const open = hostOf(name).scheme === 'http' && !isLoopbackHost(name);
        // Also none for a token service that is named without TLS: who answered is not known.
        if (credential !== undefined && open && !options.plainCredentials.includes(name))
          throw unencrypted(name, credential.source);
        return credential;
      },
    },
    clock,
    write: options.write,
    send(request, { host, scopes, credentialSource }) {
      const repository = scopes.map((scope) => scope.path).join(', ');
      const subject: Subject = {
        host,
        origin: originOf(hostOf(host)),
        repository: scopes[0]?.path ?? '',
        method: request.method,
        what: `a token from ${request.url.host}`,
        pushes: scopes.some((scope) => scope.push),
        secrets: secretsOf(request),
        ...optional('credentialSource', credentialSource),
      };
      return withRetries(policy(host, repository, request.method), async () => {
        const response = await sendOnce(request, subject, true);
        if (response.status === 200) return response;
        throw responseFailure(response, subject, dateOf(response));
      });
    },
  });

  function hostOf(name: string): Host {
    let host = hosts.get(name);
    if (host === undefined) {
      const plain = isLoopbackHost(name) || options.plainHttp.includes(name);
      host = {
        name,
        address: name === 'docker.io' ? 'registry-1.docker.io' : name,
        scheme: plain ? 'http' : 'https',
        answered: false,
        limiter: createConcurrencyLimiter(options.concurrency, isOverload),
        resumeAt: 0,
      };
      hosts.set(name, host);
    }
    return host;
  }

  async function sendOnce(request: HttpRequest, subject: Subject, answered: boolean): Promise<HttpResponse> {
    try {
      return await client.send(request);
    } catch (failure) {
      if (failure instanceof RequestError) throw requestFailure(failure, subject, answered);
      throw failure;
    }
  }

  /** Waits for this request's turn; the first to a host goes alone. Returns what to call once it is answered. */
  async function enter(host: Host): Promise<() => void> {
    while (!host.answered && host.first !== undefined) await host.first;
    while (clock.now() < host.resumeAt) await clock.sleep(host.resumeAt - clock.now(), signal);
    if (host.answered) return () => {};
    if (host.first !== undefined) return enter(host);
    const { promise, resolve } = Promise.withResolvers<void>();
    host.first = promise;
    return () => {
      if (host.first === promise) delete host.first;
      resolve();
    };
  }

  async function attempt(call: RegistryCall): Promise<RegistryResponse> {
    const host = hostOf(repositoryHost(call.repository));
    return host.limiter.run(async () => {
      signal?.throwIfAborted();
      const leave = await enter(host);
      try {
        const sent = await sendAuthorized(call, host, leave);
        if (call.accept(sent.response)) return sent;
        throw noteLimit(host, responseFailure(sent.response, sent.subject, dateOf(sent.response)));
      } finally {
        leave();
      }
    });
  }

  /** Sends with the authorization the host is known to want; after a 401 with what it asks for, and once with a new token. */
  async function sendAuthorized(
    call: RegistryCall,
    host: Host,
    onResponse: () => void,
  ): Promise<RegistryResponse> {
    const path = repositoryPath(call.repository);
    const scopes = scopesOf(call);
    let authorization = await authorizer.authorize(host.name, scopes);
    for (let renewed = false; ; ) {
      const url = targetUrl(host, path, call.target);
      // An upload location may be on another host, which gets no credentials.
      const own = !(call.target instanceof URL) || url.origin === new URL(originOf(host)).origin;
      const request = requestOf(call, url, own ? authorization : undefined);
      const subject = { ...subjectOf(call, host, path, authorization), secrets: secretsOf(request) };
      const response = await sendOnce(request, subject, host.answered);
      if (!host.answered && mayWantTls(host, response) && (await wantsTls(call, url, response))) {
        host.scheme = 'https';
        continue;
      }
      const refused = own && isChallenge(response, url) && !call.accept(response);
      const learned = refused && authorizer.learn(url, host.name, response, authorization);
      host.answered = true;
      onResponse();
      if (!learned || renewed) return { response, url, subject };
      renewed = authorization !== undefined;
      const next = await authorizer.authorize(host.name, scopes, { alone: renewed });
      if (next === undefined || next.header === authorization?.header) return { response, url, subject };
      authorization = next;
    }
  }

  /** Loopback registries are assumed to serve plain HTTP; Go's server and nginx answer like this if they expect TLS. */
  async function wantsTls(call: RegistryCall, url: URL, response: HttpResponse): Promise<boolean> {
    const { body } =
      call.method === 'HEAD'
        ? await client.send({ ...requestOf(call, url, undefined), method: 'GET' })
        : response;
    return /HTTP request (?:was sent )?to (?:an )?HTTPS/i.test(
      new TextDecoder().decode(body.subarray(0, 1024)),
    );
  }

  /** A host that asks one request to wait means all requests. */
  function noteLimit(host: Host, failure: AttemptFailure): AttemptFailure {
    const after = failure.retry?.after ?? 0;
    if (failure.error.code === 'registry-rate-limited' && after >= 1000 && after <= options.budget) {
      host.resumeAt = Math.max(host.resumeAt, clock.now() + after);
    }
    return failure;
  }

  const retrying: RegistryHttp['retrying'] = (call, operation) =>
    withRetries(
      policy(repositoryHost(call.repository), repositoryPath(call.repository), call.method),
      operation,
    );

  return {
    attempt,
    call: (call, read) => retrying(call, async () => read(await attempt(call))),
    retrying,
  };
}

function unencrypted(host: string, source: string): PrimitiveError {
  return new PrimitiveError('registry-plain-http', `Cannot log in to ${host} without TLS.`, {
    why: `\`insecureRegistries\` lists it, and the credential of ${source} would be sent unencrypted: only the environment may allow that.`,
    suggestions: [
      `If ${host} has TLS, remove it from \`insecureRegistries\` in primitive.config.yaml.`,
      `If it has none, and you trust the network: export PRIMITIVE_INSECURE_REGISTRIES=${host}`,
    ],
  });
}

/** Transient failures may mean too many requests: limits, 5xx, resets, stalls. */
function isOverload(failure: unknown): boolean {
  return failure instanceof AttemptFailure && failure.error.retryable;
}

function scopesOf(call: RegistryCall): readonly TokenScope[] {
  const own = { path: repositoryPath(call.repository), push: call.pushes };
  return call.reads === undefined ? [own] : [own, { path: repositoryPath(call.reads), push: false }];
}

function targetUrl(host: Host, path: string, target: string | URL): URL {
  return target instanceof URL ? target : new URL(`${originOf(host)}/v2/${path}/${target}`);
}

function originOf(host: Host): string {
  return `${host.scheme}://${host.address}`;
}

function requestOf(call: RegistryCall, url: URL, authorization: Authorization | undefined): HttpRequest {
  return {
    method: call.method,
    url,
    headers: {
      'user-agent': USER_AGENT,
      ...call.headers,
      ...(authorization === undefined ? {} : { authorization: authorization.header }),
    },
    ...optional('body', call.body),
    maxBytes: call.maxBytes ?? DEFAULT_MAX_BYTES,
  };
}

function subjectOf(
  call: RegistryCall,
  host: Host,
  path: string,
  authorization: Authorization | undefined,
): Subject {
  const source = authorization?.source;
  return {
    host: host.name,
    origin: originOf(host),
    repository: path,
    method: call.method,
    what: call.what,
    pushes: call.pushes,
    ...optional('credentialSource', source),
  };
}

/** A challenge decides where credentials go, so it counts only from the registry itself, not from behind a redirect. */
function isChallenge(response: HttpResponse, asked: URL): boolean {
  return response.status === 401 && response.url.origin === asked.origin;
}

function mayWantTls(host: Host, response: HttpResponse): boolean {
  return response.status === 400 && host.scheme === 'http' && isLoopbackHost(host.name);
}

/** The server's clock, which its dates refer to. */
function dateOf(response: HttpResponse): number {
  const date = Date.parse(response.headers.date ?? '');
  return Number.isNaN(date) ? Date.now() : date;
}
