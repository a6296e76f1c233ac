import { createHash, hash } from 'node:crypto';

/** `sha256:` and 64 lower-case hex digits (OCI image-spec, descriptor.md#digests); the only algorithm in use. */
export type Digest = `sha256:${string}`;

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
