import { createHash, hash } from 'node:crypto';
import { PrimitiveError } from '../core/errors.ts';
import type { BlobSource } from './registry.ts';
import type { Digest } from './types.ts';

const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** Whether a text is a digest in the one algorithm in use. */
export function isDigest(text: unknown): text is Digest {
  return typeof text === 'string' && DIGEST.test(text);
}

/** The 64 hex digits of a digest: a file name in a layout, a part of the fallback tag. */
export function digestHex(digest: Digest): string {
  return digest.slice('sha256:'.length);
}

/** SHA-256 of some bytes. */
export function digestOf(bytes: Uint8Array | string): Digest {
  return `sha256:${hash('sha256', bytes, 'hex')}`;
}

/** SHA-256 and length of a stream, read once in constant memory. */
export async function digestOfStream(
  stream: AsyncIterable<Uint8Array>,
): Promise<{ readonly digest: Digest; readonly size: number }> {
  const sha = createHash('sha256');
  let size = 0;
  for await (const chunk of stream) {
    sha.update(chunk);
    size += chunk.length;
  }
  return { digest: `sha256:${sha.digest('hex')}`, size };
}

/**
 * The bytes of a source as they are read, compared with its descriptor on the way: more bytes than announced, fewer,
 * or another digest throw `blob-digest-mismatch` (exit 3) before the stream ends, so that nothing wrong is ever sent whole.
 */
export async function* checkedBytes(source: BlobSource): AsyncGenerator<Uint8Array, void, undefined> {
  const { digest, size } = source.descriptor;
  const sha = createHash('sha256');
  let seen = 0;
  let held: Uint8Array | undefined;
  for await (const chunk of source.open()) {
    seen += chunk.length;
    if (seen > size) throw changed(digest, `it has more than the ${size} bytes of its descriptor`);
    sha.update(chunk);
    // The last chunk is only handed on when the whole is known to be right.
    if (held !== undefined) yield held;
    held = chunk;
  }
  if (seen !== size) throw changed(digest, `it has ${seen} bytes, its descriptor says ${size}`);
  const found = `sha256:${sha.digest('hex')}`;
  if (found !== digest) throw changed(digest, `its content is ${found}`);
  if (held !== undefined) yield held;
}

function changed(digest: Digest, why: string): PrimitiveError {
  return new PrimitiveError('blob-digest-mismatch', `Blob ${digest} does not match its digest`, {
    why,
    suggestions: [
      'Build the image again; the layout on disk was changed or damaged while it was being pushed',
    ],
    exit: 3,
  });
}
