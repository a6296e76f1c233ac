import { type Digest, digestHex } from '../core/digest.ts';
import { PrimitiveError } from '../core/errors.ts';
import { type Clock, retryDelay } from '../http/retry.ts';
import type { HttpResponse } from '../http/send.ts';
import { readErrorBody } from './failure.ts';
import {
  encodeManifest,
  MAX_MANIFEST_BYTES,
  parseDescriptor,
  parseManifest,
  referrerDescriptor,
} from './manifest.ts';
import { MEDIA_TYPE } from './media-types.ts';
import { repositoryHost } from './reference.ts';
import type { Referrer } from './registry.ts';
import type { RegistryHttp } from './registry-http.ts';
import type { Descriptor, ImageRepository, Manifest } from './types.ts';

/** The manifest operations that referrers are built on; each is one request. */
export interface ManifestStore {
  get(repository: ImageRepository, reference: string): Promise<Manifest | undefined>;
  /** `subject`: whether the response had the header `OCI-Subject`, so that the registry lists the manifest by itself. */
  put(
    repository: ImageRepository,
    reference: string,
    manifest: Manifest,
  ): Promise<{ readonly subject: boolean }>;
}

/** Reads and writes the referrers of a manifest. */
export interface Referrers {
  list(repository: ImageRepository, subject: Digest): Promise<readonly Descriptor[]>;
  attach(repository: ImageRepository, subject: Digest, referrers: readonly Referrer[]): Promise<void>;
}

const MAX_PAGES = 100;
/** Rounds of write and read back; each waits longer than the one before. */
const MAX_ROUNDS = 10;

/** The tag of the fallback index for registries without a referrers API (distribution-spec, "Referrers Tag Schema"). */
export function fallbackTag(subject: Digest): string {
  return `sha256-${digestHex(subject)}`;
}

/**
 * Referrers by the API if the host has it, else by the fallback index. The first request to a host finds out which, while
 * the others wait.
 */
export function createReferrers(options: {
  readonly http: RegistryHttp;
  readonly manifests: ManifestStore;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
}): Referrers {
  const { http, manifests, clock, signal } = options;
  const modes = new Map<string, 'api' | 'fallback'>();
  const probes = new Map<string, Promise<unknown>>();
  const writers = new Map<string, Promise<void>>();

  async function list(repository: ImageRepository, subject: Digest): Promise<readonly Descriptor[]> {
    const host = repositoryHost(repository);
    while (!modes.has(host) && probes.has(host)) await probes.get(host);
    const readFallback = () => manifests.get(repository, fallbackTag(subject));
    // Both at once, until it is known which of them the host has.
    const early = modes.has(host) ? undefined : readFallback();
    early?.catch(() => undefined);
    if (modes.get(host) !== 'fallback') {
      const asked = askApi(repository, subject);
      if (!modes.has(host)) {
        const settled = asked.catch(() => undefined).then(() => probes.delete(host));
        probes.set(host, settled);
      }
      const listed = await asked;
      if (listed !== undefined) return listed;
    }
    const index = await (early ?? readFallback());
    return index === undefined ? [] : readIndex(index, repository).manifests;
  }

  /** Undefined if the host has no referrers API, or none for this repository. */
  async function askApi(
    repository: ImageRepository,
    subject: Digest,
  ): Promise<readonly Descriptor[] | undefined> {
    const host = repositoryHost(repository);
    const found: Descriptor[] = [];
    let target: string | URL | undefined = `referrers/${subject}`;
    for (let page = 0; target !== undefined; page += 1) {
      if (page === MAX_PAGES) throw tooMany(repository, subject);
      const next: PageResult = await http.call(
        {
          method: 'GET',
          repository,
          target,
          what: `the referrers of ${subject}`,
          pushes: false,
          headers: { accept: MEDIA_TYPE.ociIndex },
          maxBytes: MAX_MANIFEST_BYTES,
          accept: ({ status }) => status === 200 || UNSUPPORTED.has(status),
        },
        ({ response, url }) => readPage(response, url),
      );
      if (next.type !== 'page') {
        if (next.type === 'unsupported') modes.set(host, 'fallback');
        return undefined;
      }
      modes.set(host, 'api');
      found.push(...next.manifests);
      target = next.next;
    }
    return found;
  }

  /**
   * Read, merge, write, read back. The index cannot be locked: a writer that read it before our write may replace it
   * after that. Such a writer is about as slow as we were, so we wait that long before we read back.
   */
  async function merge(
    repository: ImageRepository,
    subject: Digest,
    expected: readonly Descriptor[],
  ): Promise<void> {
    const tag = fallbackTag(subject);
    // All entries ever seen: a stale read must not make us drop one.
    let known: FallbackIndex = { manifests: [], annotations: {} };
    for (let writes = 0; writes < MAX_ROUNDS; writes += 1) {
      const started = clock.now();
      const current = await manifests.get(repository, tag);
      const index = current === undefined ? undefined : readIndex(current, repository);
      known = union(known, index, expected);
      if (index !== undefined && holdsAll(index.manifests, known.manifests, expected)) return;
      await manifests.put(repository, tag, encodeIndex(known));
      const pause = Math.ceil(clock.now() - started);
      // Two writers must not retry in step.
      const apart = writes === 0 ? 0 : retryDelay(writes, 0, clock.random());
      await clock.sleep(pause + apart, signal);
    }
    throw contended(repository, subject);
  }

  async function write(
    repository: ImageRepository,
    subject: Digest,
    referrers: readonly Referrer[],
  ): Promise<void> {
    const [first, ...others] = referrers;
    if (first === undefined) return;
    const put = (referrer: Referrer) => manifests.put(repository, referrer.digest, referrer);
    const { subject: answered } = await put(first);
    if (!answered) await Promise.all(others.map(put));
    else if (await putListed(repository, subject, referrers)) return;
    const expected = referrers.map(referrerDescriptor).sort((a, b) => (a.digest < b.digest ? -1 : 1));
    await merge(repository, subject, expected);
  }

  /**
   * With a registry that lists by itself: one at a time, then read back, because some lose entries that come at the same
   * moment (olareg 0.1.2 does). The first referrer is there already. False if the registry answered `OCI-Subject` and
   * still has no referrers API.
   */
  async function putListed(
    repository: ImageRepository,
    subject: Digest,
    referrers: readonly Referrer[],
  ): Promise<boolean> {
    let missing = referrers.slice(1);
    for (let round = 1; round <= MAX_ROUNDS; round += 1) {
      for (const referrer of missing) await manifests.put(repository, referrer.digest, referrer);
      const found = await askApi(repository, subject);
      if (found === undefined) return false;
      const listed = new Set(found.map(({ digest }) => digest));
      missing = referrers.filter(({ digest }) => !listed.has(digest));
      if (missing.length === 0) return true;
      await clock.sleep(retryDelay(round, 0, clock.random()), signal);
    }
    throw notListed(repository, subject, missing.length);
  }

  return {
    list,
    async attach(repository, subject, referrers) {
      const key = `${repository}@${subject}`;
      const before = writers.get(key) ?? Promise.resolve();
      const mine = before.catch(() => undefined).then(() => write(repository, subject, referrers));
      writers.set(key, mine);
      await mine;
    },
  };
}

type PageResult =
  | { readonly type: 'page'; readonly manifests: readonly Descriptor[]; readonly next: URL | undefined }
  | { readonly type: 'unsupported' | 'unknown' };

/** Status codes of registries without the API. */
const UNSUPPORTED = new Set([400, 404, 405, 406, 501]);

function readPage(response: HttpResponse, url: URL): PageResult {
  if (response.status !== 200) {
    // A repository that is not there yet says nothing about the API.
    const { code } = readErrorBody(response);
    return { type: code === 'NAME_UNKNOWN' || code === 'MANIFEST_UNKNOWN' ? 'unknown' : 'unsupported' };
  }
  let body: { manifests?: unknown } | null;
  try {
    body = JSON.parse(new TextDecoder().decode(response.body)) as typeof body;
  } catch {
    return { type: 'unsupported' };
  }
  // Go writes an empty list as null.
  const manifests = body?.manifests === null ? [] : body?.manifests;
  if (!Array.isArray(manifests)) return { type: 'unsupported' };
  return {
    type: 'page',
    manifests: manifests.map((item, index) => parseDescriptor(item, `referrers[${index}]`)),
    next: nextPage(response.headers.link, url),
  };
}

/** The target of `Link: <…>; rel="next"` if it is on the same host (RFC 8288). */
function nextPage(link: string | undefined, url: URL): URL | undefined {
  const match = /<([^<>]*)>\s*;[^,<]*\brel="?next"?/i.exec(link ?? '');
  if (match?.[1] === undefined || !URL.canParse(match[1], url.href)) return undefined;
  const next = new URL(match[1], url);
  return next.origin === url.origin ? next : undefined;
}

interface FallbackIndex {
  readonly manifests: readonly Descriptor[];
  readonly annotations: Readonly<Record<string, string>>;
}

/** Known entries, then found entries, in their order, then ours, which replace entries of the same digest. */
function union(
  known: FallbackIndex,
  found: FallbackIndex | undefined,
  expected: readonly Descriptor[],
): FallbackIndex {
  const entries = new Map<string, Descriptor>();
  for (const descriptor of [...known.manifests, ...(found?.manifests ?? []), ...expected]) {
    entries.set(descriptor.digest, descriptor);
  }
  return { manifests: [...entries.values()], annotations: { ...known.annotations, ...found?.annotations } };
}

function encodeIndex({ manifests, annotations }: FallbackIndex): Manifest {
  const labels = Object.keys(annotations).length === 0 ? undefined : annotations;
  return encodeManifest(MEDIA_TYPE.ociIndex, { manifests, annotations: labels });
}

function readIndex(manifest: Manifest, repository: ImageRepository): FallbackIndex {
  const parsed = parseManifest(manifest);
  if (parsed.type === 'index') return parsed;
  throw new PrimitiveError('registry-failed', `A referrers tag of ${repository} is not an index`, {
    why: `It is ${manifest.mediaType}; other tools cannot find signatures there either.`,
    suggestions: ['Find out who pushed the tag sha256-…, and delete it.'],
    exit: 3,
  });
}

/** All entries are there, and ours have their artifactType: older tools write a wrong type, which hides an entry. */
function holdsAll(
  found: readonly Descriptor[],
  known: readonly Descriptor[],
  expected: readonly Descriptor[],
): boolean {
  const byDigest = new Map(found.map((descriptor) => [descriptor.digest as string, descriptor]));
  return (
    known.every(({ digest }) => byDigest.has(digest)) &&
    expected.every((descriptor) => byDigest.get(descriptor.digest)?.artifactType === descriptor.artifactType)
  );
}

function tooMany(repository: ImageRepository, subject: Digest): PrimitiveError {
  return new PrimitiveError('registry-failed', `Too many pages of referrers of ${repository}@${subject}`, {
    why: `The list has more than ${MAX_PAGES} pages.`,
    exit: 3,
  });
}

function notListed(repository: ImageRepository, subject: Digest, missing: number): PrimitiveError {
  const host = repositoryHost(repository);
  return new PrimitiveError(
    'registry-failed',
    `${host} does not list what was attached to ${repository}@${subject}`,
    {
      why: `It accepted the referrers, but after ${MAX_ROUNDS} rounds its referrers API does not list ${missing} of them.`,
      suggestions: ['Try again later. If it persists, report it to the operator of the registry.'],
      exit: 3,
      retryable: true,
    },
  );
}

function contended(repository: ImageRepository, subject: Digest): PrimitiveError {
  const index = `${repository}:${fallbackTag(subject)}`;
  return new PrimitiveError('registry-failed', `Cannot write the index ${index}`, {
    why: `After ${MAX_ROUNDS} writes entries are still missing: another writer keeps replacing the list.`,
    suggestions: ['Run one publish of a commit at a time: use a concurrency group in CI.'],
    exit: 3,
    retryable: true,
  });
}
