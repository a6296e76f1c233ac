import { parseRepository } from '../../src/oci/reference.ts';
import type { ImageRepository } from '../../src/oci/types.ts';
import { attachBundles, uploadBundles } from '../../src/seal/attach.ts';
import type { SealContext } from '../../src/seal/search.ts';
import type { TrustPolicy } from '../../src/seal/trust.ts';
import { createVerifier } from '../../src/seal/verifier.ts';
import { type PushedImage, signAll, statementsOf } from './images.ts';
import { createKeySigner, type KeySigner } from './key-signer.ts';
import { createMemoryRegistry, type MemoryRegistry, type MemoryRegistryOptions } from './memory-registry.ts';

/** A registry in memory, one signer of each standing, and the eyes of somebody who knows the first two. */
export interface Sealing {
  readonly registry: MemoryRegistry;
  readonly repository: ImageRepository;
  readonly trusted: KeySigner;
  readonly accepted: KeySigner;
  readonly stranger: KeySigner;
  readonly context: SealContext;
  /** Signs and attaches, whoever the signer is; by default everything that a seal needs. */
  attach(image: PushedImage, signer: KeySigner, statements?: readonly Uint8Array[]): Promise<void>;
}

export function createSealing(options: MemoryRegistryOptions = {}): Sealing {
  const registry = createMemoryRegistry(options);
  const signers = { trusted: createKeySigner(), accepted: createKeySigner(), stranger: createKeySigner() };
  const fingerprints = new Map(Object.entries(signers).map(([name, { fingerprint }]) => [name, fingerprint]));
  const verifier = createVerifier({ keys: Object.values(signers).map(({ publicKey }) => publicKey) });
  const policy: TrustPolicy = {
    trusted: [{ key: 'trusted' }],
    accepted: [{ key: 'accepted' }],
    fingerprints,
  };
  const anybody = { ...policy, accepted: [...policy.accepted, { key: 'stranger' }] };
  return {
    ...signers,
    registry,
    repository: parseRepository('registry.example/acme/domain-orders'),
    context: { registry, verifier, policy },
    async attach(image, signer, statements = statementsOf(image)) {
      const bundles = await signAll(signer, statements);
      const context = { registry, verifier, policy: anybody };
      const uploaded = await uploadBundles(context, image.repository, bundles);
      await attachBundles(context, image.repository, image.index, uploaded);
    },
  };
}
