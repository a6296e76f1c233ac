import type { Registry } from './registry.ts';
import type { Descriptor, Digest, Repository } from './types.ts';

/** What will be asked for, by digests that are known beforehand. */
export interface WantedReads {
  readonly manifests: readonly Digest[];
  readonly blobs: readonly Descriptor[];
  /** By their subjects. */
  readonly referrers: readonly Digest[];
}

/**
 * The same registry with some reads of one repository under way already: for a reader who finds out step by step what
 * the caller knows. Each is asked once; a failure is told to whoever asks for it.
 */
export function readAhead(registry: Registry, repository: Repository, wanted: WantedReads): Registry {
  const manifests = begin(
    wanted.manifests.map((digest) => [digest, registry.getManifest(repository, digest)]),
  );
  const blobs = begin(
    wanted.blobs.map((blob) => [blob.digest, registry.getBlob(repository, blob, blob.size)]),
  );
  const referrers = begin(
    wanted.referrers.map((subject) => [subject, registry.getReferrers(repository, subject)]),
  );
  const here = (asked: Repository) => asked === repository;
  return {
    ...registry,
    getManifest: (asked, reference) =>
      (here(asked) && manifests.get(reference)) || registry.getManifest(asked, reference),
    getBlob: (asked, descriptor, maxBytes) =>
      (here(asked) && blobs.get(descriptor.digest)) || registry.getBlob(asked, descriptor, maxBytes),
    getReferrers: (asked, subject) =>
      (here(asked) && referrers.get(subject)) || registry.getReferrers(asked, subject),
  };
}

function begin<T>(reads: readonly (readonly [Digest, Promise<T>])[]): ReadonlyMap<string, Promise<T>> {
  // Until somebody asks, a failure has nobody to be told to.
  for (const [, read] of reads) read.catch(() => undefined);
  return new Map(reads);
}
