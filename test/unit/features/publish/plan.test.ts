import { describe, expect, it } from 'vitest';
import type { Digest } from '../../../../src/core/digest.ts';
import type { CurrentTag } from '../../../../src/features/publish/decide.ts';
import type { SealedImage } from '../../../../src/features/publish/document.ts';
import {
  type ComponentFacts,
  type PlanOptions,
  type PublishFacts,
  planPublish,
} from '../../../../src/features/publish/plan.ts';
import type { ImageRepository, Manifest } from '../../../../src/oci/types.ts';
import type { Component } from '../../../../src/repository/component.ts';
import type { TrustTier } from '../../../../src/repository/signers.ts';
import type { RecordState } from '../../../../src/seal/record.ts';

const COMMIT = 'c'.repeat(40);
const BEFORE = 'b'.repeat(40);
const digest = (letter: string): Digest => `sha256:${letter.repeat(64)}`;
const INPUTS = '1'.repeat(64);
const OTHER_INPUTS = '2'.repeat(64);
const whole: PlanOptions = { sealOnly: false, keepGoing: false };

function sealed(tier: TrustTier, over: Partial<SealedImage> = {}): SealedImage {
  return {
    digest: digest('a'),
    inputDigest: INPUTS,
    tier,
    bundles: {
      signature: digest('1'),
      provenance: digest('2'),
      sbom: [{ platform: 'linux/amd64', digest: digest('3') }],
    },
    platforms: ['linux/amd64'],
    ...over,
  };
}

const image = 'ghcr.io/acme/domain-orders' as ImageRepository;

function component(over: Partial<ComponentFacts> = {}): ComponentFacts {
  const orders: Component = {
    id: 'domain/orders',
    kind: 'domain',
    name: 'orders',
    path: 'primitives/domain/orders',
    image: 'domain-orders',
    repository: image,
    build: {
      context: '.',
      dockerfile: 'Dockerfile',
      platforms: [{ os: 'linux', architecture: 'amd64' }],
      args: {},
      bases: {},
      secrets: [],
    },
  };
  return { inputs: { component: orders, inputDigest: INPUTS, files: { entries: [] } }, ...over };
}

const absent = { state: 'absent' } as const;

function facts(tier: TrustTier, over: Partial<PublishFacts> = {}): PublishFacts {
  return {
    commit: COMMIT,
    run: { tier, signer: { type: 'key', fingerprint: 'sha256:f' }, branch: 'main' },
    tags: [COMMIT],
    components: [component()],
    whole: true,
    releases: 'ghcr.io/acme/primitive-releases' as ImageRepository,
    commitRecord: absent,
    channel: { tag: 'main', branch: 'main', record: absent },
    ...over,
  };
}

function record(tier: TrustTier | undefined, commit: string, listed: Digest = digest('a')): RecordState {
  if (tier === undefined)
    return { state: 'untrusted', digest: digest('9'), reason: 'unsigned', detail: 'it is not signed' };
  const { bundles, platforms } = sealed(tier);
  const { kind, name } = component().inputs.component;
  return {
    state: 'found',
    digest: digest('9'),
    manifest: { digest: digest('9') } as Manifest,
    tier,
    signer: { type: 'key', fingerprint: 'sha256:f' },
    record: {
      schema: 'primitive.release/v1',
      commit,
      components: [{ kind, name, image, inputDigest: INPUTS, digest: listed, platforms, bundles }],
    },
  };
}

const tagged = (tier: TrustTier, over: Partial<SealedImage> = {}): CurrentTag => ({
  sealed: true,
  image: sealed(tier, over),
});
const squatted: CurrentTag = { sealed: false, digest: digest('d'), detail: 'nothing is attached to it' };
const manifest = { digest: digest('a') } as Manifest;
const baseline = { found: 'release', commit: BEFORE, image: sealed('trusted'), manifest } as const;

describe('what is done for a component', () => {
  it.each<[string, TrustTier, Partial<ComponentFacts>, object]>([
    [
      'new',
      'trusted',
      { missed: 'no release to compare with' },
      { action: 'build', reason: 'no release to compare with' },
    ],
    [
      'unchanged',
      'trusted',
      { baseline },
      { action: 'reuse', reason: `inputs unchanged since the release of ${BEFORE.slice(0, 12)}` },
    ],
    [
      'sealed after a crash',
      'accepted',
      { baseline: { found: 'input-tag', image: sealed('accepted'), manifest } },
      { action: 'reuse' },
    ],
    ['published by a trusted run', 'trusted', { current: tagged('trusted') }, { action: 'keep' }],
    [
      'published by a trusted run, seen by a pull request',
      'accepted',
      { current: tagged('trusted') },
      { action: 'keep' },
    ],
    ['published by an equal run', 'accepted', { current: tagged('accepted') }, { action: 'keep' }],
    [
      'published by a pull request, seen by main',
      'trusted',
      { current: tagged('accepted') },
      { action: 'build', supersedes: digest('a') },
    ],
    ['squatted', 'trusted', { current: squatted }, { action: 'build', supersedes: digest('d') }],
    [
      'squatted, unchanged',
      'trusted',
      { current: squatted, baseline },
      { action: 'reuse', supersedes: digest('d') },
    ],
    [
      'squatted, seen by a pull request',
      'accepted',
      { current: squatted },
      { action: 'conflict', existing: digest('d') },
    ],
    [
      'published with other inputs',
      'trusted',
      { current: tagged('trusted', { inputDigest: OTHER_INPUTS }) },
      { action: 'conflict' },
    ],
    [
      'recorded, but the tag was moved to another image of main',
      'trusted',
      {
        current: tagged('trusted', { inputDigest: OTHER_INPUTS, digest: digest('e') }),
        baseline: { ...baseline, commit: COMMIT },
      },
      { action: 'reuse', supersedes: digest('e') },
    ],
    [
      'published with other inputs by an equal run',
      'accepted',
      { current: tagged('accepted', { inputDigest: OTHER_INPUTS }) },
      { action: 'conflict' },
    ],
  ])('%s (%s run)', (_case, tier, over, expected) => {
    const { plan } = planPublish(facts(tier, { components: [component(over)] }), whole);
    expect(plan.components[0]).toMatchObject(expected);
  });
});

describe('the release record', () => {
  const kept = { components: [component({ current: tagged('trusted') })] };

  it.each<[string, TrustTier, Partial<PublishFacts>, object]>([
    ['nothing there', 'trusted', {}, { action: 'write' }],
    [
      'ours, the same',
      'trusted',
      { ...kept, commitRecord: record('trusted', COMMIT) },
      { action: 'keep', existing: digest('9') },
    ],
    [
      'ours, a tag is missing',
      'trusted',
      { components: [component({ baseline })], commitRecord: record('trusted', COMMIT) },
      { action: 'keep' },
    ],
    [
      'a trusted one with other images',
      'trusted',
      { ...kept, commitRecord: record('trusted', COMMIT, digest('e')) },
      { action: 'conflict' },
    ],
    ['an unsigned one', 'trusted', { commitRecord: record(undefined, COMMIT) }, { action: 'supersede' }],
    [
      'an unsigned one, seen by a pull request',
      'accepted',
      { commitRecord: record(undefined, COMMIT) },
      { action: 'conflict' },
    ],
    [
      'one of a pull request, seen by main',
      'trusted',
      { commitRecord: record('accepted', COMMIT) },
      { action: 'supersede' },
    ],
    [
      'none, a tag is squatted, seen by a pull request',
      'accepted',
      { components: [component({ current: squatted })] },
      { action: 'skip', reason: 'not every component can be tagged' },
    ],
    ['a selection', 'trusted', { whole: false }, { action: 'skip' }],
    [
      'a selection that agrees with a trusted one',
      'trusted',
      { ...kept, commitRecord: record('trusted', COMMIT), whole: false },
      { action: 'skip' },
    ],
    [
      'a selection of which a trusted one lists another image',
      'trusted',
      { ...kept, commitRecord: record('trusted', COMMIT, digest('e')), whole: false },
      { action: 'conflict' },
    ],
    [
      'a trusted one, a tag is squatted, seen by a pull request',
      'accepted',
      { components: [component({ current: squatted })], commitRecord: record('trusted', COMMIT) },
      { action: 'conflict', reason: expect.stringContaining('domain/orders: the tag of this commit names') },
    ],
  ])('%s (%s run)', (_case, tier, over, expected) => {
    expect(
      planPublish(facts(tier, over), { ...whole, keepGoing: over.whole === false }).plan.record,
    ).toMatchObject(expected);
  });

  it('is not written by --seal-only', () => {
    expect(planPublish(facts('trusted'), { ...whole, sealOnly: true }).plan.record.action).toBe('skip');
  });

  it('is refused for a part of the components unless the caller says what to do about the rest', () => {
    expect(() => planPublish(facts('trusted', { whole: false }), whole)).toThrow(
      expect.objectContaining({ code: 'publish-selection-partial' }),
    );
  });
});

describe('the channel', () => {
  const at = (tier: TrustTier, commit: string, behind?: 'yes' | 'no' | 'unknown') => ({
    channel: { tag: 'main', branch: 'main', record: record(tier, commit), ...(behind ? { behind } : {}) },
  });

  it.each<[string, TrustTier, Partial<PublishFacts>, object]>([
    ['is new', 'trusted', {}, { action: 'move' }],
    ['follows', 'trusted', at('trusted', BEFORE, 'yes'), { action: 'move', from: BEFORE }],
    ['is here', 'trusted', at('trusted', COMMIT), { action: 'keep' }],
    ['is ahead', 'trusted', at('trusted', BEFORE, 'no'), { action: 'skip', from: BEFORE }],
    ['was set by a pull request', 'trusted', at('accepted', BEFORE), { action: 'move' }],
    ['is not for pull requests', 'accepted', at('trusted', BEFORE, 'yes'), { action: 'skip' }],
    [
      'is not for other branches',
      'trusted',
      { run: { ...facts('trusted').run, branch: 'release' } },
      { action: 'skip' },
    ],
  ])('%s (%s run)', (_case, tier, over, expected) => {
    expect(planPublish(facts(tier, over), whole).plan.channel).toMatchObject(expected);
  });

  it('is refused where history does not decide', () => {
    expect(() => planPublish(facts('trusted', at('trusted', BEFORE, 'unknown')), whole)).toThrow(
      expect.objectContaining({ code: 'channel-undecidable', exit: 2 }),
    );
  });
});
