import pLimit from 'p-limit';
import { type Digest, digestOf, isDigest } from '../core/digest.ts';
import { PrimitiveError } from '../core/errors.ts';
import { optional } from '../core/object.ts';
import type { Processes } from '../core/process.ts';
import { createHttpClient, type HttpClient, type HttpClientOptions } from '../http/client.ts';
import { systemClock } from '../http/clock.ts';
import { type Clock, retryDelay } from '../http/retry.ts';
import { type CredentialSources, createCredentials } from './credentials.ts';
import { isAbsent, mismatch, printable, unusableResponse } from './failure.ts';
import { descriptorOf, MAX_MANIFEST_BYTES } from './manifest.ts';
import { ACCEPT_MANIFESTS, isImageType, isIndexType } from './media-types.ts';
import { createReferrers } from './referrers.ts';
import type { Registry } from './registry.ts';
import { createRegistryHttp, type RegistryResponse, type RetryEvent } from './registry-http.ts';
import type { Descriptor, ImageRepository, Manifest } from './types.ts';
import { checkDigestHeader, hasBlob, probeUpload, uploadBlob } from './upload.ts';

/** Options of a client; the CLI reads the environment variables. */
export interface RegistryClientOptions extends Partial<HttpClientOptions> {
  readonly credentials: CredentialSources;
  /** Runs Docker's credential helpers. */
  readonly processes: Processes;
  /** Hosts without TLS, besides loopback hosts. */
  readonly plainHttp?: readonly string[];
  /** Those of them that may be logged in to: said by the environment, never by a file of a checkout. */
  readonly plainCredentials?: readonly string[];
  /** `write` asks for tokens with the right to push from the start; default `read`. */
  readonly access?: 'read' | 'write';
  /** Milliseconds that one operation may spend on retries; default 5 minutes. */
  readonly retryBudget?: number;
  /** Called before each wait. */
  readonly onRetry?: (event: RetryEvent) => void;
  readonly clock?: Clock;
}

/** A {@link Registry} over HTTP. */
export interface RegistryClient extends Registry {
  /** HTTP requests sent so far, with token requests and retries, without redirects. */
  requests(): number;
  /** Ends its connections; the client cannot be used after it. */
  close(): Promise<void>;
}

/**
 * Requests in flight per host, and so connections: enough to hide the latency. Registries limit requests per minute, not
 * at a time; when they answer 429 the limiter lowers it.
 */
const CONCURRENCY = 64;
/** A few uploads fill the bandwidth, and each holds a chunk in memory. */
const UPLOADS_AT_A_TIME = 16;
/** Milliseconds. */
const RETRY_BUDGET = 300_000;
const DEFAULT_MAX_BLOB = 16 * 1024 * 1024;
/** Reads, and milliseconds, until a read that does not show this client's last write is believed. */
const STALE_READS = 5;
const STALE_WINDOW = 60_000;

/** The registry client of the product: distribution-spec 1.1 over HTTP/1.1. Throws `registry-ca-unreadable` (exit 2). */
export function createRegistryClient(options: RegistryClientOptions): RegistryClient {
  const clock = options.clock ?? systemClock;
  const { signal } = options;
  const common = signal === undefined ? {} : { signal };
  const concurrency = options.concurrency ?? CONCURRENCY;
  const client = createHttpClient({
    ...common,
    service: 'registry',
    concurrency,
    stallTimeout: options.stallTimeout ?? 60_000,
    ...optional('caFile', options.caFile),
    ...optional('proxy', options.proxy),
  });
  let requests = 0;
  const counted: HttpClient = {
    send(request) {
      requests += 1;
      return client.send(request);
    },
    close: () => client.close(),
  };
  const http = createRegistryHttp({
    ...common,
    client: counted,
    clock,
    credentials: createCredentials(options.credentials, options.processes),
    plainHttp: options.plainHttp ?? [],
    plainCredentials: options.plainCredentials ?? [],
    write: options.access === 'write',
    concurrency,
    budget: options.retryBudget ?? RETRY_BUDGET,
    ...optional('onRetry', options.onRetry),
  });

  /** Digests that this client wrote, by repository and reference: a read that differs may be stale. */
  const written = new Map<string, { readonly digest: Digest; readonly until: number }>();
  const tagWriters = new Map<ImageRepository, Promise<unknown>>();
  const blobs = new Map<string, Promise<'present' | 'mounted' | 'uploaded'>>();
  /** A repository that has the blob: others on the host can mount it from there. */
  const held = new Map<Digest, ImageRepository>();
  const uploads = pLimit(UPLOADS_AT_A_TIME);

  function fetchManifest(repository: ImageRepository, reference: string): Promise<Manifest | undefined> {
    return http.call(
      {
        method: 'GET',
        repository,
        target: `manifests/${reference}`,
        what: `the manifest ${reference}`,
        pushes: false,
        headers: { accept: ACCEPT_MANIFESTS },
        maxBytes: MAX_MANIFEST_BYTES,
        accept: (response) => response.status === 200 || isAbsent(response),
      },
      (answer) => (answer.response.status === 200 ? readManifest(answer, reference) : undefined),
    );
  }

  async function fetchDescriptor(
    repository: ImageRepository,
    reference: string,
  ): Promise<Descriptor | undefined> {
    const head = await http.call(
      {
        method: 'HEAD',
        repository,
        target: `manifests/${reference}`,
        what: `the manifest ${reference}`,
        pushes: false,
        headers: { accept: ACCEPT_MANIFESTS },
        accept: ({ status }) =>
          status === 200 || (status >= 400 && status < 429 && status !== 408 && status !== 401),
      },
      (answer) => answer,
    );
    if (head.response.status === 404) return undefined;
    const descriptor = head.response.status === 200 ? headDescriptor(head, reference) : undefined;
    if (descriptor !== undefined) return descriptor;
    // HEAD has no digest, or no body with the reason: ask by GET.
    const manifest = await fetchManifest(repository, reference);
    return manifest === undefined ? undefined : descriptorOf(manifest);
  }

  /** Repeats a read that differs from what this client wrote, for a while; then believes it. */
  async function settled<T extends { readonly digest: Digest }>(
    repository: ImageRepository,
    reference: string,
    read: () => Promise<T | undefined>,
  ): Promise<T | undefined> {
    const key = `${repository} ${reference}`;
    for (let attempt = 1; ; attempt += 1) {
      const found = await read();
      const ours = written.get(key);
      if (ours === undefined || found?.digest === ours.digest) return found;
      if (attempt === STALE_READS || clock.now() > ours.until) {
        written.delete(key);
        return found;
      }
      await clock.sleep(retryDelay(attempt, 0, clock.random()), signal);
    }
  }

  function writeManifest(
    repository: ImageRepository,
    reference: string,
    manifest: Manifest,
  ): Promise<RegistryResponse> {
    return http.call(
      {
        method: 'PUT',
        repository,
        target: `manifests/${reference}`,
        what: `the manifest ${reference}`,
        pushes: true,
        headers: { 'content-type': manifest.mediaType },
        body: manifest.bytes,
        accept: ({ status }) => status === 201 || status === 200 || status === 202,
      },
      (put) => {
        checkDigestHeader(put, manifest.digest);
        return put;
      },
    );
  }

  function remember(repository: ImageRepository, reference: string, { digest }: Manifest): void {
    written.set(`${repository} ${reference}`, { digest, until: clock.now() + STALE_WINDOW });
  }

  async function put(
    repository: ImageRepository,
    reference: string,
    manifest: Manifest,
  ): Promise<{ subject: boolean }> {
    checkOutgoing(manifest, reference);
    let write = () => writeManifest(repository, reference, manifest);
    if (!isDigest(reference)) {
      // Concurrent tag writes in one repository make some registries answer 500.
      const before = tagWriters.get(repository);
      const own = write;
      write = () => (before === undefined ? own() : before.then(own, own));
    }
    const writing = write();
    if (!isDigest(reference)) tagWriters.set(repository, writing);
    const { response } = await writing;
    return { subject: response.headers['oci-subject'] !== undefined };
  }

  const getManifest: Registry['getManifest'] = (repository, reference) =>
    settled(repository, reference, () => fetchManifest(repository, reference));
  const referrers = createReferrers({
    ...common,
    http,
    clock,
    manifests: {
      get: fetchManifest,
      async put(repository, reference, manifest) {
        const answer = await put(repository, reference, manifest);
        // Others write the fallback index too: a changed index is not a stale read.
        if (isDigest(reference)) remember(repository, reference, manifest);
        return answer;
      },
    },
  });

  return {
    getManifest,
    headManifest: (repository, reference) =>
      settled(repository, reference, () => fetchDescriptor(repository, reference)),
    async putManifest(repository, reference, manifest) {
      await put(repository, reference, manifest);
      remember(repository, reference, manifest);
    },
    async getBlob(repository, descriptor, maxBytes = DEFAULT_MAX_BLOB) {
      const { digest, size } = descriptor;
      if (size > maxBytes) throw tooLarge(repository, descriptor, maxBytes);
      return http.call(
        {
          method: 'GET',
          repository,
          target: `blobs/${digest}`,
          what: `the blob ${digest}`,
          pushes: false,
          // One byte more than expected, so that a longer body fails by its digest and not as too large.
          maxBytes: Math.max(size + 1, 64 * 1024),
          accept: ({ status }) => status === 200,
        },
        ({ response, subject }) => {
          const found = digestOf(response.body);
          if (found !== digest) throw mismatch(subject, `Its content is ${found}.`);
          return response.body;
        },
      );
    },
    async pushBlob(repository, source, { mountFrom, fresh = false } = {}) {
      const { digest } = source.descriptor;
      const key = `${repository} ${digest}`;
      const known = blobs.get(key);
      if (known !== undefined) {
        await known;
        return 'present';
      }
      const asked = fresh ? Promise.resolve(false) : hasBlob(http, repository, source.descriptor);
      const pushing = asked.then((present) =>
        present
          ? 'present'
          : uploads(() => uploadBlob(http, repository, source, mountFrom ?? held.get(digest))),
      );
      blobs.set(key, pushing);
      pushing.then(
        () => held.set(digest, repository),
        () => blobs.delete(key),
      );
      return pushing;
    },
    getReferrers: referrers.list,
    attach: referrers.attach,
    checkPush: (repository) => probeUpload(http, repository),
    requests: () => requests,
    close: () => client.close(),
  };
}

function readManifest(answer: RegistryResponse, reference: string): Manifest {
  const { response, subject } = answer;
  const digest = digestOf(response.body);
  if (isDigest(reference) && reference !== digest) throw mismatch(subject, `Its content is ${digest}.`);
  checkDigestHeader(answer, digest);
  return { mediaType: manifestType(answer), digest, bytes: response.body };
}

function headDescriptor(answer: RegistryResponse, reference: string): Descriptor | undefined {
  const { headers } = answer.response;
  const digest = headers['docker-content-digest'];
  const size = Number(headers['content-length']);
  if (!isDigest(digest) || !Number.isSafeInteger(size) || headers['content-length'] === undefined)
    return undefined;
  if (isDigest(reference) && reference !== digest) throw mismatch(answer.subject, `It sent ${digest}.`);
  return { mediaType: manifestType(answer), digest, size };
}

/** The media type, without parameters; any but a manifest's comes from a server that is not a registry. */
function manifestType(answer: RegistryResponse): string {
  const type = (answer.response.headers['content-type'] ?? '').split(';')[0]?.trim() ?? '';
  if (isIndexType(type) || isImageType(type)) return type;
  throw unusableResponse(
    answer.subject,
    `It sent ${printable(type, 100) || 'no media type'}, not a manifest.`,
  );
}

function checkOutgoing(manifest: Manifest, reference: string): void {
  if (digestOf(manifest.bytes) === manifest.digest && (!isDigest(reference) || reference === manifest.digest))
    return;
  throw new Error(`the manifest ${manifest.digest} is not what is being put under ${reference}`);
}

function tooLarge(repository: ImageRepository, descriptor: Descriptor, maxBytes: number): PrimitiveError {
  return new PrimitiveError(
    'registry-blob-too-large',
    `Blob ${descriptor.digest} of ${repository} is too large`,
    {
      why: `It has ${descriptor.size} bytes; the limit is ${maxBytes}.`,
      exit: 3,
    },
  );
}
