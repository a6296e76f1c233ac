import { once } from '../core/once.ts';
import { type ImageReference, parseDockerReference } from '../oci/reference.ts';
import type { TrustTier } from '../repository/signers.ts';
import { type RecordState, readRecord, releasesRepository, type SealedRecord } from '../seal/record.ts';
import type { SealContext } from '../seal/search.ts';
import type { Kit, KitSourceRepository } from './kit-document.ts';

/** Makes what reads and verifies the releases of a source. */
export type OpenSource = (source: KitSourceRepository) => Promise<SealContext>;

/** Verdict on a reference to an image. */
export type RefVerdict =
  /** A release of a source lists exactly this image. */
  | { readonly state: 'released'; readonly source: string; readonly commit: string; readonly tier: TrustTier }
  /** Of no source, and `images.allowed` of kit.yaml has it. */
  | { readonly state: 'allowed' }
  /** `digestless`: it is of a source, or allowed, and only its digest is missing. */
  | { readonly state: 'rejected'; readonly reason: string; readonly digestless?: true };

/** The releases of all sources of a kit, each record read once. */
export interface Releases {
  /** The verdict on a reference. Throws what registry and trust root throw: no answer is no verdict. */
  judge(reference: string): Promise<RefVerdict>;
  /** The record of a commit or channel of a source. */
  record(source: KitSourceRepository, reference: string): Promise<RecordState>;
}

/** Reads release records by the `sources` of a kit. */
export function openReleases(
  { sources = [], images }: Pick<Kit, 'sources' | 'images'>,
  open: OpenSource,
): Releases {
  const contexts = new Map(sources.map((source) => [source.repository, once(() => open(source))]));
  const records = new Map<string, Promise<RecordState>>();
  const record = (source: KitSourceRepository, reference: string) => {
    const key = `${source.repository} ${reference}`;
    const known = records.get(key);
    if (known !== undefined) return known;
    const read = (async () => {
      const context = await contexts.get(source.repository)?.();
      if (context === undefined) throw new Error(`source ${source.repository} is not of this kit`);
      return readRecord(context, releasesRepository(source.registry), reference, source);
    })();
    records.set(key, read);
    return read;
  };
  return {
    record,
    async judge(reference) {
      const image = referenceOf(reference);
      if (image === undefined) return rejected('it is not a reference to an image');
      const source = sourceOf(sources, image);
      const isKnown = source !== undefined || isAllowed(image, images?.allowed ?? []);
      if (isKnown && image.digest === undefined) return { ...rejected('it has no digest'), digestless: true };
      if (source !== undefined) return released(source, image, await recordOf(source, image, record));
      if (isKnown) return { state: 'allowed' };
      return rejected('no source of kit.yaml publishes it, and `images.allowed` does not have it');
    },
  };
}

/** The reference that a text is; undefined if it is none. */
export function referenceOf(text: string): ImageReference | undefined {
  try {
    return parseDockerReference(text);
  } catch {
    return undefined;
  }
}

/** The source with the longest registry that the image is below. */
function sourceOf(
  sources: readonly KitSourceRepository[],
  { repository }: Pick<ImageReference, 'repository'>,
): KitSourceRepository | undefined {
  return sources
    .filter(({ registry }) => repository.startsWith(`${registry}/`))
    .sort((a, b) => b.registry.length - a.registry.length)[0];
}

async function recordOf(
  source: KitSourceRepository,
  { tag }: ImageReference,
  record: Releases['record'],
): Promise<RecordState | string> {
  // The tag of a released image is its commit, by which its record is found; the digest is compared.
  if (tag === undefined || !COMMIT.test(tag)) return 'its tag is not the commit of a release';
  return record(source, tag);
}

const COMMIT = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

function released(
  source: KitSourceRepository,
  image: ImageReference,
  state: RecordState | string,
): RefVerdict {
  if (typeof state === 'string') return rejected(state);
  if (state.state === 'absent')
    return rejected(`commit ${image.tag} has no release record in ${source.registry}`);
  if (state.state === 'untrusted')
    return rejected(`the release record of ${image.tag} does not count: ${state.detail}`);
  const listed = componentOf(state, image);
  if (listed === undefined) return rejected(`the release of ${image.tag} does not list ${image.repository}`);
  if (listed.digest !== image.digest)
    return rejected(`the release of ${image.tag} lists ${listed.digest} for ${image.repository}`);
  return { state: 'released', source: source.repository, commit: state.record.commit, tier: state.tier };
}

function componentOf({ record }: SealedRecord, { repository }: ImageReference) {
  return record.components.find(({ image }) => image === repository);
}

function rejected(reason: string): Extract<RefVerdict, { state: 'rejected' }> {
  return { state: 'rejected', reason };
}

/** An entry that ends with a slash allows everything below it. */
function isAllowed({ repository }: ImageReference, allowed: readonly string[]): boolean {
  return allowed.some((entry) => (entry.endsWith('/') ? repository.startsWith(entry) : repository === entry));
}
