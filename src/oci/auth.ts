import { PrimitiveError } from '../core/errors.ts';
import { isLoopbackHost } from '../http/loopback.ts';
import type { Clock } from '../http/retry.ts';
import type { HttpRequest, HttpResponse } from '../http/send.ts';
import type { Credential, Credentials } from './credentials.ts';

/** One challenge of a `WWW-Authenticate` header (RFC 9110, section 11.6.1); the scheme and the names in lower case. */
export interface Challenge {
  readonly scheme: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/** A right at one repository of a host, by the repository's path. */
export interface TokenScope {
  readonly path: string;
  readonly push: boolean;
}

/** A value of the `Authorization` header. */
export interface Authorization {
  readonly header: string;
  /** The file or helper behind it; undefined for an anonymous token. */
  readonly source: string | undefined;
}

/** Learns which authorization a host asks for, and gets the tokens for it. */
export interface Authorizer {
  /** The authorization header for these scopes; undefined if none is known to be needed. Throws if the token request fails. */
  authorize(
    host: string,
    scopes: readonly TokenScope[],
    options?: { readonly alone: boolean },
  ): Promise<Authorization | undefined>;
  /** Reads the challenge of a 401 to a request that carried `used`; true if the request should be authorized and sent again. */
  learn(url: URL, host: string, response: HttpResponse, used: Authorization | undefined): boolean;
}

/** Sends a token request: transient failures retried, anything but 200 thrown as a `PrimitiveError`. */
export type SendTokenRequest = (
  request: HttpRequest,
  registry: {
    readonly host: string;
    readonly scopes: readonly TokenScope[];
    readonly credentialSource: string | undefined;
  },
) => Promise<HttpResponse>;

/** Reads all challenges of a header's value; what does not follow the grammar is skipped. */
export function parseChallenges(header: string): readonly Challenge[] {
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  const parameter = /([\w!#$%&'*+.^`|~-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/y;
  const scheme = /([\w!#$%&'*+.^`|~-]+)/y;
  for (let position = 0; position < header.length; ) {
    parameter.lastIndex = position;
    scheme.lastIndex = position;
    const pair = parameter.exec(header);
    const current = challenges.at(-1);
    if (pair !== null && current !== undefined) {
      const value = pair[2]?.replace(/\\(.)/g, '$1') ?? pair[3] ?? '';
      current.parameters.set((pair[1] ?? '').toLowerCase(), value);
      position = parameter.lastIndex;
      continue;
    }
    const name = scheme.exec(header);
    if (name !== null) challenges.push({ scheme: (name[1] ?? '').toLowerCase(), parameters: new Map() });
    position = name === null ? position + 1 : scheme.lastIndex;
  }
  return challenges;
}

interface Token {
  readonly authorization: Authorization;
  readonly scopes: readonly TokenScope[];
  /** On the clock: a new token is fetched after this, before the server refuses this one. */
  readonly refreshAt: number;
}

interface TokenRequest {
  /** Whose it is. */
  readonly key: string;
  readonly scopes: TokenScope[];
  readonly token: Promise<Token>;
}

type Method =
  | { readonly type: 'basic' }
  | { readonly type: 'bearer'; readonly realm: URL; readonly service: string | undefined };

interface HostState {
  method?: Method;
  tokens: Token[];
  /** Requests that are not sent yet, by credential: scopes can still be added. */
  readonly open: Map<string, TokenRequest>;
  readonly flying: Set<TokenRequest>;
}

/** Scopes per token, at most: signed tokens grow with them, and servers limit the size of a header. */
const MAX_SCOPES = 8;
/** Seconds that a token lives when its server does not say (token specification of CNCF Distribution). */
const DEFAULT_LIFETIME = 60;
const CLIENT_ID = 'primitive';

/**
 * Basic and bearer authentication as CNCF Distribution specifies them. Callers at the same moment share one request, and
 * one token if they ask for different repositories. With `write`, tokens are asked for with the right to push from
 * the start, so that a read and a later write of one repository need one token; if that is denied, for reading only.
 */
export function createAuthorizer(options: {
  readonly credentials: Credentials;
  readonly send: SendTokenRequest;
  readonly clock: Clock;
  readonly write: boolean;
}): Authorizer {
  const { credentials, send, clock } = options;
  const hosts = new Map<string, HostState>();

  function stateOf(host: string): HostState {
    let state = hosts.get(host);
    if (state === undefined) {
      state = { tokens: [], open: new Map(), flying: new Set() };
      hosts.set(host, state);
    }
    return state;
  }

  async function basic(host: string, path: string): Promise<Authorization | undefined> {
    const credential = await credentials.find(host, path);
    if (credential?.type !== 'basic') return undefined;
    return { header: basicHeader(credential), source: credential.source };
  }

  async function bearer(
    host: string,
    state: HostState,
    needed: readonly TokenScope[],
    alone: boolean,
  ): Promise<Authorization> {
    const now = clock.now();
    state.tokens = state.tokens.filter((token) => token.refreshAt > now);
    const held = state.tokens.find((token) => covers(token.scopes, needed));
    if (held !== undefined) return held.authorization;
    const credential = await credentials.find(host, needed[0]?.path ?? '');
    if (credential?.type === 'bearer')
      return { header: `Bearer ${credential.token}`, source: credential.source };
    // The first scope is of the repository that is written; the second, of a mount, is only read.
    const widen = options.write && credential !== undefined;
    const wanted = needed.map((scope, index) => (widen && index === 0 ? { ...scope, push: true } : scope));
    if (alone) return (await fetchNarrowing(host, state, credential, wanted, needed)).authorization;
    const shared = join(host, state, credential, wanted);
    try {
      return (await shared.token).authorization;
    } catch (error) {
      // It may be refused for the scope of another caller, or for the wider right that is not needed here.
      const mayHelp =
        shared.scopes.length > wanted.length || wanted.some((scope, i) => scope.push !== needed[i]?.push);
      if (!isRefusal(error) || !mayHelp) throw error;
      return (await fetchNarrowing(host, state, credential, wanted, needed)).authorization;
    }
  }

  async function fetchNarrowing(
    host: string,
    state: HostState,
    credential: Credential | undefined,
    wanted: readonly TokenScope[],
    needed: readonly TokenScope[],
  ): Promise<Token> {
    try {
      return await fetchToken(host, state, credential, wanted);
    } catch (error) {
      if (!isRefusal(error) || wanted.every((scope, i) => scope.push === needed[i]?.push)) throw error;
      return fetchToken(host, state, credential, needed);
    }
  }

  function join(
    host: string,
    state: HostState,
    credential: Credential | undefined,
    wanted: readonly TokenScope[],
  ): TokenRequest {
    const key = JSON.stringify(credential ?? null);
    for (const request of state.flying) {
      if (request.key === key && covers(request.scopes, wanted)) return request;
    }
    const open = state.open.get(key);
    if (open !== undefined && open.scopes.length + wanted.length <= MAX_SCOPES) {
      addScopes(open.scopes, wanted);
      return open;
    }
    const scopes: TokenScope[] = [];
    addScopes(scopes, wanted);
    const request: TokenRequest = {
      key,
      scopes,
      token: nextTurn().then(() => {
        if (state.open.get(key) === request) state.open.delete(key);
        return fetchToken(host, state, credential, scopes);
      }),
    };
    state.open.set(key, request);
    state.flying.add(request);
    const done = () => state.flying.delete(request);
    request.token.then(done, done);
    return request;
  }

  async function fetchToken(
    host: string,
    state: HostState,
    credential: Credential | undefined,
    scopes: readonly TokenScope[],
  ): Promise<Token> {
    const { method } = state;
    if (method?.type !== 'bearer') throw new Error(`no bearer challenge from ${host}`);
    const asked = [...scopes];
    const response = await send(tokenRequest(method, credential, asked), {
      host,
      scopes: asked,
      credentialSource: credential?.source,
    });
    const { value, lifetime } = readToken(response, host, method.realm);
    const token: Token = {
      authorization: { header: `Bearer ${value}`, source: credential?.source },
      scopes: asked,
      refreshAt: clock.now() + (lifetime - Math.min(30, lifetime / 5)) * 1000,
    };
    state.tokens.push(token);
    return token;
  }

  return {
    async authorize(host, scopes, { alone } = { alone: false }) {
      const state = stateOf(host);
      if (state.method === undefined) return undefined;
      if (state.method.type === 'basic') return basic(host, scopes[0]?.path ?? '');
      return bearer(host, state, scopes, alone);
    },
    learn(url, host, response, used) {
      const state = stateOf(host);
      const method = chooseMethod(parseChallenges(response.headers['www-authenticate'] ?? ''), url, host);
      if (method === undefined) return false;
      // Not again with the same password: some services lock the account.
      if (method.type === 'basic' && used !== undefined) return false;
      state.method = method;
      state.tokens = state.tokens.filter((token) => token.authorization !== used);
      return true;
    },
  };
}

function chooseMethod(challenges: readonly Challenge[], url: URL, host: string): Method | undefined {
  for (const { scheme, parameters } of challenges) {
    const realm = parameters.get('realm');
    if (scheme === 'bearer' && realm !== undefined && URL.canParse(realm)) {
      return {
        type: 'bearer',
        realm: checkRealm(new URL(realm), url, host),
        service: parameters.get('service'),
      };
    }
  }
  return challenges.some((challenge) => challenge.scheme === 'basic') ? { type: 'basic' } : undefined;
}

/** The realm gets the password: only by https, unless the registry itself, beyond loopback, is configured to be without TLS. */
function checkRealm(realm: URL, url: URL, host: string): URL {
  const isPlain = url.protocol === 'http:' && !isLoopbackHost(url.host);
  const plainAllowed = realm.protocol === 'http:' && (isLoopbackHost(realm.host) || isPlain);
  if (realm.protocol === 'https:' || plainAllowed) return realm;
  throw new PrimitiveError(
    'registry-unauthorized',
    `The token service of ${host} is not safe for credentials`,
    {
      why: `${realm.protocol}//${realm.host} does not use https.`,
      suggestions: ['Configure the registry to use an https URL for its token service.'],
      exit: 3,
    },
  );
}

function tokenRequest(
  method: Method & { type: 'bearer' },
  credential: Credential | undefined,
  scopes: readonly TokenScope[],
): HttpRequest {
  const texts = scopes.map(({ path, push }) => `repository:${path}:${push ? 'pull,push' : 'pull'}`);
  const maxBytes = 256 * 1024;
  if (credential?.type === 'identity') {
    const form = new URLSearchParams({
      grant_type: 'refresh_token',
      service: method.service ?? '',
      client_id: CLIENT_ID,
      scope: texts.join(' '),
      refresh_token: credential.token,
    });
    const headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' };
    return { method: 'POST', url: method.realm, headers, body: form.toString(), maxBytes };
  }
  const url = new URL(method.realm);
  if (method.service !== undefined) url.searchParams.append('service', method.service);
  for (const text of texts) url.searchParams.append('scope', text);
  const headers: Record<string, string> = { accept: 'application/json' };
  if (credential?.type === 'basic') headers.authorization = basicHeader(credential);
  return { method: 'GET', url, headers, maxBytes };
}

function readToken(response: HttpResponse, host: string, realm: URL): { value: string; lifetime: number } {
  let parsed: { token?: unknown; access_token?: unknown; expires_in?: unknown } | null;
  try {
    parsed = JSON.parse(new TextDecoder().decode(response.body)) as typeof parsed;
  } catch {
    parsed = null;
  }
  const value = parsed?.token || parsed?.access_token;
  // A character outside of token68, or a control character, would break out of the header.
  if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value)) {
    throw new PrimitiveError('registry-unauthorized', `The token service of ${host} returned no token`, {
      why: `${realm.host} answered without a usable "token".`,
      suggestions: [`docker login ${host}`],
      exit: 3,
    });
  }
  const seconds = parsed?.expires_in;
  const lifetime = typeof seconds === 'number' && seconds > 0 ? seconds : DEFAULT_LIFETIME;
  return { value, lifetime: Math.min(Math.max(lifetime, DEFAULT_LIFETIME), 86_400) };
}

function basicHeader(credential: Credential & { type: 'basic' }): string {
  return `Basic ${Buffer.from(`${credential.username}:${credential.password}`).toString('base64')}`;
}

/** Secrets of a request that are never printed, the longest first. */
export function secretsOf({ headers, body }: Pick<HttpRequest, 'headers' | 'body'>): readonly string[] {
  const [scheme, value = ''] = headers.authorization?.split(' ') ?? [];
  const login = scheme === 'Basic' ? Buffer.from(value, 'base64').toString() : '';
  const refresh = typeof body === 'string' ? (new URLSearchParams(body).get('refresh_token') ?? '') : '';
  const password = login.slice(login.indexOf(':') + 1);
  return [value, login, password, refresh].filter((secret) => secret !== '');
}

function covers(held: readonly TokenScope[], needed: readonly TokenScope[]): boolean {
  return needed.every((need) => held.some((scope) => scope.path === need.path && (scope.push || !need.push)));
}

function addScopes(scopes: TokenScope[], added: readonly TokenScope[]): void {
  for (const scope of added) {
    const index = scopes.findIndex((other) => other.path === scope.path);
    if (index < 0) scopes.push(scope);
    else if (scope.push) scopes[index] = scope;
  }
}

function isRefusal(error: unknown): boolean {
  return (
    error instanceof PrimitiveError &&
    (error.code === 'registry-unauthorized' || error.code === 'registry-denied')
  );
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
