import { setTimeout as sleep } from 'node:timers/promises';
import { PrimitiveError } from '../core/errors.ts';
import { optional } from '../core/object.ts';
import { createHttpClient, type Network } from '../http/client.ts';
import { isLoopbackHost } from '../http/loopback.ts';
import { RequestError } from '../http/send.ts';

/** The token endpoint that GitHub Actions gives a job with `permissions: id-token: write`. */
export interface OidcEndpoint {
  /** ACTIONS_ID_TOKEN_REQUEST_URL. */
  readonly url: string;
  /** ACTIONS_ID_TOKEN_REQUEST_TOKEN; a secret. */
  readonly token: string;
  /** Of a runner of one's own, which may be behind a proxy. */
  readonly network?: Network;
  readonly signal?: AbortSignal;
}

/** Milliseconds before each attempt. */
const DELAYS = [0, 500, 1_000, 2_000] as const;
const TIMEOUT = 10_000;
const MAX_BYTES = 64 * 1024;

/**
 * A fresh OIDC token of this job for the audience `sigstore` (GitHub docs, "OpenID Connect reference"). They live for
 * minutes only, so one that is not young is asked for again.
 *
 * Throws `identity-token-failed` (exit 3); no message holds a token or the query of the URL.
 */
export async function requestIdToken({ url, token, network, signal }: OidcEndpoint): Promise<string> {
  const endpoint = parse(url);
  endpoint.searchParams.set('audience', 'sigstore');
  const client = createHttpClient({
    ...network,
    service: 'github',
    concurrency: 1,
    stallTimeout: TIMEOUT,
    ...optional('signal', signal),
  });
  let why = '';
  let retryable = true;
  try {
    for (const delay of DELAYS) {
      try {
        await sleep(delay, undefined, { signal });
        const { status, body } = await client.send({
          method: 'GET',
          url: endpoint,
          headers: { authorization: `bearer ${token}`, accept: 'application/json' },
          maxBytes: MAX_BYTES,
        });
        const value = status === 200 ? tokenIn(body) : undefined;
        if (value !== undefined) return value;
        why = status === 200 ? 'the answer holds no token' : `it answered ${status}`;
        retryable = status >= 500 || status === 429;
        if (!retryable) break;
      } catch (error) {
        signal?.throwIfAborted();
        why = error instanceof RequestError ? error.message : 'it cannot be reached';
      }
    }
  } finally {
    await client.close();
  }
  throw new PrimitiveError('identity-token-failed', `Cannot get an OIDC token from GitHub: ${why}`, {
    why: `The request went to ${endpoint.origin} with the token of this job.`,
    suggestions: [
      'Give the job `permissions: { id-token: write, contents: read, packages: write }`.',
      'Run the job again.',
    ],
    exit: 3,
    retryable,
  });
}

function tokenIn(body: Uint8Array): string | undefined {
  try {
    const answer: unknown = JSON.parse(new TextDecoder().decode(body));
    const value =
      typeof answer === 'object' && answer !== null && 'value' in answer ? answer.value : undefined;
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}

function parse(url: string): URL {
  const endpoint = URL.canParse(url) ? new URL(url) : undefined;
  if (endpoint?.protocol === 'https:' || (endpoint?.protocol === 'http:' && isLoopbackHost(endpoint.host)))
    return endpoint;
  throw new PrimitiveError('identity-token-failed', 'ACTIONS_ID_TOKEN_REQUEST_URL is not an https URL', {
    why: 'The token of the job would be sent without encryption.',
    suggestions: ['Do not change the variable that GitHub Actions sets.'],
    exit: 3,
  });
}
