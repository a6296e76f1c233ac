import { generateKeyPairSync, randomBytes, randomUUID, sign } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Claims, githubClaims, githubEnv, type WorkflowRun } from './github-claims.ts';
import { serve } from './http.ts';
import { type Service, stopper } from './service.ts';

/** An OpenID Connect issuer on loopback that speaks as GitHub Actions does. */
export interface OidcIssuer extends Service {
  /** The `iss` of its tokens. */
  readonly url: string;
  /** An ID token; claims that are given replace the defaults one by one, an empty string removes one. */
  token(claims?: Claims, audience?: string): string;
  /** Environment of a step of such a run, with the address that hands out its ID tokens. */
  githubActionsEnv(run?: WorkflowRun, claims?: Claims): Record<string, string>;
  /** How many ID tokens were asked for over HTTP. */
  readonly tokenRequests: number;
}

/** Starts an issuer with an RSA key of its own. */
export async function startOidcIssuer(): Promise<OidcIssuer> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const kid = randomUUID();
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'RS256' };
  // A bearer token stands for one run: its claims are what that run can prove about itself.
  const runs = new Map<string, Claims>();
  let tokenRequests = 0;

  const mint = (claims: Claims, audience: string): string => {
    const now = Math.floor(Date.now() / 1000);
    const kept = Object.entries(claims).filter(([, value]) => value !== '');
    const payload = {
      iss: server.url,
      aud: audience,
      jti: randomUUID(),
      iat: now,
      nbf: now - 10,
      exp: now + 600,
      ...Object.fromEntries(kept),
    };
    const text = [{ typ: 'JWT', alg: 'RS256', kid }, payload]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.');
    return `${text}.${sign('sha256', Buffer.from(text), privateKey).toString('base64url')}`;
  };

  const idToken = (request: IncomingMessage, response: ServerResponse, audience: string | null): void => {
    const claims = runs.get(request.headers.authorization?.replace(/^bearer /i, '') ?? '');
    if (claims === undefined) {
      json(response, 401, { message: 'no such run' });
      return;
    }
    tokenRequests++;
    // GitHub's own default audience is the owner's address.
    json(response, 200, { value: mint(claims, audience ?? `https://github.com/${claims.repository_owner}`) });
  };

  const server = await serve((request, response) => {
    const url = new URL(request.url ?? '/', 'http://issuer');
    if (url.pathname === '/.well-known/openid-configuration') {
      json(response, 200, {
        issuer: server.url,
        jwks_uri: `${server.url}/keys`,
        response_types_supported: ['id_token'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['RS256'],
      });
    } else if (url.pathname === '/keys') {
      json(response, 200, { keys: [jwk] });
    } else if (url.pathname === '/id-token') {
      idToken(request, response, url.searchParams.get('audience'));
    } else {
      json(response, 404, { message: 'not found' });
    }
  });
  const stop = stopper(() => server.close());
  return {
    url: server.url,
    token: (claims = {}, audience = 'sigstore') => mint({ ...githubClaims(), ...claims }, audience),
    githubActionsEnv(run = {}, claims = {}) {
      const bearer = randomBytes(24).toString('hex');
      runs.set(bearer, { ...githubClaims(run), ...claims });
      return {
        ...githubEnv(run),
        // The address already has a query, so that callers append "&audience=…" as on GitHub.
        ACTIONS_ID_TOKEN_REQUEST_URL: `${server.url}/id-token?api-version=2.0`,
        ACTIONS_ID_TOKEN_REQUEST_TOKEN: bearer,
      };
    },
    get tokenRequests() {
      return tokenRequests;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
