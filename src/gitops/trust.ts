import { PrimitiveError } from '../core/errors.ts';
import type { Registry } from '../oci/registry.ts';
import type { SealContext } from '../seal/search.ts';
import { fingerprintOf } from '../seal/trust.ts';
import { createVerifier, type TrustRoot } from '../seal/verifier.ts';
import type { KitSourceRepository } from './kit-document.ts';
import type { GitopsTree } from './tree.ts';

/**
 * Verifier of the releases of a source. Public keys and the trusted root are read from `tree`, which is the one that
 * kit.yaml is from: a pull request must not bring the keys that it is judged by.
 *
 * Throws `kit-key-missing` (exit 2), `kit-root-missing` (exit 2) and `signing-key-invalid` (exit 2).
 */
export async function sourceContext(
  { repository, trusted, accepted = [], trustedRoot }: KitSourceRepository,
  tree: GitopsTree,
  {
    registry,
    cache,
  }: { readonly registry: Registry /** Folder for TUF metadata. */; readonly cache: string },
): Promise<SealContext> {
  const entries = [...trusted, ...accepted];
  const names = [...new Set(entries.flatMap((entry) => ('key' in entry ? [entry.key] : [])))];
  const texts = await tree.read([...names, ...(trustedRoot === undefined ? [] : [trustedRoot])]);
  const keys = names.map((name) => texts.get(name) ?? missingKey(name, repository));
  const needsRoot = entries.some((entry) => 'issuer' in entry);
  return {
    registry,
    verifier: createVerifier({ keys, ...(needsRoot ? { root: rootOf(trustedRoot, texts, cache) } : {}) }),
    policy: {
      trusted,
      accepted,
      fingerprints: new Map(names.map((name, i) => [name, fingerprintOf(keys[i] ?? '')])),
    },
  };
}

function rootOf(path: string | undefined, texts: ReadonlyMap<string, string>, cache: string): TrustRoot {
  if (path === undefined) return { type: 'public-good', cache };
  const text = texts.get(path);
  if (text !== undefined) return { type: 'text', path, text };
  throw new PrimitiveError('kit-root-missing', `Trusted root ${path} not found in the repository.`, {
    why: '`trustedRoot` of a source in kit.yaml names it.',
    suggestions: [`cosign trusted-root create --out ${path}`, 'Commit it beside kit.yaml.'],
  });
}

function missingKey(name: string, repository: string): never {
  throw new PrimitiveError('kit-key-missing', `Public key ${name} not found in the repository.`, {
    why: `A signer of source ${repository} in kit.yaml names it; it is a path from the root.`,
    suggestions: [`cosign public-key --key cosign.key > ${name}`, 'Commit it beside kit.yaml.'],
  });
}
