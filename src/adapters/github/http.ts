import { request as octokit } from '@octokit/request';
import { RequestError as OctokitError } from '@octokit/request-error';
import { PrimitiveError } from '../../core/errors.ts';
import { createHttpClient, type Network } from '../../http/client.ts';
import { type Clock, withRetries } from '../../http/retry.ts';
import { RequestError } from '../../http/send.ts';
import { type ApiToken, noAnswer, refusedAnswer, unusableAnswer } from './failure.ts';
import type { GithubHost } from './host.ts';

/** Settings of the API client. */
export interface ApiOptions {
  readonly host: GithubHost;
  readonly token: ApiToken;
  readonly network: Network;
  readonly clock: Clock;
  /** Milliseconds that one call may spend on retries and on waits that GitHub asks for. */
  readonly budget: number;
  readonly signal: AbortSignal;
  /** Called before each wait, in milliseconds. */
  readonly onRetry: (event: {
    readonly host: string;
    readonly reason: string;
    readonly delay: number;
  }) => void;
}

/** Typed calls of GitHub's REST API: Octokit's routes over the HTTP client of this program. */
export interface Api {
  /** Sends what has no effect; what may pass by itself is tried again. */
  readonly read: typeof octokit;
  /** Sends once; only what GitHub has refused for its rate is sent again. */
  readonly write: typeof octokit;
  close(): Promise<void>;
}

/** Logs are read whole. */
const MAX_BYTES = 64 * 1024 * 1024;
/** Milliseconds. */
const STALL = 60_000;
/** The statuses that have no body (Fetch, "null body status"). */
const NO_BODY = new Set([204, 205, 304]);

export function createApi(options: ApiOptions): Api {
  const { token, clock, signal } = options;
  const baseUrl = options.host.api;
  const { host } = new URL(baseUrl);
  const client = createHttpClient({
    ...options.network,
    service: 'github',
    concurrency: 8,
    stallTimeout: STALL,
    signal,
  });
  /** The last answer by URL: an unchanged one costs no part of the rate limit. */
  const known = new Map<string, { readonly etag: string; readonly response: Response }>();

  /** The `fetch` of Octokit. */
  const send = async (address: string, init: RequestInit): Promise<Response> => {
    const kept = init.method === 'GET' ? known.get(address) : undefined;
    const { status, headers, body } = await client.send({
      method: init.method as 'GET' | 'POST',
      url: new URL(address),
      headers: {
        ...(init.headers as Record<string, string>),
        ...(kept === undefined ? {} : { 'if-none-match': kept.etag }),
      },
      ...(typeof init.body === 'string' ? { body: init.body } : {}),
      maxBytes: MAX_BYTES,
    });
    if (status === 304 && kept !== undefined) return kept.response.clone();
    const type = headers['content-type'] ?? '';
    if (status < 300 && type.startsWith('text/html')) throw unusableAnswer(type, host);
    const response = new Response(NO_BODY.has(status) ? null : Buffer.from(body), { status, headers });
    if (status === 200 && headers.etag !== undefined)
      known.set(address, { etag: headers.etag, response: response.clone() });
    return response;
  };

  const calls = (effect: boolean) =>
    octokit.defaults({
      baseUrl,
      headers: { authorization: `Bearer ${token.value}`, 'user-agent': 'primitive' },
      request: {
        fetch: send,
        // Octokit warns of deprecated routes on the console.
        log: { warn: () => {} },
        hook: (call: (endpoint: unknown) => Promise<unknown>, endpoint: unknown) =>
          withRetries(
            {
              clock,
              budget: options.budget,
              signal,
              onRetry: ({ reason, delay }) => options.onRetry({ host, reason, delay }),
            },
            () =>
              call(endpoint).catch((thrown: unknown) => {
                throw failureOf(thrown, { host, token, effect });
              }),
          ),
      },
    });

  return { read: calls(false), write: calls(true), close: () => client.close() };
}

function failureOf(
  thrown: unknown,
  context: { readonly host: string; readonly token: ApiToken; readonly effect: boolean },
): unknown {
  if (!(thrown instanceof OctokitError)) return thrown;
  // What the fetch above throws, Octokit wraps.
  if (thrown.cause instanceof PrimitiveError) return thrown.cause;
  if (thrown.cause instanceof RequestError) return noAnswer(thrown.cause, context);
  return refusedAnswer(thrown, context) ?? thrown;
}
