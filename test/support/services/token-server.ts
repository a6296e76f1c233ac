import { createPrivateKey, randomUUID, sign, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ServerCertificate } from './certificates.ts';
import { bodyOf, serve } from './http.ts';
import { type Service, stopper } from './service.ts';

/** Who may log in. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** Decides about one action (`pull`, `push`, `delete`) on one repository; `user` is absent when anonymous. */
export type Grants = (user: string | undefined, repository: string, action: string) => boolean;

export interface TokenServerOptions {
  /** PEM files of the certificate that the registry trusts, and of its EC P-256 key. */
  readonly certFile: string;
  readonly keyFile: string;
  readonly service: string;
  readonly issuer: string;
  readonly credentials: Credentials;
  readonly grants?: Grants;
  readonly lifetimeSeconds?: number;
  /** Speak HTTPS, as clients demand when the registry does. */
  readonly tls?: ServerCertificate | undefined;
}

/** A Docker token server, small enough to read. */
export interface TokenServer extends Service {
  /** The `realm` of the registry's challenge. */
  readonly url: string;
  /** How many tokens were asked for. */
  readonly requests: number;
}

interface TokenRequest {
  readonly user: string | undefined;
  readonly scopes: readonly string[];
}

/** Serves tokens that CNCF Distribution accepts: GET with basic auth, and the OAuth2 POST. */
export async function startTokenServer(options: TokenServerOptions): Promise<TokenServer> {
  const key = createPrivateKey(await readFile(options.keyFile));
  const certificate = new X509Certificate(await readFile(options.certFile));
  const lifetime = options.lifetimeSeconds ?? 300;
  const grants: Grants = options.grants ?? ((user) => user !== undefined);
  let requests = 0;

  const issue = ({ user, scopes }: TokenRequest): string => {
    const now = Math.floor(Date.now() / 1000);
    const access = scopes.map(parseScope).map(({ type, name, actions }) => ({
      type,
      name,
      actions: actions.filter((action) => grants(user, name, action)),
    }));
    const header = { typ: 'JWT', alg: 'ES256', x5c: [certificate.raw.toString('base64')] };
    const claims = {
      iss: options.issuer,
      sub: user ?? '',
      aud: options.service,
      iat: now,
      nbf: now - 10,
      exp: now + lifetime,
      jti: randomUUID(),
      access,
    };
    const text = [header, claims]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.');
    // JOSE wants the two numbers side by side, not DER.
    const signature = sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' });
    return `${text}.${signature.toString('base64url')}`;
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const asked = await readRequest(request, options.credentials);
    if (asked === undefined) {
      response.writeHead(401, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ errors: [{ code: 'UNAUTHORIZED', message: 'wrong credentials' }] }));
      return;
    }
    requests++;
    const token = issue(asked);
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ token, access_token: token, expires_in: lifetime }));
  };
  const server = await serve((request, response) => {
    answer(request, response).catch(() => response.destroy());
  }, options.tls);
  const stop = stopper(() => server.close());
  return {
    // Clients refuse a realm that is a loopback address; the name they take.
    url: `${server.url.replace('127.0.0.1', 'localhost')}/token`,
    get requests() {
      return requests;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** What was asked for and by whom; nothing when the credentials are wrong. */
async function readRequest(
  request: IncomingMessage,
  credentials: Credentials,
): Promise<TokenRequest | undefined> {
  if (request.method === 'POST') {
    const form = new URLSearchParams(await bodyOf(request));
    const right =
      form.get('grant_type') === 'password'
        ? form.get('username') === credentials.username && form.get('password') === credentials.password
        : form.get('refresh_token') === credentials.password;
    return right ? { user: credentials.username, scopes: splitScopes(form.getAll('scope')) } : undefined;
  }
  const scopes = splitScopes(new URL(request.url ?? '/', 'http://token').searchParams.getAll('scope'));
  const header = request.headers.authorization;
  if (header === undefined) return { user: undefined, scopes };
  const expected = Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64');
  return header === `Basic ${expected}` ? { user: credentials.username, scopes } : undefined;
}

function splitScopes(values: readonly string[]): string[] {
  return values.flatMap((value) => value.split(' ')).filter((scope) => scope !== '');
}

/** `type:name:actions`, where a name may hold a host with a port. */
function parseScope(scope: string): { type: string; name: string; actions: string[] } {
  const first = scope.indexOf(':');
  const last = scope.lastIndexOf(':');
  return {
    type: scope.slice(0, first),
    name: scope.slice(first + 1, last),
    actions: scope.slice(last + 1).split(','),
  };
}
