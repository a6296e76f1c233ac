import type { RequestError as OctokitError } from '@octokit/request-error';
import { type CodeAfter, PrimitiveError } from '../../core/errors.ts';
import { field } from '../../core/object.ts';
import { AttemptFailure } from '../../http/retry.ts';
import type { RequestError } from '../../http/send.ts';

/** A token and its source: `GH_TOKEN`. */
export interface ApiToken {
  /** A secret. */
  readonly value: string;
  readonly source: string;
}

interface Context {
  readonly host: string;
  readonly token: ApiToken;
  /** Whether the request has an effect, so that it must not be sent twice. */
  readonly effect: boolean;
}

/** Milliseconds; "Rate limits for the REST API": at least a minute if a secondary limit names no time. */
const SECONDARY_DELAY = 60_000;
/** Milliseconds for which a host that cannot be reached is asked again. */
const UNREACHABLE_WINDOW = 30_000;
/** Milliseconds for which a server that fails is asked again. */
const FAILING_WINDOW = 300_000;

const CHECK_HOST = 'For GitHub Enterprise Server, check `gitops.host`, GH_HOST or GITHUB_API_URL.';

/** A request without an answer as an error. What broke after it was sent is `github-failed`. */
export function noAnswer(failure: RequestError, { host, effect }: Context): AttemptFailure {
  const { kind, message } = failure;
  switch (kind) {
    case 'certificate':
      return new AttemptFailure(
        error('github-certificate', `The certificate of ${host} is not trusted.`, `${message}.`, failure, [
          "Set SSL_CERT_FILE to the authority's PEM file.",
        ]),
      );
    case 'protocol':
    case 'proxy':
    case 'unknown-host':
    case 'unreachable': {
      const unreachable = error('github-unreachable', `Cannot reach ${host}.`, `${message}.`, failure, [
        'Behind a proxy, set HTTPS_PROXY and NO_PROXY.',
        CHECK_HOST,
      ]);
      const passes = kind === 'unreachable' || kind === 'unknown-host';
      return new AttemptFailure(
        unreachable,
        passes ? { reason: message, within: UNREACHABLE_WINDOW } : undefined,
      );
    }
    default: {
      const failed = error('github-failed', `${host} did not answer.`, `${message}.`, failure, []);
      const passes = !effect && (kind === 'interrupted' || kind === 'stalled');
      return new AttemptFailure(failed, passes ? { reason: message, within: FAILING_WINDOW } : undefined);
    }
  }
}

/** An answer in a form that GitHub's API does not have, such as the page of a proxy that asks for a login. */
export function unusableAnswer(type: string, host: string): PrimitiveError {
  return error('github-failed', `${host} did not answer as GitHub's API.`, `It sent ${type}.`, undefined, [
    'A proxy or a login page may have answered. Set HTTPS_PROXY and NO_PROXY.',
    CHECK_HOST,
  ]);
}

/** An answer that says no, as an error; undefined if a request with an effect was refused, which the caller looks at. */
export function refusedAnswer(
  answer: OctokitError,
  { host, token, effect }: Context,
): AttemptFailure | undefined {
  const { status } = answer;
  const message = messageOf(answer, token);
  const said = message === '' ? `GitHub answered ${status}.` : `GitHub answered ${status}: ${message}`;
  const headers = answer.response?.headers ?? {};
  if (status === 401) {
    return new AttemptFailure(
      error('github-unauthorized', `${host} does not accept the token of ${token.source}.`, said, answer, [
        'It may be expired or revoked. Create a new one, or run: gh auth login',
      ]),
    );
  }
  const closed = status === 403 ? keptOut(answer, message, said, { host, token }) : undefined;
  if (closed !== undefined) return new AttemptFailure(closed);
  const delay = status === 403 || status === 429 ? limitDelay(answer) : undefined;
  if (delay !== undefined) {
    const limited = error('github-rate-limited', `${host} limits the rate of requests.`, said, answer, [
      `Try again in ${Math.ceil(delay / 60_000)} min, or use the token of an app, which has a limit of its own.`,
    ]);
    return new AttemptFailure(limited, { reason: 'rate limit', after: delay });
  }
  if (status === 408 || status >= 500) {
    const failed = error('github-failed', `${host} failed to answer.`, said, answer, [
      'Try again later: https://www.githubstatus.com',
    ]);
    return new AttemptFailure(failed, effect ? undefined : { reason: `${status}`, within: FAILING_WINDOW });
  }
  if (effect) return undefined;
  if (status !== 403)
    return new AttemptFailure(
      error('github-refused', `${host} refused a request.`, said, answer, [CHECK_HOST]),
    );
  const needs = headers['x-accepted-github-permissions'];
  return new AttemptFailure(
    error(
      'github-forbidden',
      `The token of ${token.source} may not read ${subjectOf(answer)}.`,
      said,
      answer,
      [
        needs === undefined
          ? 'Fine-grained token or app: Actions, Contents and Pull requests: read. Classic token: the scope repo.'
          : `Give it the permission ${needs}.`,
      ],
    ),
  );
}

/** The error for a rule of the organization that keeps a token out whatever its permissions; undefined if it is none. */
function keptOut(
  answer: OctokitError,
  message: string,
  said: string,
  { host, token }: Pick<Context, 'host' | 'token'>,
): PrimitiveError | undefined {
  const sso = answer.response?.headers['x-github-sso'];
  if (sso !== undefined || /SAML enforcement/i.test(message)) {
    const url = /url=(\S+)/.exec(`${sso}`)?.[1];
    return error(
      'github-sso-required',
      `The token of ${token.source} is not authorized for single sign-on.`,
      said,
      answer,
      [`Authorize it: ${url ?? 'https://github.com/settings/tokens, Configure SSO'}`],
    );
  }
  if (/IP allow list/i.test(message)) {
    return error(
      'github-ip-not-allowed',
      `The IP allow list of the organization on ${host} does not include this machine.`,
      said,
      answer,
      [
        "Connect through your organization's network or VPN.",
        'In CI, use a runner with an address on the list, or ask an owner of the organization to add it.',
      ],
    );
  }
  if (/OAuth App access restrictions/i.test(message)) {
    return error(
      'github-oauth-restricted',
      `The organization does not allow the OAuth app of the token of ${token.source}.`,
      said,
      answer,
      [
        'Ask an owner of the organization to approve the app: Settings, Applications, Authorized OAuth Apps',
        'Or set GH_TOKEN to a personal access token, or use a GitHub App.',
      ],
    );
  }
  return undefined;
}

/** The requested resource, in the words of token permissions. */
function subjectOf({ request }: OctokitError): string {
  const [, area = ''] = /\/repos\/[^/]+\/[^/]+\/(actions|contents|pulls)\b/.exec(request.url) ?? [];
  const words: Readonly<Record<string, string>> = {
    actions: 'Actions',
    contents: 'Contents',
    pulls: 'Pull requests',
  };
  return words[area] ?? 'the repository';
}

/** The message of GitHub, safe to print; empty if there is none, or a page was sent. */
export function messageOf(answer: OctokitError, { value }: ApiToken): string {
  const data = answer.response?.data;
  const message = field(data, 'message') ?? data;
  if (typeof message !== 'string') return '';
  const line = message.replaceAll(value, '***').replace(/\s+/g, ' ').trim();
  if (line.startsWith('<')) return '';
  return line.length <= 300 ? line : `${line.slice(0, 299)}…`;
}

/**
 * Milliseconds that a rate limit asks to wait; undefined if the answer is none ("Rate limits for the REST API":
 * Retry-After first, then x-ratelimit-reset if nothing remains, else a minute).
 */
function limitDelay({ response, message }: OctokitError): number | undefined {
  const headers = response?.headers ?? {};
  const after = Number(headers['retry-after'] ?? Number.NaN);
  if (Number.isFinite(after)) return after * 1000;
  const reset = Number(headers['x-ratelimit-reset'] ?? Number.NaN);
  if (headers['x-ratelimit-remaining'] === '0' && Number.isFinite(reset)) {
    // By GitHub's own clock: that of this machine may be wrong.
    const now = Date.parse(`${headers.date}`);
    return Math.max(1_000, reset * 1000 - (Number.isNaN(now) ? Date.now() : now));
  }
  return /rate limit|abuse detection/i.test(message) ? SECONDARY_DELAY : undefined;
}

function error(
  code: `github-${CodeAfter<'github'>}`,
  message: string,
  why: string,
  cause: unknown,
  suggestions: readonly string[],
): PrimitiveError {
  const retryable = ['github-unreachable', 'github-failed', 'github-rate-limited'].includes(code);
  return new PrimitiveError(code, message, { why, suggestions, exit: 3, retryable, cause });
}
