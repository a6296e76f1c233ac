import { createHash, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import type { HonoRequest } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify } from 'jose';
import { DeniedError, SdkError, SignInError } from './calls.ts';
import { type Read, secureUrl } from './settings.ts';

/** Who may send requests, and what says who the user is. */
export type AcceptProxy =
  /** Everyone is the proxy: for local use. Headers name the user, who is of this tenant. */
  | { readonly by: 'anyone'; readonly tenant: string }
  /** The proxy sends one of the tokens in a file, and names the user in headers. */
  | { readonly by: 'tokens'; readonly file: string }
  /** The proxy passes on a JWT that names the user. */
  | {
      readonly by: 'keys';
      /** The keys that sign the JWTs, as a JWKS. */
      readonly url: URL;
      readonly issuer: string;
      readonly audience: string;
      /** The claim with the tenant. */
      readonly tenantClaim: string;
    };

/** Reads who may send requests, of `ACCEPT_PROXY` and the variables that belong to it. */
export function acceptProxy(read: Read): AcceptProxy {
  const rule =
    '`anyone:TENANT`, the absolute path of a readable file with tokens, or the https URL of a JWKS';
  const accepted = read('ACCEPT_PROXY', `must be ${rule}`, proxyKind);
  if (!(accepted instanceof URL)) return accepted;
  const text = (value: string) => value || undefined;
  return {
    by: 'keys',
    url: accepted,
    issuer: read('ISSUER_URL', 'must not be empty', text),
    audience: read('AUDIENCE', 'must not be empty', text),
    tenantClaim: read('TENANT_CLAIM', 'must not be empty', text, 'tenantId'),
  };
}

function proxyKind(text: string): Exclude<AcceptProxy, { by: 'keys' }> | URL | undefined {
  if (/^anyone(?::|$)/.test(text)) {
    const tenant = text.slice('anyone:'.length);
    return isName(tenant) ? { by: 'anyone', tenant } : undefined;
  }
  if (!isAbsolute(text)) return secureUrl(text);
  try {
    tokensIn(text);
    return { by: 'tokens', file: text };
  } catch {
    return undefined;
  }
}

/** The user of a request. */
export interface Person {
  /** Undefined: the user is not signed in. */
  readonly tenant: string | undefined;
  readonly subject: string | undefined;
}

/**
 * Returns the user of a request. Throws an HTTPException if the request is not from the proxy (401) or malformed (400),
 * and SignInError, DeniedError or SdkError.
 */
export type Identify = (request: HonoRequest) => Person | Promise<Person>;

export function identifyBy(accept: AcceptProxy): Identify {
  if (accept.by === 'keys') return identifyByKeys(accept);
  if (accept.by === 'anyone') return (request) => personOf(accept.tenant, request);
  return (request) => {
    // Read for each request, because orchestrators rotate it.
    const tokens = tokensIn(accept.file);
    const given = digest(bearer(request) ?? '');
    if (!tokens.some((token) => timingSafeEqual(digest(token), given))) {
      throw new HTTPException(401, { message: 'the request has no token of ACCEPT_PROXY' });
    }
    return personInHeaders(request);
  };
}

/** The tokens in a file, one per line. Throws if it cannot be read or has none. */
export function tokensIn(file: string): readonly string[] {
  const tokens = readFileSync(file, 'utf8').match(/\S+/g);
  if (tokens === null) throw new Error(`${file} has no token`);
  return tokens;
}

type ByKeys = Extract<AcceptProxy, { by: 'keys' }>;

function identifyByKeys({ url, issuer, audience, tenantClaim }: ByKeys): Identify {
  // Caches the keys. Tokens with unknown keys cause at most one request in 30 seconds.
  const keys = createRemoteJWKSet(url);
  const rules = { issuer, audience, requiredClaims: ['exp'], clockTolerance: 5 };
  return async (request) => {
    const token = bearer(request);
    if (token === undefined) return { tenant: undefined, subject: undefined };
    const claims = await verified(() => jwtVerify(token, keys, rules));
    const [tenant, subject] = [claims[tenantClaim], claims.sub];
    // Not a SignInError: signing in again would return the same claims.
    if (!isName(tenant) || !isName(subject))
      throw new DeniedError(`claims sub and ${tenantClaim} are not names`);
    return { tenant, subject };
  };
}

/** These errors of jose are about the keys; others are about the token. */
const KEY_ERRORS = ['ERR_JOSE_GENERIC', 'ERR_JWKS_INVALID', 'ERR_JWKS_TIMEOUT'];

async function verified(verify: () => Promise<{ payload: JWTPayload }>): Promise<JWTPayload> {
  try {
    return (await verify()).payload;
  } catch (cause) {
    if (cause instanceof errors.JWTExpired) throw new SignInError('the token expired', { cause });
    if (cause instanceof errors.JOSEError && !KEY_ERRORS.includes(cause.code)) {
      throw new HTTPException(401, { message: 'the token is not valid', cause });
    }
    throw new SdkError('cannot load the keys of ACCEPT_PROXY', { cause });
  }
}

/** The token in the header `Authorization`. Undefined without one; repeated headers are no token. */
function bearer(request: HonoRequest): string | undefined {
  const header = request.header('authorization');
  return header === undefined ? undefined : (/^Bearer +(\S+)$/i.exec(header)?.[1] ?? '');
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function personOf(tenant: string, request: HonoRequest): Person {
  const person = personInHeaders(request);
  if (person.tenant === undefined || person.tenant === tenant) return person;
  throw new DeniedError('the request names another tenant than that of anyone');
}

/** The proxy sets these headers, and removes them from client requests. */
function personInHeaders(request: HonoRequest): Person {
  // Some proxies send an empty header for anonymous users.
  const [tenant, subject] = ['tenant-id', 'subject-id'].map((name) => request.header(name) || undefined);
  // A header that was sent twice is joined with a space.
  if (![tenant, subject].every((name) => name === undefined || isName(name))) throw new HTTPException(400);
  return { tenant, subject };
}

/** Whether a value has the format of tenants and subjects. */
export function isName(value: unknown): value is string {
  return typeof value === 'string' && /^[!-~]{1,200}$/.test(value);
}
