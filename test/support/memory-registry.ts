import { type Digest, digestOf, isDigest } from '../../src/core/digest.ts';
import { PrimitiveError } from '../../src/core/errors.ts';
import { descriptorOf, encodeManifest, parseManifest, referrerDescriptor } from '../../src/oci/manifest.ts';
import { MEDIA_TYPE } from '../../src/oci/media-types.ts';
import { parseRepository, parseTag, repositoryHost } from '../../src/oci/reference.ts';
import { fallbackTag } from '../../src/oci/referrers.ts';
import type { BlobSource, Referrer, Registry } from '../../src/oci/registry.ts';
import type { Descriptor, ImageRepository, Manifest } from '../../src/oci/types.ts';

/** One call of the port, as hooks see it before it happens. */
export interface Operation {
  /** From 0, over all repositories. */
  readonly index: number;
  readonly name: keyof Registry;
  readonly repository: ImageRepository;
  /** Tag, digest, or the subject's digest; empty for `checkPush`. */
  readonly reference: string;
}

/**
 * What may go wrong with an operation: an error of the port; `stale`, a read that sees the state before the last write to
 * the repository; `lost`, a write that is acknowledged and did not happen.
 */
export type Fault = PrimitiveError | 'stale' | 'lost';

export interface MemoryRegistryOptions {
  /** Lists referrers by itself; otherwise by the fallback index, which then is a tag like any other. Default true. */
  readonly referrersApi?: boolean;
  /** Called before each operation: to act between two of them, or to answer with a fault. */
  readonly onOperation?: (operation: Operation) => Fault | undefined | Promise<Fault | undefined>;
}

/** A registry in memory behind the same port, which refuses what a real one refuses and what no caller should do. */
export interface MemoryRegistry extends Registry {
  readonly operations: readonly Operation[];
  /** How many they are. */
  requests(): number;
  /** The same registry for whoever looks at a publish from outside: its operations are neither hooked nor counted. */
  readonly observer: Registry;
  /** Replaces `onOperation`. */
  hook(onOperation: MemoryRegistryOptions['onOperation']): void;
  repositories(): readonly string[];
  /** Tag -> digest, sorted by tag; without the fallback tags of referrers. */
  tags(repository: ImageRepository): Readonly<Record<string, Digest>>;
  /** Puts without any check, as whoever else has the right to push may. */
  putForeign(repository: ImageRepository, reference: string, manifest: Manifest): void;
  deleteManifest(repository: ImageRepository, digest: Digest): void;
  deleteTag(repository: ImageRepository, tag: string): void;
  deleteBlob(repository: ImageRepository, digest: Digest): void;
}

/** Called before an operation: may throw, and says how the operation goes wrong. */
type Begin = (
  name: keyof Registry,
  repository: ImageRepository,
  reference: string,
) => Promise<Fault | undefined>;

interface Content {
  readonly blobs: Map<string, Uint8Array>;
  readonly manifests: Map<string, Manifest>;
  readonly tags: Map<string, Digest>;
}

/** A hook that answers with a fault at one operation and lets all others pass. */
export function faultAt(index: number, fault: Fault): NonNullable<MemoryRegistryOptions['onOperation']> {
  return (operation) => (operation.index === index ? fault : undefined);
}

/** A hook that answers every so often with one of the faults; the same seed gives the same sequence. */
export function seededFaults(
  seed: number,
  faults: readonly Fault[],
  oneIn = 8,
): NonNullable<MemoryRegistryOptions['onOperation']> {
  let state = seed >>> 0;
  const next = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 16;
  };
  return () => (next() % oneIn === 0 ? faults[next() % faults.length] : undefined);
}

export function createMemoryRegistry(options: MemoryRegistryOptions = {}): MemoryRegistry {
  const referrersApi = options.referrersApi ?? true;
  let onOperation = options.onOperation;
  const contents = new Map<ImageRepository, Content>();
  const previous = new Map<ImageRepository, Content>();
  const operations: Operation[] = [];

  function contentOf(repository: ImageRepository): Content {
    const known = contents.get(repository);
    if (known !== undefined) return known;
    const fresh: Content = { blobs: new Map(), manifests: new Map(), tags: new Map() };
    contents.set(repository, fresh);
    return fresh;
  }

  const begin: Begin = async (name, repository, reference) => {
    parseRepository(repository);
    if (reference !== '' && !isDigest(reference)) parseTag(reference);
    const operation: Operation = { index: operations.length, name, repository, reference };
    operations.push(operation);
    const fault = await onOperation?.(operation);
    if (fault instanceof PrimitiveError) throw fault;
    return fault;
  };

  /** What a read sees; a repository that was never written to is not made by looking at it. */
  function view(repository: ImageRepository, fault: Fault | undefined): Content | undefined {
    return fault === 'stale' ? previous.get(repository) : contents.get(repository);
  }

  function write(
    repository: ImageRepository,
    fault: Fault | undefined,
    change: (content: Content) => void,
  ): void {
    const content = contentOf(repository);
    const before = copy(content);
    change(content);
    if (fault === 'lost') contents.set(repository, before);
    else previous.set(repository, before);
  }

  function find(content: Content | undefined, reference: string): Manifest | undefined {
    const digest = isDigest(reference) ? reference : content?.tags.get(reference);
    return digest === undefined ? undefined : content?.manifests.get(digest);
  }

  function checkManifest(repository: ImageRepository, manifest: Manifest): void {
    if (digestOf(manifest.bytes) !== manifest.digest) throw misuse('the digest is not that of the bytes');
    const parsed = parseManifest(manifest);
    const { blobs, manifests } = contentOf(repository);
    if (parsed.type === 'index') {
      const missing = parsed.manifests.find((child) => !manifests.has(child.digest));
      if (missing !== undefined) throw absent(repository, `the child ${missing.digest}`);
      return;
    }
    for (const { digest, size } of [parsed.config, ...parsed.layers]) {
      const blob = blobs.get(digest);
      if (blob === undefined) throw absent(repository, `the blob ${digest}`);
      if (blob.length !== size) throw misuse(`the size of ${digest} is ${blob.length}, not ${size}`);
    }
  }

  function store(content: Content, reference: string, manifest: Manifest): void {
    content.manifests.set(manifest.digest, manifest);
    if (!isDigest(reference)) content.tags.set(reference, manifest.digest);
  }

  function listed(content: Content | undefined, subject: Digest): readonly Descriptor[] {
    if (content === undefined) return [];
    if (referrersApi)
      return [...content.manifests.values()].flatMap((manifest) => asReferrer(manifest, subject));
    const index = find(content, fallbackTag(subject));
    const parsed = index === undefined ? undefined : parseManifest(index);
    return parsed?.type === 'index' ? parsed.manifests : [];
  }

  const registry = (begin: Begin): Registry => ({
    async getManifest(repository, reference) {
      const fault = await begin('getManifest', repository, reference);
      return find(view(repository, fault), reference);
    },
    async headManifest(repository, reference) {
      const fault = await begin('headManifest', repository, reference);
      const manifest = find(view(repository, fault), reference);
      return manifest === undefined ? undefined : descriptorOf(manifest);
    },
    async putManifest(repository, reference, manifest) {
      const fault = await begin('putManifest', repository, reference);
      if (isDigest(reference) && reference !== manifest.digest)
        throw misuse('put under the digest of something else');
      checkManifest(repository, manifest);
      write(repository, fault, (content) => store(content, reference, manifest));
    },
    async getBlob(repository, descriptor, maxBytes = 16 * 1024 * 1024) {
      const fault = await begin('getBlob', repository, descriptor.digest);
      if (descriptor.size > maxBytes) {
        throw new PrimitiveError('registry-blob-too-large', `${descriptor.digest} is too large`, { exit: 3 });
      }
      const blob = view(repository, fault)?.blobs.get(descriptor.digest);
      if (blob === undefined) throw absent(repository, `the blob ${descriptor.digest}`);
      return blob;
    },
    async pushBlob(repository, source, { mountFrom } = {}) {
      const { digest } = source.descriptor;
      const fault = await begin('pushBlob', repository, digest);
      if (contents.get(repository)?.blobs.has(digest)) return 'present';
      const mountable = mountFrom !== undefined && repositoryHost(mountFrom) === repositoryHost(repository);
      const mounted = mountable ? contents.get(mountFrom)?.blobs.get(digest) : undefined;
      const bytes = mounted ?? (await readSource(source));
      write(repository, fault, (content) => content.blobs.set(digest, bytes));
      return mounted === undefined ? 'uploaded' : 'mounted';
    },
    async getReferrers(repository, subject) {
      const fault = await begin('getReferrers', repository, subject);
      return listed(view(repository, fault), subject);
    },
    async attach(repository, subject, referrers) {
      const fault = await begin('attach', repository, subject);
      for (const referrer of referrers) {
        checkManifest(repository, referrer);
        checkReferrer(referrer, subject);
      }
      write(repository, fault, (content) => {
        for (const referrer of referrers) store(content, referrer.digest, bare(referrer));
        if (referrersApi) return;
        const entries = new Map(listed(content, subject).map((entry) => [entry.digest, entry]));
        for (const referrer of referrers) entries.set(referrer.digest, referrerDescriptor(referrer));
        store(
          content,
          fallbackTag(subject),
          encodeManifest(MEDIA_TYPE.ociIndex, { manifests: [...entries.values()] }),
        );
      });
    },
    async checkPush(repository) {
      await begin('checkPush', repository, '');
    },
  });

  return {
    ...registry(begin),
    observer: registry(async () => undefined),
    operations,
    requests: () => operations.length,
    hook(replacement) {
      onOperation = replacement;
    },
    repositories: () => [...contents.keys()].sort(),
    tags(repository) {
      const tags = [...(contents.get(repository)?.tags ?? [])].filter(
        ([tag]) => !/^sha256-[0-9a-f]{64}$/.test(tag),
      );
      return Object.fromEntries(tags.sort(([a], [b]) => (a < b ? -1 : 1)));
    },
    putForeign: (repository, reference, manifest) => store(contentOf(repository), reference, manifest),
    deleteManifest(repository, digest) {
      const content = contentOf(repository);
      content.manifests.delete(digest);
      for (const [tag, target] of content.tags) if (target === digest) content.tags.delete(tag);
    },
    deleteTag: (repository, tag) => void contentOf(repository).tags.delete(tag),
    deleteBlob: (repository, digest) => void contentOf(repository).blobs.delete(digest),
  };
}

function copy(content: Content): Content {
  return {
    blobs: new Map(content.blobs),
    manifests: new Map(content.manifests),
    tags: new Map(content.tags),
  };
}

function bare({ mediaType, digest, bytes }: Manifest): Manifest {
  return { mediaType, digest, bytes };
}

/** The descriptor of a manifest whose subject this is, made from the manifest alone, as a registry does. */
function asReferrer(manifest: Manifest, subject: Digest): readonly Descriptor[] {
  const parsed = parseManifest(manifest);
  if (parsed.subject?.digest !== subject) return [];
  const artifactType = parsed.artifactType ?? (parsed.type === 'image' ? parsed.config.mediaType : '');
  return [referrerDescriptor({ ...manifest, artifactType, annotations: parsed.annotations })];
}

function checkReferrer(referrer: Referrer, subject: Digest): void {
  const [found] = asReferrer(referrer, subject);
  if (found === undefined) throw misuse('attached to another subject than its own');
  if (JSON.stringify(found) !== JSON.stringify(referrerDescriptor(referrer))) {
    throw misuse('artifactType or annotations differ from those in the manifest');
  }
}

async function readSource(source: BlobSource): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source.open()) chunks.push(Uint8Array.from(chunk));
  const bytes = Buffer.concat(chunks);
  if (digestOf(bytes) !== source.descriptor.digest || bytes.length !== source.descriptor.size) {
    throw new PrimitiveError('blob-digest-mismatch', 'the source is not what its descriptor says', {
      exit: 3,
    });
  }
  return bytes;
}

function absent(repository: ImageRepository, what: string): PrimitiveError {
  return new PrimitiveError('registry-not-found', `${repository} does not have ${what}`, { exit: 3 });
}

function misuse(why: string): Error {
  return new Error(`wrong use of the registry: ${why}`);
}
