import { createHash } from 'node:crypto';
import type { Digest } from '../core/digest.ts';
import { PrimitiveError } from '../core/errors.ts';
import type { BlobSource } from './registry.ts';

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
    suggestions: ['Build the image again; the layout on disk changed during the push.'],
    exit: 3,
  });
}
