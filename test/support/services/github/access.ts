import { createHash, type KeyObject, randomBytes, verify } from 'node:crypto';

/** Rights of a token on a repository. Metadata is always readable. */
export interface Rights {
  readonly actions?: 'read' | 'write';
  readonly contents?: 'read' | 'write';
  readonly pulls?: 'read' | 'write';
  /** Role of the person behind a classic token. */
  readonly push?: boolean;
}

/** Who a request is from, and what it may do. */
export interface DoubleToken {
  readonly value: string;
  readonly login: string;
  /** Fine-grained tokens and installations are told what they lack; classic ones get 404. */
  readonly kind: 'classic' | 'fine-grained' | 'installation';
  /** OAuth scopes of a classic token. */
  readonly scopes: readonly string[];
  /** Undefined: the repository is invisible. */
  readonly rights: (repository: string) => Rights | undefined;
  /** The organization demands single sign-on, and the token was not authorized for it. */
  readonly sso: boolean;
}

const ALL: Rights = { actions: 'write', contents: 'write', pulls: 'write', push: true };

/** A token by what is said of it; everything is allowed unless told. */
export function makeToken(
  more: Partial<Omit<DoubleToken, 'value'>> & { readonly value?: string } = {},
): DoubleToken {
  const kind = more.kind ?? 'fine-grained';
  const prefix = { classic: 'ghp', 'fine-grained': 'github_pat', installation: 'ghs' }[kind];
  return {
    value: more.value ?? `${prefix}_${randomBytes(18).toString('hex')}`,
    login: more.login ?? 'octocat',
    kind,
    scopes: more.scopes ?? ['repo', 'workflow'],
    rights: more.rights ?? (() => ALL),
    sso: more.sso ?? false,
  };
}

/** A GitHub App that is installed; its tokens are made by `POST /app/installations/{id}/access_tokens`. */
export interface DoubleApp {
  readonly id: string;
  readonly installation: string;
  readonly key: KeyObject;
  readonly rights?: (repository: string) => Rights | undefined;
}

/**
 * Why a JWT is not one of the app; undefined where it is ("Generating a JSON Web Token (JWT) for a GitHub App": RS256,
 * `iss` the app, `iat` not in the future, `exp` at most ten minutes ahead). `now`: seconds since 1970, of the server.
 */
export function jwtFault(jwt: string, app: DoubleApp, now: number): string | undefined {
  const [head = '', body = '', signature = ''] = jwt.split('.');
  try {
    const header = JSON.parse(Buffer.from(head, 'base64url').toString());
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString());
    if (header.alg !== 'RS256') return 'A JSON web token could not be decoded';
    if (!verify('sha256', Buffer.from(`${head}.${body}`), app.key, Buffer.from(signature, 'base64url')))
      return 'A JSON web token could not be decoded';
    if (`${claims.iss}` !== app.id) return "'Issuer' claim ('iss') must be an Integer or a Client ID";
    if (!(claims.iat <= now))
      return "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued";
    if (!(claims.exp > now))
      return "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires";
    if (claims.exp > now + 600) return "'Expiration time' claim ('exp') is too far in the future";
    return undefined;
  } catch {
    return 'A JSON web token could not be decoded';
  }
}

/** A weak entity tag of a body. */
export function etagOf(body: string): string {
  return `W/"${createHash('sha256').update(body).digest('hex')}"`;
}
