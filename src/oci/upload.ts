import { PrimitiveError } from '../core/errors.ts';
import { optional } from '../core/object.ts';
import { resolveLocation } from '../http/client.ts';
import { AttemptFailure } from '../http/retry.ts';
import { RequestError } from '../http/send.ts';
import { checkedBytes } from './checked-bytes.ts';
import { mismatch, unusableResponse } from './failure.ts';
import { repositoryHost, repositoryPath } from './reference.ts';
import type { BlobSource } from './registry.ts';
import type { RegistryHttp, RegistryResponse } from './registry-http.ts';
import type { Descriptor, ImageRepository } from './types.ts';

/** Whether the registry has the blob; any answer to HEAD but 200 means that it has not. */
export async function hasBlob(
  http: RegistryHttp,
  repository: ImageRepository,
  descriptor: Descriptor,
): Promise<boolean> {
  const { digest } = descriptor;
  return http.call(
    {
      method: 'HEAD',
      repository,
      target: `blobs/${digest}`,
      what: `the blob ${digest}`,
      pushes: false,
      accept: ({ status }) => status < 500 && status !== 401 && status !== 408 && status !== 429,
    },
    ({ response }) => response.status === 200,
  );
}

/**
 * Mounts the blob from another repository of the same host if that works, otherwise sends it: POST for a session, then
 * one PUT with its length known (distribution-spec, "POST then PUT"). Any failure begins a new session with the
 * source opened again, because few registries report reliably how much they have received.
 */
export async function uploadBlob(
  http: RegistryHttp,
  repository: ImageRepository,
  source: BlobSource,
  mountFrom: ImageRepository | undefined,
): Promise<'mounted' | 'uploaded'> {
  const { digest, size } = source.descriptor;
  const what = `the blob ${digest}`;
  const sameHost = mountFrom !== undefined && repositoryHost(mountFrom) === repositoryHost(repository);
  let mount = sameHost ? mountFrom : undefined;
  const start = () =>
    http.attempt({
      method: 'POST',
      repository,
      target: `blobs/uploads/${mount === undefined ? '' : `?mount=${digest}&from=${encodeURIComponent(repositoryPath(mount))}`}`,
      what,
      pushes: true,
      ...optional('reads', mount),
      accept: ({ status }) => status === 202 || (status === 201 && mount !== undefined),
    });
  return http.retrying({ repository, method: 'PUT' }, async () => {
    const started = await start().catch((failure: unknown) => {
      if (mount === undefined || !isRefusal(failure)) throw failure;
      // Not allowed to read the other repository: upload instead.
      mount = undefined;
      return start();
    });
    if (started.response.status === 201) {
      checkDigestHeader(started, digest);
      return 'mounted';
    }
    const url = uploadLocation(started);
    url.search += `${url.search === '' ? '?' : '&'}digest=${encodeURIComponent(digest)}`;
    const stored = await http.attempt({
      method: 'PUT',
      repository,
      target: url,
      what,
      pushes: true,
      headers: { 'content-type': 'application/octet-stream' },
      body: { size, open: () => checkedBytes(source) },
      accept: ({ status }) => status === 201 || status === 200 || status === 204,
    });
    checkDigestHeader(stored, digest);
    return 'uploaded';
  });
}

/** Opens an upload session, which proves the right to push, and gives it back if the registry can take it back. */
export async function probeUpload(http: RegistryHttp, repository: ImageRepository): Promise<void> {
  const what = 'an upload';
  const started = await http.call(
    {
      method: 'POST',
      repository,
      target: 'blobs/uploads/',
      what,
      pushes: true,
      accept: ({ status }) => status === 202,
    },
    (answer) => answer,
  );
  if (started.response.headers.location === undefined) return;
  try {
    const target = uploadLocation(started);
    await http.attempt({ method: 'DELETE', repository, target, what, pushes: true, accept: () => true });
  } catch (failure) {
    // Sessions expire by themselves, and GHCR for one answers 405 to this.
    if (!(failure instanceof AttemptFailure)) throw failure;
  }
}

/** Compares `Docker-Content-Digest`, if the registry sends it, with the expected digest. */
export function checkDigestHeader(answer: RegistryResponse, digest: string): void {
  const said = answer.response.headers['docker-content-digest'];
  if (said?.startsWith('sha256:') && said !== digest) {
    throw mismatch(answer.subject, `It sent ${said.slice(0, 80)} instead of ${digest}.`);
  }
}

function isRefusal(failure: unknown): boolean {
  const error = failure instanceof AttemptFailure ? failure.error : failure;
  return error instanceof PrimitiveError && REFUSALS.has(error.code);
}

const REFUSALS = new Set(['registry-denied', 'registry-unauthorized', 'registry-not-found']);

function uploadLocation(answer: RegistryResponse): URL {
  const { location } = answer.response.headers;
  if (location === undefined) throw unusableResponse(answer.subject, 'It has no Location header.');
  try {
    return resolveLocation(answer.url, location);
  } catch (failure) {
    if (!(failure instanceof RequestError)) throw failure;
    throw unusableResponse(answer.subject, failure.message, failure);
  }
}
