import { createPrivateKey, sign } from 'node:crypto';
import { errorLine, PrimitiveError } from '../../core/errors.ts';
import type { Processes } from '../../core/process.ts';
import type { Variables } from '../../core/variables.ts';
import type { ApiToken } from './failure.ts';
import { type GithubHost, githubHost } from './host.ts';
import { type ApiOptions, createApi } from './http.ts';

export interface TokenSources extends Omit<ApiOptions, 'token' | 'host'> {
  readonly variables: Variables;
  readonly processes: Processes;
}

/**
 * A token for a GitHub: of GH_TOKEN, a GitHub App (GITHUB_APP_ID, GITHUB_APP_INSTALLATION_ID and GITHUB_APP_PRIVATE_KEY),
 * GITHUB_TOKEN, or `gh auth token`, in this order; each only for the GitHub that it is of, see {@link variablesFor}.
 *
 * Throws `github-token-missing`, `github-app-invalid` (exit 3), and what the API throws.
 */
export async function findToken(host: GithubHost, sources: TokenSources): Promise<ApiToken> {
  const { variables } = sources;
  const names = variablesFor(host, variables);
  for (const source of names) {
    const value = variables[source];
    if (!value) continue;
    return source === 'GITHUB_APP_ID' ? installationToken(host, value, sources) : { value, source };
  }
  const lent = await tokenOfGh(host, sources);
  return 'value' in lent ? lent : missing(host, names, variables, lent);
}

/**
 * The variables whose tokens are of a GitHub, best first: no credential goes to another one. GH_TOKEN and GITHUB_TOKEN
 * are of github.com, or in a job of the GitHub that runs it; all others of the one that the environment names. The
 * config of a checkout may name any host, and makes none of them a token of it.
 */
function variablesFor({ name }: GithubHost, variables: Variables): readonly string[] {
  const { GITHUB_API_URL } = variables;
  const home = githubHost(undefined, { GITHUB_API_URL }).name === name;
  const named = githubHost(undefined, variables).name === name;
  const app = named ? ['GITHUB_APP_ID'] : [];
  if (home) return ['GH_TOKEN', ...app, 'GITHUB_TOKEN'];
  return named && name !== 'github.com' ? ['GH_ENTERPRISE_TOKEN', ...app, 'GITHUB_ENTERPRISE_TOKEN'] : app;
}

/** Unset for `gh`, which would give those of the environment for any host that it is asked about. */
const WITHOUT_TOKENS = {
  GH_TOKEN: undefined,
  GITHUB_TOKEN: undefined,
  GH_ENTERPRISE_TOKEN: undefined,
  GITHUB_ENTERPRISE_TOKEN: undefined,
};

/** Why `gh` lends nothing: it is not there, maybe because its folder is skipped, or has no login. */
interface NothingLent {
  readonly why: string;
  readonly suggestions: readonly string[];
}

/** The login of `gh`. */
async function tokenOfGh(
  { name }: GithubHost,
  { processes, signal }: TokenSources,
): Promise<ApiToken | NothingLent> {
  try {
    const args = ['auth', 'token', '--hostname', name];
    const { exitCode, stdout } = await processes.run('gh', args, { env: WITHOUT_TOKENS, signal });
    const value = Buffer.from(stdout).toString().trim();
    if (exitCode === 0 && value !== '') return { value, source: 'gh auth token' };
    return { why: `gh has no login for ${name}`, suggestions: [] };
  } catch (error) {
    if (!(error instanceof PrimitiveError && error.code === 'tool-not-found')) throw error;
    return { why: errorLine(error), suggestions: error.suggestions };
  }
}

/** REST reference, "Generating an installation access token for a GitHub App". It lives for an hour. */
async function installationToken(
  host: GithubHost,
  id: string,
  { variables, ...options }: TokenSources,
): Promise<ApiToken> {
  const installation = variables.GITHUB_APP_INSTALLATION_ID ?? '';
  const key = variables.GITHUB_APP_PRIVATE_KEY ?? '';
  if (!/^\d+$/.test(installation)) throw invalidApp('GITHUB_APP_INSTALLATION_ID is not a number.');
  const source = `the GitHub App ${id}`;
  const api = createApi({ ...options, host, token: { value: appJwt(id, key), source } });
  try {
    const route = 'POST /app/installations/{installation_id}/access_tokens';
    const { data } = await api.write(route, { installation_id: Number(installation) });
    return { value: data.token, source };
  } catch (error) {
    if (error instanceof PrimitiveError) throw error;
    throw invalidApp(`GitHub does not know installation ${installation} of app ${id}.`, error);
  } finally {
    await api.close();
  }
}

/** "Generating a JSON Web Token (JWT) for a GitHub App": RS256, at most ten minutes, a minute back for clock drift. */
function appJwt(issuer: string, pem: string): string {
  const now = Math.floor(Date.now() / 1000);
  const parts = [
    { alg: 'RS256', typ: 'JWT' },
    { iss: issuer, iat: now - 60, exp: now + 540 },
  ];
  const text = parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  try {
    // CI systems often keep line ends as \n.
    const key = createPrivateKey(pem.replaceAll('\\n', '\n'));
    return `${text}.${sign('sha256', Buffer.from(text), key).toString('base64url')}`;
  } catch (cause) {
    throw invalidApp('GITHUB_APP_PRIVATE_KEY is not a private key in PEM.', cause);
  }
}

function invalidApp(why: string, cause?: unknown): PrimitiveError {
  return new PrimitiveError('github-app-invalid', 'Cannot get a token of the GitHub App.', {
    why,
    suggestions: [
      'Set GITHUB_APP_ID, GITHUB_APP_INSTALLATION_ID and GITHUB_APP_PRIVATE_KEY to the values on the page of the app.',
    ],
    exit: 3,
    cause,
  });
}

function missing(
  { name }: GithubHost,
  names: readonly string[],
  variables: Variables,
  lent: NothingLent,
): never {
  const looked = `Looked in ${[...names, '`gh auth token`'].join(', ')}; ${lent.why}.`;
  const { name: home } = githubHost(undefined, variables);
  const login = name === 'github.com' ? 'gh auth login' : `gh auth login --hostname ${name}`;
  const details =
    home === name
      ? {
          why: looked,
          suggestions: [
            login,
            `In CI: ${names[0]} with Actions: read and write, Contents and Pull requests: read.`,
          ],
        }
      : {
          why: `${looked} \`gitops.host\` names ${name}, and the tokens of the environment are of ${home}: no file of a repository sends them elsewhere.`,
          suggestions: [`If ${name} is yours: ${login}`, `Or name it yourself: export GH_HOST=${name}`],
        };
  const suggestions = [...details.suggestions, ...lent.suggestions];
  throw new PrimitiveError('github-token-missing', `No token for ${name} found.`, {
    ...details,
    suggestions,
    exit: 3,
  });
}
