import { PrimitiveError } from '../../core/errors.ts';
import type { Registry } from '../../oci/registry.ts';
import type { Digest, Manifest, Repository } from '../../oci/types.ts';
import { inspectSeal, type SealContext } from '../../seal/inspect.ts';
import type { TrustTier } from '../../seal/types.ts';
import type { Component } from '../../workspace/primitives.ts';
import { fromSeal } from './facts.ts';
import type { SealedImage } from './plan.ts';

/** How often a tag is looked at again after another publisher wrote it. */
const ATTEMPTS = 4;

/** The tag to claim, and what the plan found there. */
export interface Claim {
  readonly component: Component;
  readonly inputDigest: string;
  readonly tag: string;
  readonly image: SealedImage;
  /** What the plan allows to be replaced. */
  readonly supersedes?: Digest;
  /** False where facts were read a moment ago, nothing was built since, and this tag was among them. */
  readonly recheck: boolean;
  /** True for an image that stood in the registry when the plan was made, and may be gone since. */
  readonly reused: boolean;
}

/** What the tag names now: the claimed image, or an equal one that another publisher put there first. */
export interface Claimed {
  readonly image: SealedImage;
  readonly replaced?: Digest;
}

export interface TagPorts {
  readonly registry: Registry;
  /** Judges by every signer that the config knows. */
  readonly seal: SealContext;
  readonly tier: TrustTier;
  /** The bytes of an image of this run; undefined where they must be read. */
  readonly manifest: (digest: Digest) => Manifest | undefined;
}

/** A tag that was looked at: what it names, and the image that it shall name. */
export interface PreparedTag {
  readonly claim: Claim;
  /** The claimed image, or an equal one that another publisher put there first. */
  readonly image: SealedImage;
  readonly current: Digest | undefined;
  /** Bytes to PUT; absent where the tag names the image already. */
  readonly manifest?: Manifest;
}

/**
 * Looks whether a tag may be written, and gets ready to write it.
 *
 * Throws `tag-conflict` (exit 1) where it must not be replaced, and `baseline-gone` (exit 1, retryable) where the
 * image to reuse was deleted in the meantime.
 */
export async function prepareTag(claim: Claim, ports: TagPorts): Promise<PreparedTag> {
  const { component, tag, image, recheck, supersedes } = claim;
  const current = recheck
    ? (await ports.registry.headManifest(component.repository, tag))?.digest
    : supersedes;
  const adopted = await judge(claim, current, ports);
  if (adopted) return { claim, image: adopted, current };
  return { claim, image, current, manifest: await bytesOf(claim, ports) };
}

/**
 * Writes a tag once: PUT, then read back. Registries ignore conditional PUTs, so another publisher can come between;
 * whoever reads back something else adopts it where it is sealed with the same inputs, by a trusted signer or for an
 * accepted run by an accepted one. Throws `tag-conflict` (exit 1) where that cannot be.
 */
export async function writeTag(prepared: PreparedTag, ports: TagPorts): Promise<Claimed> {
  const { claim, manifest } = prepared;
  const { repository } = claim.component;
  if (!manifest) return { image: prepared.image };
  let { current } = prepared;
  let replaced: Digest | undefined;
  // Since all tags were looked at together a trusted run may have come: an accepted one looks at each again.
  let look = ports.tier !== 'trusted';
  for (let puts = 0; ; puts++) {
    if (look) {
      current = (await ports.registry.headManifest(repository, claim.tag))?.digest;
      const image = await judge(claim, current, ports);
      if (image) return { image, ...(replaced && image.digest === claim.image.digest ? { replaced } : {}) };
      if (puts === ATTEMPTS) throw conflict(claim, current, 'other publishers keep writing it');
    }
    replaced ??= current;
    await ports.registry.putManifest(repository, claim.tag, manifest);
    if (!claim.recheck) return { image: claim.image, ...(replaced ? { replaced } : {}) };
    look = true;
  }
}

/** The tags of one component, and the image that a run put under them. */
export type Standing = Pick<Claim, 'component' | 'inputDigest' | 'image'> & {
  readonly tags: readonly string[];
};

/**
 * Lets the tags of a component name the image that the release record lists, and returns that image.
 *
 * Throws `release-incomplete` (exit 1, retryable) where the image is gone or, being somebody else's, not sealed, and
 * `tag-conflict` (exit 1) where an accepted run would take a tag from a trusted one.
 */
export async function restoreTags(
  standing: Standing,
  listed: Digest,
  { registry, seal, tier }: Omit<TagPorts, 'manifest'>,
): Promise<SealedImage> {
  const { component, inputDigest, tags } = standing;
  const { kind, name, repository } = component;
  const expected = { component: { kind, name } };
  let { image } = standing;
  if (image.digest !== listed) {
    const state = await inspectSeal(seal, repository, listed, { ...expected, inputDigest });
    if (!state.sealed) throw incomplete(repository, listed, state.detail);
    if (tier === 'trusted' && state.tier !== 'trusted')
      throw incomplete(repository, listed, 'No trusted signer has sealed it.');
    image = fromSeal(listed, state);
  }
  let manifest: Manifest | undefined;
  for (const tag of tags) {
    const current = (await registry.headManifest(repository, tag))?.digest;
    if (current === listed) continue;
    if (current !== undefined && tier !== 'trusted') {
      const state = await inspectSeal(seal, repository, current, expected);
      if (state.sealed && state.tier === 'trusted')
        throw conflict({ component, tag }, current, 'a trusted run published it in the meantime');
    }
    manifest ??= await registry.getManifest(repository, listed);
    if (!manifest) throw incomplete(repository, listed, 'It was deleted after the record was written.');
    await registry.putManifest(repository, tag, manifest);
  }
  return image;
}

/** The image to leave there: the claimed one or an equal one; undefined where the tag is to be written; throws where neither may be. */
async function judge(
  claim: Claim,
  current: Digest | undefined,
  ports: TagPorts,
): Promise<SealedImage | undefined> {
  if (current === claim.image.digest) return claim.image;
  if (current === undefined || current === claim.supersedes) return undefined;
  const { kind, name, repository } = claim.component;
  const state = await inspectSeal(ports.seal, repository, current, { component: { kind, name } });
  const trusted = state.sealed && state.tier === 'trusted';
  if (ports.tier === 'trusted' && !trusted) return undefined;
  if (!state.sealed) throw conflict(claim, current, `it holds an image that is not sealed: ${state.detail}`);
  if (state.inputDigest !== claim.inputDigest)
    throw conflict(claim, current, 'it holds a sealed image of other inputs');
  return fromSeal(current, state);
}

async function bytesOf(claim: Claim, ports: TagPorts): Promise<Manifest> {
  const { component, image } = claim;
  const { repository } = component;
  const known = ports.manifest(image.digest);
  const mayBeGone = claim.recheck && claim.reused;
  const manifest =
    known && mayBeGone
      ? (await ports.registry.headManifest(repository, image.digest)) && known
      : (known ?? (await ports.registry.getManifest(repository, image.digest)));
  if (manifest) return manifest;
  throw new PrimitiveError(
    'baseline-gone',
    `${component.id}: ${image.digest} is no longer in ${repository}.`,
    {
      why: 'It was there when the plan was made; somebody or a retention policy deleted it since.',
      suggestions: [
        'Run again: the image is then built.',
        'Keep `in-*`, `sha256-*` and untagged manifests in the retention policy.',
      ],
      exit: 1,
      retryable: true,
    },
  );
}

function conflict(
  { component, tag }: Pick<Claim, 'component' | 'tag'>,
  current: Digest | undefined,
  why: string,
): PrimitiveError {
  return new PrimitiveError('tag-conflict', `${component.id}: ${component.repository}:${tag} is taken.`, {
    why: current === undefined ? why : `It names ${current}: ${why}.`,
    suggestions: [
      'Run again: an equal image is adopted once its publisher is done.',
      'A trusted run (the default branch) replaces what no trusted signer sealed.',
    ],
    exit: 1,
    retryable: true,
  });
}

function incomplete(repository: Repository, digest: Digest, why: string): PrimitiveError {
  return new PrimitiveError(
    'release-incomplete',
    `${repository}@${digest} is in the release record and cannot be tagged.`,
    {
      why,
      suggestions: ['Keep what release records list in the retention policy, then publish again.'],
      exit: 1,
      retryable: true,
    },
  );
}
