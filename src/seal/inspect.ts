import type { Digest } from '../core/digest.ts';
import { PrimitiveError } from '../core/errors.ts';
import { formatPlatform, type Platform } from '../core/platform.ts';
import { parseManifest } from '../oci/manifest.ts';
import type { Registry } from '../oci/registry.ts';
import type { Descriptor, ImageRepository, Manifest } from '../oci/types.ts';
import {
  type FoundBundle,
  type SealContext,
  type SearchResult,
  searchBundles,
  type Wanted,
} from './search.ts';
import { type ComponentName, readProvenance } from './statement.ts';
import { PREDICATE, type ReleaseComponent, type SealState, type SignedStatement } from './types.ts';

export type Sealed = Extract<SealState, { sealed: true }>;
export type Unsealed = Extract<SealState, { sealed: false }>;

/** Expectations of the caller about the image; all that are given must hold. */
export interface Expected {
  readonly component?: ComponentName;
  readonly inputDigest?: string;
  /** `linux/amd64`; more than these may be there. */
  readonly platforms?: readonly string[];
  /** Asks for every platform's manifest, too: one HEAD each. */
  readonly checkChildren?: boolean;
}

/** A manifest of one platform inside an index. */
interface Child extends Descriptor {
  readonly platform: Platform;
}

/**
 * Whether an image is sealed: whether its index has, each verified and each with the index among its subjects, a
 * signature, a SLSA provenance that names this very repository and what is expected, and an SBOM for every platform, all
 * by signers that the policy knows. The seal is worth as much as its weakest part, of each part the best one taken.
 *
 * Throws only what the registry and the trust root throw; everything that is wrong with the image is an answer.
 */
export async function inspectSeal(
  context: SealContext,
  repository: ImageRepository,
  image: Digest | Manifest,
  expected: Expected = {},
): Promise<SealState> {
  const manifest = typeof image === 'string' ? await context.registry.getManifest(repository, image) : image;
  if (manifest === undefined) return unsealed('absent', 'the image was not found');
  const children = childrenOf(manifest);
  if (!Array.isArray(children)) return children;
  const incomplete = await findMissingChild(context.registry, repository, children, expected);
  if (incomplete) return incomplete;

  const [signature, provenance, ...sboms] = await searchBundles(context, repository, manifest.digest, [
    { predicateTypes: [PREDICATE.signature] },
    {
      predicateTypes: [PREDICATE.provenance],
      foreign: (statement) => foreignProvenance(statement, repository, expected),
    },
    ...children.map(wantedSbom),
  ]);
  if (!isFound(signature)) return missing('unsigned', 'signature', signature);
  if (!isFound(provenance)) return missing('no-provenance', 'provenance', provenance);
  const built = readProvenance(provenance.predicate);
  if (built === undefined) return missing('no-provenance', 'provenance', undefined);
  const parts: FoundBundle[] = [signature, provenance];
  const sbom: { platform: string; digest: Digest }[] = [];
  for (const [index, child] of children.entries()) {
    const part = sboms[index];
    const platform = formatPlatform(child.platform);
    if (!isFound(part)) return missing('no-sbom', `SBOM of ${platform}`, part);
    parts.push(part);
    sbom.push({ platform, digest: part.digest });
  }
  const weakest = parts.find(({ tier }) => tier === 'accepted') ?? signature;
  return {
    sealed: true,
    image: {
      digest: manifest.digest,
      inputDigest: built.inputDigest,
      tier: weakest.tier,
      signer: weakest.signer,
      bundles: { signature: signature.digest, provenance: provenance.digest, sbom },
      platforms: sbom.map(({ platform }) => platform),
    },
    component: built.component,
  };
}

/** The state of a recorded image. `manifest` is the image's own, for putting it under another tag. */
export type RecordedImage =
  | { readonly intact: true; readonly manifest: Manifest }
  | ({ readonly intact: false } & Omit<Unsealed, 'sealed'>);

/**
 * Whether an image that a trusted release record lists is still there with everything that seals it. The record vouches
 * for digest and bundles, which cannot change under their digests, so that no bundle has to be read: two requests, and
 * a HEAD for each platform.
 */
export async function checkAgainstRecord(
  registry: Registry,
  component: ReleaseComponent,
): Promise<RecordedImage> {
  const repository = component.image as ImageRepository;
  const [manifest, referrers] = await Promise.all([
    registry.getManifest(repository, component.digest),
    registry.getReferrers(repository, component.digest),
  ]);
  const lost = ({ reason, detail }: Unsealed): RecordedImage => ({ intact: false, reason, detail });
  if (manifest === undefined) return lost(unsealed('absent', 'the recorded image is gone'));
  const children = childrenOf(manifest);
  if (!Array.isArray(children)) return lost(children);
  const incomplete = await findMissingChild(registry, repository, children, {
    platforms: component.platforms,
    checkChildren: true,
  });
  if (incomplete) return lost(incomplete);
  const attached = new Set(referrers.map(({ digest }) => digest));
  const { signature, provenance, sbom } = component.bundles;
  if (!attached.has(signature)) return lost(missing('unsigned', 'recorded signature', undefined));
  if (!attached.has(provenance)) return lost(missing('no-provenance', 'recorded provenance', undefined));
  const gone = sbom.find(({ digest }) => !attached.has(digest));
  if (gone) return lost(missing('no-sbom', `recorded SBOM of ${gone.platform}`, undefined));
  return { intact: true, manifest };
}

/** The platforms of an index, sorted; what builders put beside them under the platform `unknown` is left out. */
function childrenOf(manifest: Manifest): Child[] | Unsealed {
  try {
    const parsed = parseManifest(manifest);
    if (parsed.type !== 'index') return unsealed('broken', 'it is a single image and no index of platforms');
    const children: Child[] = [];
    for (const { platform, ...descriptor } of parsed.manifests) {
      if (platform === undefined)
        return unsealed('broken', `its index has ${descriptor.digest} for no platform`);
      if (platform.os !== 'unknown') children.push({ ...descriptor, platform });
    }
    if (children.length === 0) return unsealed('broken', 'its index has no platform');
    return children.sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
  } catch (error) {
    if (error instanceof PrimitiveError && error.code === 'manifest-invalid') {
      return unsealed('broken', `its manifest is malformed: ${error.why ?? error.message}`);
    }
    throw error;
  }
}

function sortKey({ platform, digest }: Child): string {
  return `${formatPlatform(platform)} ${digest}`;
}

async function findMissingChild(
  registry: Registry,
  repository: ImageRepository,
  children: readonly Child[],
  { platforms = [], checkChildren = false }: Expected,
): Promise<Unsealed | undefined> {
  const there = new Set(children.map(({ platform }) => formatPlatform(platform)));
  const wanting = platforms.find((platform) => !there.has(platform));
  if (wanting) return unsealed('platform-missing', `it is not there for ${wanting}`);
  if (!checkChildren) return undefined;
  const found = await Promise.all(children.map(({ digest }) => registry.headManifest(repository, digest)));
  const gone = children[found.indexOf(undefined)];
  return gone && unsealed('child-missing', `its manifest for ${formatPlatform(gone.platform)} is gone`);
}

function wantedSbom(child: Child): Wanted {
  return { predicateTypes: [PREDICATE.spdx, PREDICATE.cyclonedx], alsoSubject: child.digest };
}

/** Signatures do not name a repository, so a copy of an image brings its seal along; its provenance gives it away. */
function foreignProvenance(
  statement: SignedStatement,
  repository: ImageRepository,
  expected: Expected,
): string | undefined {
  const built = readProvenance(statement.predicate);
  if (built === undefined) return 'its provenance was not made by a publish';
  const { kind, name, image } = built.component;
  if (image !== repository) return `it was built as ${image}`;
  const { component } = expected;
  if (component && (component.kind !== kind || component.name !== name)) {
    return `it was built for ${kind}/${name}`;
  }
  if (expected.inputDigest !== undefined && built.inputDigest !== expected.inputDigest) {
    return `it was built from other inputs (${built.inputDigest.slice(0, 12)})`;
  }
  return undefined;
}

function isFound(result: SearchResult | undefined): result is FoundBundle {
  return result !== undefined && 'tier' in result;
}

function missing(reason: string, part: string, result: SearchResult | undefined): Unsealed {
  if (result === undefined || isFound(result) || result.miss === 'missing')
    return unsealed(reason, `it has no ${part}`);
  if (result.miss === 'untrusted')
    return unsealed('untrusted', `its ${part} does not count: ${result.detail}`);
  if (result.miss === 'foreign') return unsealed('foreign', `it belongs elsewhere: ${result.detail}`);
  return unsealed('broken', `its ${part} cannot be verified: ${result.detail}`);
}

function unsealed(reason: string, detail: string): Unsealed {
  return { sealed: false, reason, detail };
}
