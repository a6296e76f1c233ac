import type { Digest } from '../core/digest.ts';
import { PrimitiveError } from '../core/errors.ts';
import type { Registry } from '../oci/registry.ts';
import type { Descriptor, ImageRepository } from '../oci/types.ts';
import { bundleLayer, MAX_BUNDLE_BYTES, maybeBundle, PREDICATE_ANNOTATION } from './bundle.ts';
import { describeUnknown, type TrustPolicy, tierOf } from './trust.ts';
import type { SignedStatement, VerifiedStatement } from './types.ts';
import type { BundleCheck, BundleVerifier } from './verifier.ts';

/** Ports for reading and judging bundles in a registry. */
export interface SealContext {
  readonly registry: Registry;
  readonly verifier: BundleVerifier;
  readonly policy: TrustPolicy;
  /** Waits between two reads of a registry that lags behind its writes; a timer if absent. */
  readonly sleep?: (milliseconds: number) => Promise<unknown>;
}

/** One statement that is looked for. */
export interface Wanted {
  readonly predicateTypes: readonly string[];
  /** Further digest, besides the image's own, that must be among the subjects. */
  readonly alsoSubject?: Digest;
  /** Says in what way a statement of that type belongs to something else; undefined if it fits. */
  readonly foreign?: (statement: SignedStatement) => string | undefined;
}

/** A statement that fits, and the manifest by which it is attached. */
export interface FoundBundle extends VerifiedStatement {
  readonly digest: Digest;
}

/** Why there is none; the first that applies in this order is the one that helps. */
export type MissReason = 'foreign' | 'untrusted' | 'broken' | 'missing';

export type SearchResult = FoundBundle | { readonly miss: MissReason; readonly detail?: string };

/** As many bundles are read at a time; together they stay far below what a registry allows one client. */
const BATCH = 8;
/** Anyone who may push can attach any number; those that announce a wanted type are read first. */
const MAX_CANDIDATES = 256;

/**
 * Finds one statement of each wanted kind among everything attached to `subject`, by the best signer there is. What is
 * broken, foreign or by unknown signers is passed over: it neither counts nor hides what is good.
 */
export async function searchBundles(
  { registry, verifier, policy }: SealContext,
  repository: ImageRepository,
  subject: Digest,
  wanted: readonly Wanted[],
): Promise<readonly SearchResult[]> {
  const results: SearchResult[] = wanted.map(() => ({ miss: 'missing' }));
  const candidates = candidatesOf(await registry.getReferrers(repository, subject), wanted);
  for (let at = 0; at < candidates.length && !results.every(isTrusted); at += BATCH) {
    const batch = candidates.slice(at, at + BATCH);
    const checks = await Promise.all(
      batch.map((referrer) => readBundle(registry, verifier, repository, referrer)),
    );
    for (const [index, referrer] of batch.entries()) {
      const check = checks[index];
      if (check === undefined) continue;
      for (const [part, want] of wanted.entries()) {
        const result = judge(referrer, check, subject, want, policy);
        if (result !== undefined && isBetter(result, results[part])) results[part] = result;
      }
    }
  }
  return results;
}

/** Those that say that they are what is wanted come first; else by digest, so that the order of the registry decides nothing. */
function candidatesOf(referrers: readonly Descriptor[], wanted: readonly Wanted[]): readonly Descriptor[] {
  const types = new Set(wanted.flatMap(({ predicateTypes }) => predicateTypes));
  const rank = (referrer: Descriptor) => (types.has(announced(referrer)) ? '0' : '1') + referrer.digest;
  return [...new Map(referrers.filter(maybeBundle).map((referrer) => [referrer.digest, referrer])).values()]
    .sort((a, b) => (rank(a) < rank(b) ? -1 : 1))
    .slice(0, MAX_CANDIDATES);
}

function announced(referrer: Descriptor): string {
  return referrer.annotations?.[PREDICATE_ANNOTATION] ?? '';
}

/** Undefined for what turns out to be no bundle at all. */
async function readBundle(
  registry: Registry,
  verifier: BundleVerifier,
  repository: ImageRepository,
  referrer: Descriptor,
): Promise<BundleCheck | undefined> {
  try {
    const manifest = await registry.getManifest(repository, referrer.digest);
    if (manifest === undefined) return { verified: false, detail: 'it is listed but not there' };
    const layer = bundleLayer(manifest);
    if (layer === undefined) return undefined;
    return await verifier.verify(await registry.getBlob(repository, layer, MAX_BUNDLE_BYTES));
  } catch (error) {
    if (isUnreadable(error)) return { verified: false, detail: `it cannot be read (${error.message})` };
    throw error;
  }
}

/** Whether a failure says something about what was to be read and nothing about the registry. */
export function isUnreadable(error: unknown): error is PrimitiveError {
  return error instanceof PrimitiveError && UNREADABLE.has(error.code);
}

const UNREADABLE = new Set([
  'manifest-invalid',
  'registry-not-found',
  'registry-digest-mismatch',
  'registry-blob-too-large',
]);

/** Verdict on one bundle for one wanted statement; undefined if it is about something else. */
function judge(
  referrer: Descriptor,
  check: BundleCheck,
  subject: Digest,
  want: Wanted,
  policy: TrustPolicy,
): SearchResult | undefined {
  if (!check.verified) {
    return want.predicateTypes.includes(announced(referrer))
      ? { miss: 'broken', detail: check.detail }
      : undefined;
  }
  const { statement } = check;
  if (!want.predicateTypes.includes(statement.predicateType)) return undefined;
  const { alsoSubject = subject } = want;
  if (!statement.subjects.includes(subject) || !statement.subjects.includes(alsoSubject)) return undefined;
  const tier = tierOf(statement.signer, policy);
  if (tier === undefined)
    return { miss: 'untrusted', detail: `signed by ${describeUnknown(statement.signer, policy)}` };
  const foreign = want.foreign?.(statement);
  if (foreign !== undefined) return { miss: 'foreign', detail: foreign };
  return { ...statement, tier, digest: referrer.digest };
}

function isTrusted(result: SearchResult): boolean {
  return 'tier' in result && result.tier === 'trusted';
}

const WORTH = { missing: 0, broken: 1, untrusted: 2, foreign: 3, accepted: 4, trusted: 5 } as const;

function isBetter(result: SearchResult, than: SearchResult | undefined): boolean {
  const worth = (one: SearchResult) => WORTH['tier' in one ? one.tier : one.miss];
  return than === undefined || worth(result) > worth(than);
}
