import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import type { Signer } from '../../src/seal/types.ts';

/** A signer with a key of its own, and the public half by which its bundles are verified. */
export interface KeySigner extends Signer {
  /** PEM. */
  readonly publicKey: string;
  /** `sha256:` of the SPKI DER. */
  readonly fingerprint: string;
}

/**
 * Signs in process with an ephemeral key, as `cosign attest-blob --key` does: bundles v0.3 over a DSSE envelope (DSSE
 * v1.0.2, protocol.md), with ECDSA P-256 and SHA-256.
 */
export function createKeySigner(): KeySigner {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const hash = createHash('sha256').update(publicKey.export({ type: 'spki', format: 'der' }));
  const hashed = hash.digest();
  return {
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    fingerprint: `sha256:${hashed.toString('hex')}`,
    async sign(statement) {
      JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(statement));
      const payloadType = 'application/vnd.in-toto+json';
      const header = `DSSEv1 ${payloadType.length} ${payloadType} ${statement.length} `;
      const signature = sign('sha256', Buffer.concat([Buffer.from(header), statement]), privateKey);
      return Buffer.from(
        JSON.stringify({
          mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
          verificationMaterial: { publicKey: { hint: hashed.toString('base64') } },
          dsseEnvelope: {
            payload: Buffer.from(statement).toString('base64'),
            payloadType,
            signatures: [{ sig: signature.toString('base64') }],
          },
        }),
      );
    },
  };
}
