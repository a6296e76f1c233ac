import { setTimeout as sleep } from 'node:timers/promises';
import { PrimitiveError } from '../errors.ts';

/** What GitHub Actions gives a job with `permissions: id-token: write`. */
export interface OidcEndpoint {
  /** ACTIONS_ID_TOKEN_REQUEST_URL. */
  readonly url: string;
  /** ACTIONS_ID_TOKEN_REQUEST_TOKEN; a secret. */
  readonly token: string;
  readonly signal?: AbortSignal;
}

/** Milliseconds before each attempt. */
const DELAYS = [0, 500, 1_000, 2_000] as const;
const TIMEOUT = 10_000;

/**
 * A fresh OIDC token of this job for the audience `sigstore` (GitHub docs, "OpenID Connect reference"). They live for
 * minutes only, so one is asked for per signature.
 *
 * Throws `identity-token-failed` (exit 3); no message holds a token or the query of the URL.
 */
export async function requestIdToken({ url, token, signal }: OidcEndpoint): Promise<string> {
  const endpoint = parse(url);
  endpoint.searchParams.set('audience', 'sigstore');
  let why = '';
  let retryable = true;
  for (const delay of DELAYS) {
    try {
      await sleep(delay, undefined, { signal });
      const limit = AbortSignal.timeout(TIMEOUT);
      const response = await fetch(endpoint, {
        headers: { authorization: `bearer ${token}`, accept: 'application/json' },
        redirect: 'error',
        signal: signal ? AbortSignal.any([signal, limit]) : limit,
      });
      if (response.ok) {
        const value = tokenIn(await response.json());
        if (value !== undefined) return value;
      }
      why = response.ok ? 'the answer holds no token' : `it answered ${response.status}`;
      retryable = response.status >= 500 || response.status === 429;
      if (!retryable) break;
    } catch (error) {
      signal?.throwIfAborted();
      why = reasonOf(error);
    }
  }
  throw new PrimitiveError('identity-token-failed', `GitHub gave no OIDC token: ${why}.`, {
    why: `Asked ${endpoint.origin} with the token of this job.`,
    suggestions: [
      'Give the job `permissions: { id-token: write, contents: read, packages: write }`.',
      'Run the job again.',
    ],
    exit: 3,
    retryable,
  });
}

function tokenIn(body: unknown): string | undefined {
  return typeof body === 'object' && body !== null && 'value' in body && typeof body.value === 'string'
    ? body.value
    : undefined;
}

/** A code such as ECONNREFUSED, which fetch keeps in the cause; never a message, which may name the whole URL. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string') return cause.code;
  return error instanceof Error ? error.name : 'it cannot be reached';
}

function parse(url: string): URL {
  const endpoint = URL.canParse(url) ? new URL(url) : undefined;
  const loopback = endpoint && ['127.0.0.1', 'localhost', '[::1]'].includes(endpoint.hostname);
  if (endpoint?.protocol === 'https:' || (endpoint?.protocol === 'http:' && loopback)) return endpoint;
  throw new PrimitiveError('identity-token-failed', 'ACTIONS_ID_TOKEN_REQUEST_URL is not an https URL.', {
    why: 'The token of the job would go over the network as it is, or to something else than a web server.',
    suggestions: ['Leave the variable as GitHub Actions sets it.'],
    exit: 3,
  });
}
