import { PrimitiveError } from '../../core/errors.ts';
import type { Variables } from '../../core/variables.ts';
import { isLoopbackHost } from '../../http/loopback.ts';

/** Which GitHub is spoken to. */
export interface GithubHost {
  /** As `gh` calls it: `github.com`, `ghes.acme.com`. */
  readonly name: string;
  /** Base URL of its REST API, without a slash at the end. */
  readonly api: string;
}

/**
 * The GitHub that the config names, else GH_HOST, else GITHUB_API_URL, else github.com. Throws `github-host-invalid`
 * (exit 2) for an address that would send the token without encryption, and for a name below that of a GitHub: `gh` takes
 * `x.github.com` for github.com, and would lend the login of the one to the other.
 */
export function githubHost(
  configured: string | undefined,
  { GH_HOST, GITHUB_API_URL }: Variables,
): GithubHost {
  const name = configured ?? GH_HOST;
  if (name) return named(name.toLowerCase());
  return GITHUB_API_URL ? ofUrl(GITHUB_API_URL) : { name: 'github.com', api: apiOf('github.com') };
}

function named(name: string): GithubHost {
  const [, parent] = /\.(github\.com|[^.]+\.ghe\.com)(?::\d+)?$/.exec(name) ?? [];
  if (parent === undefined) return { name, api: apiOf(name) };
  throw new PrimitiveError('github-host-invalid', `${name} is not the host of a GitHub.`, {
    why: `It is a subdomain of ${parent}.`,
    suggestions: [`Set \`gitops.host\` or GH_HOST to ${parent}`],
  });
}

/** REST reference, "Getting started"; a GHE.com enterprise and github.com have a host for it. */
function apiOf(name: string): string {
  return name === 'github.com' || name.endsWith('.ghe.com')
    ? `https://api.${name}`
    : `https://${name}/api/v3`;
}

function ofUrl(text: string): GithubHost {
  const url = URL.parse(text);
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopbackHost(url.host))) {
    const api = url.href.replace(/(?<!\/)\/+$/, '');
    return { name: url.host.replace(/^api\.(?=github\.com$|.*\.ghe\.com$)/, ''), api };
  }
  throw new PrimitiveError('github-host-invalid', 'GITHUB_API_URL is not an https URL.', {
    why: 'The token would be sent without encryption.',
    suggestions: [
      'export GITHUB_API_URL=https://HOST/api/v3',
      'Or set `gitops.host` in primitive.config.yaml.',
    ],
  });
}
