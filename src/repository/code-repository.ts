import type { Config } from './config.ts';

/**
 * The name of a code repository, `owner/name`: what its trusted signers say, if that is one, or else its remote,
 * `https://host/owner/name`. Undefined if neither says it.
 */
export function codeRepositoryOf(
  { signing }: Pick<Config, 'signing'>,
  remote: string | undefined,
): string | undefined {
  const names = signing.trusted.flatMap((signer) => ('repository' in signer ? [signer.repository] : []));
  if (new Set(names).size === 1) return names[0];
  return /^https?:\/\/[^/]+\/([^/]+\/[^/]+?)(?:\.git)?$/.exec(remote ?? '')?.[1];
}
