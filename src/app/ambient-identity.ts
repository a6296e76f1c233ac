import { readFile } from 'node:fs/promises';
import { PrimitiveError } from '../core/errors.ts';
import { optional } from '../core/object.ts';
import { decodeClaims, type PullRequestEvent, readPullRequest } from '../seal/run-identity.ts';
import { type Environment, networkOf } from './environment.ts';

/** Milliseconds for which the token whose claims were read also signs; a build may take longer than one lives. */
const YOUNG = 60_000;

/** The OIDC identity that this process can sign with, without a prompt. */
export interface AmbientIdentity {
  /** A token for the audience `sigstore`, at most a minute old if it can be had: they live for minutes. A secret. */
  idToken(): Promise<string>;
  /** Decoded, not verified. */
  readonly claims: Readonly<Record<string, unknown>>;
  readonly pullRequest?: PullRequestEvent;
}

/**
 * Finds the ambient identity: SIGSTORE_ID_TOKEN, else the token endpoint of GitHub Actions; undefined if there is
 * neither. Throws `identity-token-failed`, `identity-token-invalid`, `identity-token-expired` or
 * `identity-event-invalid` (exit 3).
 */
export async function findAmbientIdentity(
  { variables }: Pick<Environment, 'variables'>,
  signal: AbortSignal,
): Promise<AmbientIdentity | undefined> {
  const request = tokenSource(variables, signal);
  if (!request) return undefined;
  const asked = performance.now();
  const first = await request();
  const claims = decodeClaims(first);
  checkExpiry(claims);
  const pullRequest = await readEvent(variables.GITHUB_EVENT_PATH);
  const idToken = async () => (performance.now() - asked < YOUNG ? first : request());
  return { idToken, claims, ...optional('pullRequest', pullRequest) };
}

function tokenSource(
  variables: Environment['variables'],
  signal: AbortSignal,
): (() => Promise<string>) | undefined {
  const { SIGSTORE_ID_TOKEN, ACTIONS_ID_TOKEN_REQUEST_URL, ACTIONS_ID_TOKEN_REQUEST_TOKEN } = variables;
  if (SIGSTORE_ID_TOKEN) return async () => SIGSTORE_ID_TOKEN;
  if (!ACTIONS_ID_TOKEN_REQUEST_URL || !ACTIONS_ID_TOKEN_REQUEST_TOKEN) return undefined;
  return async () => {
    const { requestIdToken } = await import('../adapters/github-oidc.ts');
    return requestIdToken({
      url: ACTIONS_ID_TOKEN_REQUEST_URL,
      token: ACTIONS_ID_TOKEN_REQUEST_TOKEN,
      network: networkOf(variables),
      signal,
    });
  };
}

/** Before anything is built, not when it is to be signed. */
function checkExpiry({ exp }: AmbientIdentity['claims']): void {
  if (typeof exp !== 'number' || exp * 1000 > Date.now()) return;
  throw new PrimitiveError('identity-token-expired', 'The OIDC token has expired.', {
    why: `It was valid until ${new Date(exp * 1000).toISOString()}.`,
    suggestions: [
      'In GitHub Actions: unset SIGSTORE_ID_TOKEN, so that each signature gets a new token.',
      'Elsewhere: get a token right before the publish that outlives the builds.',
    ],
    exit: 3,
  });
}

async function readEvent(path: string | undefined): Promise<PullRequestEvent | undefined> {
  if (!path) return undefined;
  try {
    return readPullRequest(JSON.parse(await readFile(path, 'utf8')));
  } catch (cause) {
    throw new PrimitiveError('identity-event-invalid', 'Cannot read the event file of GitHub Actions.', {
      why: 'GITHUB_EVENT_PATH is the file with the author and the commit that is built.',
      suggestions: ['Run the job again. Outside of GitHub Actions, unset GITHUB_EVENT_PATH.'],
      exit: 3,
      cause,
    });
  }
}
