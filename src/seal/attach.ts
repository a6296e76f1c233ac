import { setTimeout as wait } from 'node:timers/promises';
import { PrimitiveError } from '../core/errors.ts';
import { EMPTY_CONFIG } from '../oci/artifact.ts';
import { descriptorOf } from '../oci/manifest.ts';
import type { BlobSource } from '../oci/registry.ts';
import type { ImageRepository, Manifest } from '../oci/types.ts';
import { bundleBlob, bundleReferrer } from './bundle.ts';
import { type Expected, inspectSeal, type Sealed } from './inspect.ts';
import type { SealContext } from './search.ts';
import { describeUnknown, scopedTo, tierOf } from './trust.ts';
import type { VerifiedStatement } from './types.ts';

/** Milliseconds between two reads of a registry that lags behind its writes. */
const READ_BACK_DELAYS = [250, 1_000, 3_000, 6_000, 12_000] as const;

/**
 * Attaches an image's bundles, reads all of it back from the registry and verifies it. The bundles are put in the order
 * given: the signature comes last. Attaching the same bundles again changes nothing.
 *
 * Bundles that others attached before are no substitute: the seal that is read back must be of this signer's tier, and
 * if that is only accepted, by this signer or one of its repository and ref.
 *
 * Throws `seal-bundle-refused` (exit 2) before anything is written for a bundle that this config does not accept, and
 * `seal-not-confirmed` (exit 3) if the registry does not show a sealed image afterwards.
 */
export async function attachSeal(
  context: SealContext,
  repository: ImageRepository,
  image: Manifest,
  bundles: readonly Uint8Array[],
  expected: Expected,
): Promise<Sealed> {
  const uploaded = await uploadBundles(context, repository, bundles);
  const statement = await attachBundles(context, repository, image, uploaded);
  const own = { ...context, policy: scopedTo(context.policy, statement.signer) };
  return confirm(context, `${repository}@${image.digest}`, async () => {
    const state = await inspectSeal(own, repository, image.digest, expected);
    return state.sealed ? state : state.detail;
  });
}

/** Bundles that a repository has, which nothing refers to yet. */
export type UploadedBundles = readonly {
  readonly blob: BlobSource;
  readonly statement: VerifiedStatement;
}[];

/** Uploads bundles that verify; their subject need not be there yet. Throws `seal-bundle-refused` (exit 2). */
export async function uploadBundles(
  context: SealContext,
  repository: ImageRepository,
  bundles: readonly Uint8Array[],
): Promise<UploadedBundles> {
  const { registry } = context;
  const checked = await Promise.all(
    bundles.map(async (bytes) => ({ blob: bundleBlob(bytes), statement: await checkOwn(context, bytes) })),
  );
  await Promise.all([
    registry.pushBlob(repository, EMPTY_CONFIG),
    // Signed a moment ago: the registry cannot have it.
    ...checked.map(({ blob }) => registry.pushBlob(repository, blob, { fresh: true })),
  ]);
  return checked;
}

/** The writing half of {@link attachSeal}, for anything that is not an image of platforms; returns the last statement. */
export async function attachBundles(
  { registry }: SealContext,
  repository: ImageRepository,
  subject: Manifest,
  bundles: UploadedBundles,
): Promise<VerifiedStatement> {
  const last = bundles.at(-1);
  if (last === undefined) throw new Error('no bundles to attach');
  const referrers = bundles.map(({ blob, statement }) =>
    bundleReferrer(blob.descriptor, statement.predicateType, descriptorOf(subject)),
  );
  // A registry may put several in any order; what has the signature has the rest.
  const others = referrers.slice(0, -1);
  if (others.length > 0) await registry.attach(repository, subject.digest, others);
  await registry.attach(repository, subject.digest, referrers.slice(-1));
  return last.statement;
}

/**
 * Reads until there is an answer: a registry may lag behind its writes. Throws `seal-not-confirmed` (exit 3) with the
 * last explanation.
 */
export async function confirm<T extends object>(
  { sleep = wait }: SealContext,
  what: string,
  read: () => Promise<T | string>,
): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    const seen = await read();
    if (typeof seen !== 'string') return seen;
    const delay = READ_BACK_DELAYS[attempt];
    if (delay === undefined) {
      throw new PrimitiveError(
        'seal-not-confirmed',
        `Cannot read the seal of ${what} back from the registry`,
        {
          why: seen,
          suggestions: [
            'Run publish again: it continues with what is attached, and writes no tag before the seal is complete.',
          ],
          exit: 3,
          retryable: true,
        },
      );
    }
    await sleep(delay);
  }
}

async function checkOwn({ verifier, policy }: SealContext, bundle: Uint8Array): Promise<VerifiedStatement> {
  const check = await verifier.verify(bundle);
  if (!check.verified) {
    throw new PrimitiveError('seal-bundle-refused', 'New signature does not verify', {
      why: check.detail,
      suggestions: ['Check that `signing.trustedRoot` or the trusted keys belong to the signer in use.'],
    });
  }
  const tier = tierOf(check.statement.signer, policy);
  if (tier === undefined) {
    throw new PrimitiveError('seal-bundle-refused', 'Signer is not allowed to publish', {
      why: `${describeUnknown(check.statement.signer, policy)} is in neither \`signing.trusted\` nor \`signing.accepted\``,
      suggestions: ['Add the signer to `signing.accepted`, or run as a trusted signer.'],
    });
  }
  return { ...check.statement, tier };
}
