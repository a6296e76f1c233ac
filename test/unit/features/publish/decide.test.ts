import { describe, expect, test } from 'vitest';
import type { Digest } from '../../../../src/core/digest.ts';
import {
  type CurrentTag,
  decide,
  imageThere,
  type There,
  yieldsTo,
} from '../../../../src/features/publish/decide.ts';
import type { TrustTier } from '../../../../src/repository/signers.ts';

const digest: Digest = `sha256:${'a'.repeat(64)}`;
const equal = undefined;
const other = 'other inputs';

test.each<[TrustTier, There, 'keep' | 'replace' | 'conflict']>([
  // A trusted run: what a trusted signer signed stays, all else goes.
  ['trusted', { tier: 'trusted', problem: equal }, 'keep'],
  ['trusted', { tier: 'trusted', problem: other }, 'conflict'],
  ['trusted', { tier: 'accepted', problem: equal }, 'replace'],
  ['trusted', { tier: 'accepted', problem: other }, 'replace'],
  ['trusted', { tier: undefined, problem: other }, 'replace'],
  // An accepted run keeps what is equal, and replaces nothing.
  ['accepted', { tier: 'trusted', problem: equal }, 'keep'],
  ['accepted', { tier: 'trusted', problem: other }, 'conflict'],
  ['accepted', { tier: 'accepted', problem: equal }, 'keep'],
  ['accepted', { tier: 'accepted', problem: other }, 'conflict'],
  ['accepted', { tier: undefined, problem: other }, 'conflict'],
  // The release record of the commit lists another image.
  ['trusted', { tier: 'trusted', problem: equal, overruled: true }, 'replace'],
  ['trusted', { tier: 'trusted', problem: other, overruled: true }, 'replace'],
  ['accepted', { tier: 'accepted', problem: equal, overruled: true }, 'replace'],
  ['accepted', { tier: 'accepted', problem: other, overruled: true }, 'conflict'],
  ['accepted', { tier: 'trusted', problem: equal, overruled: true }, 'keep'],
  ['accepted', { tier: 'trusted', problem: other, overruled: true }, 'conflict'],
  ['accepted', { tier: undefined, problem: other, overruled: true }, 'conflict'],
])('%s run, %j: %s', (run, there, action) => {
  expect(decide(run, there)).toEqual(action === 'conflict' ? { action, why: there.problem } : { action });
});

describe('what a tag names', () => {
  const image = {
    digest,
    inputDigest: '1'.repeat(64),
    bundles: { signature: digest, provenance: digest, sbom: [] },
    platforms: [],
  };
  test.each<[string, CurrentTag, There]>([
    [
      'an equal image',
      { sealed: true, image: { ...image, tier: 'accepted' } },
      { tier: 'accepted', problem: undefined },
    ],
    [
      'an image of other inputs',
      { sealed: true, image: { ...image, tier: 'trusted', inputDigest: '2'.repeat(64) } },
      { tier: 'trusted', problem: 'a sealed image of other inputs (222222222222)' },
    ],
    [
      'an image that is not sealed',
      { sealed: false, digest, detail: 'nothing is attached to it' },
      { tier: undefined, problem: 'an image that is not sealed: nothing is attached to it' },
    ],
  ])('%s', (_case, current, there) => {
    expect(imageThere(current, '1'.repeat(64))).toEqual(there);
  });
});

test('only an accepted run leaves what a trusted signer sealed where a tag would follow', () => {
  const tiers = ['trusted', 'accepted'] as const;
  const leaves = tiers.flatMap((run) => tiers.map((tier) => [run, tier, yieldsTo(run, tier)]));
  expect(leaves.filter(([, , yields]) => yields)).toEqual([['accepted', 'trusted', true]]);
  expect(yieldsTo('accepted', undefined)).toBe(false);
});
