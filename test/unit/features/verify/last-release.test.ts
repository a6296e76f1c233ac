import { expect, test, vi } from 'vitest';
import { digestOf } from '../../../../src/core/digest.ts';
import { PrimitiveError } from '../../../../src/core/errors.ts';
import { lastRelease } from '../../../../src/features/verify/last-release.ts';
import type { TrustTier } from '../../../../src/repository/signers.ts';
import { releasesRepository, writeRecord } from '../../../../src/seal/record.ts';
import { createSealing } from '../../../support/sealing.ts';

const REGISTRY = 'registry.example/acme';
const COMMIT = '1'.repeat(40);
const repository = releasesRepository(REGISTRY);

/** What verify reads where a record was put under the tag of the channel. */
async function channel(tier: TrustTier | undefined) {
  const sealing = createSealing();
  if (tier !== undefined) {
    const record = {
      schema: 'primitive.release/v1' as const,
      commit: COMMIT,
      source: 'https://github.com/acme/app',
      components: [
        {
          kind: 'domain',
          name: 'orders',
          image: `${REGISTRY}/domain-orders`,
          digest: digestOf('orders'),
          inputDigest: 'a'.repeat(64),
          platforms: ['linux/amd64'],
          bundles: {
            signature: digestOf('signature'),
            provenance: digestOf('provenance'),
            sbom: [{ platform: 'linux/amd64', digest: digestOf('sbom') }],
          },
        },
      ],
    };
    const context = { ...sealing.context, sleep: async () => {} };
    const options = { signer: sealing[tier], registry: REGISTRY, tier };
    const { manifest } = await writeRecord(context, repository, record, options);
    await sealing.registry.putManifest(repository, 'live', manifest);
  }
  return {
    workspace: async () => ({
      config: { registry: REGISTRY, channel: { tag: 'live', branch: 'main' } },
    }),
    registry: async () => sealing.context.registry,
    verifier: async () => sealing.context.verifier,
    policy: async () => sealing.context.policy,
  };
}

test('the commit of the channel that a trusted signer has signed', async () => {
  expect(await lastRelease(await channel('trusted'))).toEqual({ commit: COMMIT });
});

test('a record by a signer of pull requests does not count, whatever its tag', async () => {
  expect(await lastRelease(await channel('accepted'))).toEqual({
    why: 'it does not count: no trusted signer has signed it',
  });
});

test('no release, and a registry that refuses', async () => {
  const ports = await channel(undefined);
  expect(await lastRelease(ports)).toEqual({ why: 'there is none' });
  const registry = async () => {
    throw new PrimitiveError('registry-denied', 'No.', { exit: 3 });
  };
  expect(await lastRelease({ ...ports, registry })).toEqual({ why: 'it cannot be read: registry-denied' });
});

test('a registry that does not answer', async () => {
  vi.useFakeTimers();
  try {
    const ports = await channel(undefined);
    const found = lastRelease({ ...ports, registry: () => new Promise(() => {}) });
    await vi.advanceTimersByTimeAsync(5000);
    expect(await found).toEqual({ why: 'the registry does not answer in 5 s' });
  } finally {
    vi.useRealTimers();
  }
});
