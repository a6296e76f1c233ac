import { PrimitiveError } from '../errors.ts';

/** What GitHub Actions gives a job with `permissions: id-token: write`. */
export interface OidcEndpoint {
  /** ACTIONS_ID_TOKEN_REQUEST_URL. */
  readonly url: string;
  /** ACTIONS_ID_TOKEN_REQUEST_TOKEN; a secret. */
  readonly token: string;
  readonly signal?: AbortSignal;
}

const ATTEMPTS = 4;
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
  let last = '';
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const limit = AbortSignal.timeout(TIMEOUT);
    try {
      const response = await fetch(endpoint, {
        headers: { authorization: `bearer ${token}`, accept: 'application/json' },
        redirect: 'error',
        signal: signal ? AbortSignal.any([signal, limit]) : limit,
      });
      if (response.ok) {
        const body: unknown = await response.json();
        if (typeof body === 'object' && body !== null && 'value' in body && typeof body.value === 'string')
          return body.value;
        last = 'the answer holds no token';
        break;
      }
      last = `it answered ${response.status}`;
      if (response.status < 500 && response.status !== 429) break;
    } catch (error) {
      signal?.throwIfAborted();
      last = error instanceof Error ? error.name : 'it cannot be reached';
    }
    await new Promise((resolve) => setTimeout(resolve, 250 * 2 ** attempt));
  }
  throw new PrimitiveError('identity-token-failed', `GitHub gave no OIDC token: ${last}.`, {
    why: `Asked ${endpoint.origin} with the token of this job.`,
    suggestions: [
      'Give the job `permissions: { id-token: write, contents: read, packages: write }`.',
      'Run the job again.',
    ],
    exit: 3,
    retryable: true,
  });
}

function parse(url: string): URL {
  const endpoint = URL.canParse(url) ? new URL(url) : undefined;
  const loopback = endpoint && ['127.0.0.1', 'localhost', '[::1]'].includes(endpoint.hostname);
  if (endpoint?.protocol === 'https:' || (endpoint?.protocol === 'http:' && loopback)) return endpoint;
  throw new PrimitiveError('identity-token-failed', 'ACTIONS_ID_TOKEN_REQUEST_URL is not an https URL.', {
    exit: 3,
  });
}
