import type { Config } from '../../repository/config.ts';
import type { SignerPolicy } from '../../repository/signers.ts';
import { GITHUB_ISSUER } from '../../seal/trust.ts';
import type { ProbeResult } from './examine.ts';

/** How well the config separates what main built from what a pull request built; the first weakness is a warning. */
export function examineTrust(signing: Config['signing'], caches: readonly string[]): ProbeResult {
  const { trusted, accepted, signer } = signing;
  const signers = `${count(trusted.length, 'trusted signer')}, ${count(accepted.length, 'accepted signer')}`;
  const detail = [signers, ...cacheWriters(caches)].join('; ');
  const warning =
    noTrusted(trusted) ??
    keyMode(signer, accepted) ??
    looseIdentity(trusted) ??
    noIds([...trusted, ...accepted]);
  return warning === undefined ? { detail } : { detail, warning };
}

/** Who writes what main reads: of `gha` more than its own workflow, of any other cache who the config says. */
function cacheWriters(caches: readonly string[]): readonly string[] {
  const gha = caches.filter((cache) => /\btype=gha\b/i.test(cache)).length;
  return [
    ...(gha > 0 ? ['main builds from a gha cache, which any job on main can write'] : []),
    ...(caches.length > gha
      ? ['main builds from a cache that nobody else writes, by `writers: trusted`']
      : []),
  ];
}

type Warning = NonNullable<ProbeResult['warning']>;

function noTrusted(trusted: readonly SignerPolicy[]): Warning | undefined {
  if (trusted.length > 0) return undefined;
  return {
    code: 'trust-nobody',
    why: 'Without a trusted signer no image is ever a baseline for main and the channel never moves.',
    fix: [
      'signing:',
      '  trusted:',
      `    - { issuer: ${GITHUB_ISSUER}, identity: "https://github.com/OWNER/REPO/.github/workflows/publish.yaml@refs/heads/main", repository: OWNER/REPO, ref: refs/heads/main, trigger: push, runner: github-hosted }`,
    ],
  };
}

function keyMode(
  signer: Config['signing']['signer'],
  accepted: readonly SignerPolicy[],
): Warning | undefined {
  if (signer.type !== 'key') return undefined;
  return {
    code: 'trust-key-mode',
    why: 'A key signs for main and for a pull request alike: anyone who can use it signs as a trusted signer.',
    fix: [
      'Give the key to the workflow of main alone (an environment with a branch rule).',
      accepted.length === 0
        ? 'Let pull requests sign keyless: list their identity under signing.accepted.'
        : 'Or sign keyless: signing.signer: keyless.',
    ],
  };
}

function looseIdentity(trusted: readonly SignerPolicy[]): Warning | undefined {
  const loose = trusted.find(
    (policy) =>
      'issuer' in policy &&
      policy.issuer === GITHUB_ISSUER &&
      (policy.repository === undefined || policy.ref === undefined || policy.trigger !== 'push'),
  );
  if (loose === undefined || !('issuer' in loose)) return undefined;
  return {
    code: 'trust-loose-identity',
    why: `${loose.identity} alone also fits runs of a fork, of a pull request or of another branch that call the same workflow.`,
    fix: [
      'Add to the entry under signing.trusted: repository: OWNER/REPO, ref: refs/heads/main, trigger: push',
    ],
  };
}

/** Of pull requests too: their seals are relied on by runs of the same repository, by the names of the entry. */
function noIds(policies: readonly SignerPolicy[]): Warning | undefined {
  const lacking = policies.find(
    (policy) =>
      'issuer' in policy &&
      policy.issuer === GITHUB_ISSUER &&
      (policy.repositoryId === undefined || policy.ownerId === undefined || policy.trigger === undefined),
  );
  if (lacking === undefined || !('issuer' in lacking)) return undefined;
  const repository = lacking.repository ?? 'OWNER/REPO';
  return {
    code: 'trust-names-only',
    why: `${lacking.identity} is trusted by name: whoever gets ${repository} after it was deleted or renamed has the same.`,
    fix: [
      `Ask for the ids: gh api repos/${repository} --jq '.id, .owner.id'`,
      'Add to each entry of that repository: repositoryId: "…", ownerId: "…", trigger: push or pull_request, runner: github-hosted',
    ],
  };
}

/** `2 components` */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
