import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { canonicalJson } from '../../src/oci/manifest.ts';

/** A transparency log with a key of its own, in which every entry is the first. */
export interface TransparencyLog {
  /** Its entry under `tlogs` of a trusted root. */
  readonly authority: object;
  /** The bundle of a certificate, with the proof that this log holds it. */
  append(bundle: Uint8Array): Uint8Array;
}

/**
 * Logs DSSE envelopes as Rekor does (sigstore/rekor, types/dsse/v0.0.1): a signed entry timestamp, and an inclusion proof
 * with a checkpoint (C2SP tlog-checkpoint) of a tree of one leaf (RFC 6962, 2.1).
 */
export function createTransparencyLog(host = 'log.example'): TransparencyLog {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const logId = sha256(spki);
  return {
    authority: {
      baseUrl: `https://${host}`,
      hashAlgorithm: 'SHA2_256',
      publicKey: {
        rawBytes: spki.toString('base64'),
        keyDetails: 'PKIX_ECDSA_P256_SHA_256',
        validFor: { start: '2020-01-01T00:00:00Z' },
      },
      logId: { keyId: logId.toString('base64') },
    },
    append(bundle) {
      const json = JSON.parse(Buffer.from(bundle).toString());
      const body = Buffer.from(canonicalJson(entryOf(json)));
      const integratedTime = Math.floor(Date.now() / 1000);
      const promise = {
        body: body.toString('base64'),
        integratedTime,
        logIndex: 0,
        logID: logId.toString('hex'),
      };
      const rootHash = sha256(Buffer.concat([Buffer.of(0), body]));
      // This form of the origin tells verifiers that it is a log of Rekor's first version.
      const note = `${host} - 1\n1\n${rootHash.toString('base64')}\n`;
      const signature = Buffer.concat([logId.subarray(0, 4), sign('sha256', Buffer.from(note), privateKey)]);
      json.verificationMaterial.tlogEntries = [
        {
          logIndex: '0',
          logId: { keyId: logId.toString('base64') },
          kindVersion: { kind: 'dsse', version: '0.0.1' },
          integratedTime: `${integratedTime}`,
          inclusionPromise: {
            signedEntryTimestamp: sign('sha256', Buffer.from(canonicalJson(promise)), privateKey).toString(
              'base64',
            ),
          },
          inclusionProof: {
            logIndex: '0',
            rootHash: rootHash.toString('base64'),
            treeSize: '1',
            checkpoint: { envelope: `${note}\n\u2014 ${host} ${signature.toString('base64')}\n` },
          },
          canonicalizedBody: body.toString('base64'),
        },
      ];
      return Buffer.from(JSON.stringify(json));
    },
  };
}

interface CertificateBundle {
  readonly verificationMaterial: { readonly certificate: { readonly rawBytes: string } };
  readonly dsseEnvelope: {
    readonly payload: string;
    readonly signatures: readonly { readonly sig: string }[];
  };
}

function entryOf({ verificationMaterial, dsseEnvelope }: CertificateBundle): object {
  const lines = verificationMaterial.certificate.rawBytes.match(/.{1,64}/g) ?? [];
  const pem = `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
  return {
    apiVersion: '0.0.1',
    kind: 'dsse',
    spec: {
      envelopeHash: {
        algorithm: 'sha256',
        value: sha256(Buffer.from(JSON.stringify(dsseEnvelope))).toString('hex'),
      },
      payloadHash: {
        algorithm: 'sha256',
        value: sha256(Buffer.from(dsseEnvelope.payload, 'base64')).toString('hex'),
      },
      signatures: dsseEnvelope.signatures.map(({ sig }) => ({
        signature: sig,
        verifier: Buffer.from(pem).toString('base64'),
      })),
    },
  };
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}
