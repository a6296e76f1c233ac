import { Type } from 'typebox';

const closed = { additionalProperties: false };

const base64 = Type.String({ pattern: '^[A-Za-z0-9+/]+={0,2}$' });

/** A 64-bit integer, which JSON of Protocol Buffers writes as text. */
const integer = Type.String({ pattern: '^[0-9]{1,19}$' });

const logEntry = Type.Object(
  {
    logIndex: Type.Optional(integer),
    logId: Type.Object({ keyId: base64 }, closed),
    kindVersion: Type.Object({ kind: Type.String(), version: Type.String() }, closed),
    integratedTime: Type.Optional(integer),
    inclusionPromise: Type.Optional(Type.Object({ signedEntryTimestamp: base64 }, closed)),
    inclusionProof: Type.Optional(
      Type.Object(
        {
          logIndex: Type.Optional(integer),
          rootHash: base64,
          treeSize: integer,
          hashes: Type.Optional(Type.Array(base64, { maxItems: 64 })),
          checkpoint: Type.Object({ envelope: Type.String() }, closed),
        },
        closed,
      ),
    ),
    canonicalizedBody: base64,
  },
  closed,
);

const evidence = {
  tlogEntries: Type.Optional(Type.Array(logEntry, { maxItems: 8 })),
  timestampVerificationData: Type.Optional(
    Type.Object(
      {
        rfc3161Timestamps: Type.Optional(
          Type.Array(Type.Object({ signedTimestamp: base64 }, closed), { maxItems: 8 }),
        ),
      },
      closed,
    ),
  ),
};

/**
 * A Sigstore bundle v0.3 with a DSSE envelope (sigstore/protobuf-specs, sigstore_bundle.proto), and nothing besides: an
 * unknown field is refused, as cosign refuses it, so that a part of what others read is never verified alone.
 */
export const bundleSchema = Type.Object(
  {
    mediaType: Type.Literal('application/vnd.dev.sigstore.bundle.v0.3+json'),
    verificationMaterial: Type.Union([
      Type.Object({ publicKey: Type.Object({ hint: Type.String() }, closed), ...evidence }, closed),
      Type.Object({ certificate: Type.Object({ rawBytes: base64 }, closed), ...evidence }, closed),
    ]),
    dsseEnvelope: Type.Object(
      {
        payload: base64,
        payloadType: Type.String(),
        signatures: Type.Array(Type.Object({ sig: base64, keyid: Type.Optional(Type.String()) }, closed), {
          minItems: 1,
          maxItems: 1,
        }),
      },
      closed,
    ),
  },
  closed,
);

/** An in-toto Statement v1 (in-toto/attestation, spec/v1/statement.md); further fields are allowed and ignored. */
export const statementSchema = Type.Object({
  _type: Type.Literal('https://in-toto.io/Statement/v1'),
  subject: Type.Array(Type.Object({ digest: Type.Record(Type.String(), Type.String()) }), { minItems: 1 }),
  predicateType: Type.String({ minLength: 1 }),
  predicate: Type.Optional(Type.Unknown()),
});
