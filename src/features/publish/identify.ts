import { PrimitiveError } from '../../core/errors.ts';
import type { Emit } from '../../core/events.ts';
import { optional } from '../../core/object.ts';
import type { Config } from '../../repository/config.ts';
import type { History } from '../../repository/history.ts';
import type { CommitTree } from '../../repository/source-tree.ts';
import { checkRun, resolveRun, type SigningIdentity } from '../../seal/run-identity.ts';
import type { TrustPolicy } from '../../seal/trust.ts';
import type { Run } from './document.ts';

/** The part of the config that says who signs. */
export type SigningConfig = Pick<Config, 'channel'> & {
  readonly signing: Pick<Config['signing'], 'signer' | 'trusted'>;
};

export interface IdentityPorts {
  workspace(): Promise<{ readonly config: SigningConfig }>;
  tree(): Promise<Pick<CommitTree, 'head'>>;
  policy(): Promise<TrustPolicy>;
  /** Throws `identity-missing` if there is none. */
  identity(): Promise<SigningIdentity>;
  /** Whether there is an OIDC token to sign with. */
  hasToken(): Promise<boolean>;
}

/**
 * Who runs this publish. A dry run without an identity is planned as the trusted run.
 *
 * Throws what {@link checkRun} and {@link resolveRun} throw, and `identity-missing` (exit 2).
 */
export async function identify(dryRun: boolean, ports: IdentityPorts, emit: Emit): Promise<Run> {
  const [{ config }, { head }] = await Promise.all([ports.workspace(), ports.tree()]);
  if (dryRun && config.signing.signer.type === 'keyless' && !(await ports.hasToken()))
    return assumedRun(config, emit);
  const [{ signer, claims, pullRequest }, policy] = await Promise.all([ports.identity(), ports.policy()]);
  checkRun({ head: head.commit, claims, ...optional('pullRequest', pullRequest) });
  return resolveRun(signer, policy, head.branch);
}

/** The trusted run by the config, if nobody is here. Throws `identity-missing` (exit 2). */
export function assumedRun({ signing, channel }: SigningConfig, emit: Emit): Run {
  const assumed = signing.trusted.find((policy) => 'issuer' in policy);
  if (!assumed) {
    throw new PrimitiveError('identity-missing', 'Cannot plan: no signing identity.', {
      why: 'This process has no OIDC token, and `signing.trusted` in primitive.config.yaml lists no OIDC identity.',
      suggestions: [
        'Add to `signing.trusted` the issuer and identity of the OIDC token of your CI.',
        'Or sign with a key: `signing: { signer: { key: … }, trusted: [{ key: … }] }`.',
      ],
    });
  }
  emit({
    type: 'warning',
    code: 'identity-assumed',
    message: `No identity here; planned as the trusted run ${assumed.identity}`,
  });
  const branch = assumed.ref?.replace(/^refs\/heads\//, '') ?? channel.branch;
  return { tier: 'trusted', signer: { type: 'keyless', ...assumed }, branch };
}

/** URL of the source: by the certificate, else by the git remote. */
export async function sourceOf({ signer }: Run, history: History): Promise<string | undefined> {
  if (signer.type === 'keyless' && signer.repository !== undefined && URL.canParse(signer.identity))
    return `${new URL(signer.identity).origin}/${signer.repository}`;
  return history.remoteUrl();
}
