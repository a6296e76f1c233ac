import { createPublicKey, type KeyObject, verify as verifySignature } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type Bundle, bundleFromJSON, type Envelope } from '@sigstore/bundle';
import { dsse, type X509Certificate } from '@sigstore/core';
import { TrustedRoot } from '@sigstore/protobuf-specs';
import { type TrustMaterial, toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify';
import { Check } from 'typebox/schema';
import { type Digest, digestOf, isDigest } from '../core/digest.ts';
import { messageOf, PrimitiveError } from '../core/errors.ts';
import { MAX_BUNDLE_BYTES } from './bundle.ts';
import { bundleSchema, statementSchema } from './bundle-schema.ts';
import { certificateIdentity } from './certificate.ts';
import { fingerprintOf } from './trust.ts';
import type { SignedStatement, SignerIdentity } from './types.ts';

/** The root of trust for certificates, logs and timestamps: Sigstore's public instance, or a `trustedRoot` file. */
export type TrustRoot =
  | { readonly type: 'public-good' /** Folder for the root's TUF metadata. */; readonly cache: string }
  | { readonly type: 'file'; readonly path: string }
  /** The content of such a file; `path` is for messages. */
  | { readonly type: 'text'; readonly path: string; readonly text: string };

export interface VerifierOptions {
  /** Public keys in PEM form; none if no key signs. */
  readonly keys?: readonly string[];
  /** Absent if no keyless signer is trusted: then certificates are refused, and nothing is fetched. */
  readonly root?: TrustRoot;
}

/** The statement of a bundle and its verified signer, or what is wrong with the bundle. */
export type BundleCheck =
  | { readonly verified: true; readonly statement: SignedStatement }
  | { readonly verified: false; readonly detail: string };

/**
 * Verifies Sigstore bundles. `verify` takes any bytes and does not throw for their content; it throws
 * `trust-root-unavailable` (exit 3) or `trust-root-invalid` (exit 2) if the root cannot be loaded.
 */
export interface BundleVerifier {
  verify(bytes: Uint8Array): Promise<BundleCheck>;
  /** Loads what certificates are verified by; throws as `verify`, and nothing if there is no root. */
  ready(): Promise<void>;
}

const PAYLOAD_TYPE = 'application/vnd.in-toto+json';

/** The signature of a publish is shared by all its images and verified once; an SBOM is large and not seen again. */
const MAX_REMEMBERED_BYTES = 256 * 1024;
const MAX_REMEMBERED = 4096;

/**
 * A verifier for these keys and this root. The root is loaded with the first certificate.
 * Throws `signing-key-invalid` (exit 2) for a key that is not PEM.
 */
export function createVerifier(options: VerifierOptions): BundleVerifier {
  const keys = new Map((options.keys ?? []).map((pem) => [keyHint(pem), pem]));
  const { root } = options;
  const identityVerifier = root && once(() => loadRoot(root).then(createIdentityVerifier));
  const remembered = new Map<Digest, BundleCheck>();
  return {
    async verify(bytes) {
      const digest = digestOf(bytes);
      const known = remembered.get(digest);
      if (known) return known;
      const check = await checkBundle(bytes, keys, identityVerifier);
      if (bytes.length <= MAX_REMEMBERED_BYTES && remembered.size < MAX_REMEMBERED)
        remembered.set(digest, check);
      return check;
    },
    async ready() {
      await identityVerifier?.();
    },
  };
}

/** Runs `load` once, and again after a failure: the root may be reachable later. */
function once<T>(load: () => Promise<T>): () => Promise<T> {
  let loading: Promise<T> | undefined;
  return () => {
    loading ??= load().catch((error: unknown) => {
      loading = undefined;
      throw error;
    });
    return loading;
  };
}

async function checkBundle(
  bytes: Uint8Array,
  keys: ReadonlyMap<string, string>,
  identityVerifier: (() => Promise<Verifier>) | undefined,
): Promise<BundleCheck> {
  try {
    const bundle = await parseBundle(bytes);
    const envelope = envelopeOf(bundle);
    const signer = await signerOf(bundle, envelope, keys, identityVerifier);
    return { verified: true, statement: { ...(await parseStatement(envelope.payload)), signer } };
  } catch (error) {
    if (error instanceof PrimitiveError) throw error;
    return { verified: false, detail: messageOf(error) };
  }
}

/** The statement inside a bundle, byte for byte, by any signer. Throws an `Error` that says what is wrong. */
export async function bundlePayload(bytes: Uint8Array): Promise<Uint8Array> {
  return envelopeOf(await parseBundle(bytes)).payload;
}

async function parseBundle(bytes: Uint8Array): Promise<Bundle> {
  if (bytes.length > MAX_BUNDLE_BYTES) throw new Error(`the bundle has ${bytes.length} bytes`);
  const json = parseJson(bytes, 'the bundle');
  if (!Check(bundleSchema, json))
    throw new Error('the bundle is not one of version 0.3 with a signed statement');
  return bundleFromJSON(json);
}

function envelopeOf(bundle: Bundle): Envelope {
  if (bundle.content.$case !== 'dsseEnvelope') throw new Error('the bundle has no statement');
  const { dsseEnvelope } = bundle.content;
  if (dsseEnvelope.payloadType !== PAYLOAD_TYPE)
    throw new Error('the payload of the bundle is not a statement');
  return dsseEnvelope;
}

async function signerOf(
  bundle: Bundle,
  envelope: Envelope,
  keys: ReadonlyMap<string, string>,
  identityVerifier: (() => Promise<Verifier>) | undefined,
): Promise<SignerIdentity> {
  const material = bundle.verificationMaterial.content;
  if (material.$case === 'publicKey') {
    const pem = keys.get(material.publicKey.hint);
    if (pem === undefined) throw new Error('it is signed with a key that is not configured');
    if (!isSignedBy(createPublicKey(pem), envelope)) throw new Error('the signature does not match');
    return { type: 'key', fingerprint: fingerprintOf(pem) };
  }
  if (identityVerifier === undefined)
    throw new Error('it is signed by a certificate, and only keys are configured');
  const verifier = await identityVerifier();
  const entity = toSignedEntity(bundle);
  if (entity.key.$case === 'certificate') encodeOnce(entity.key.certificate);
  const signer = verifier.verify(entity);
  return certificateIdentity(signer.identity?.oids ?? []);
}

/** DSSE v1.0.2, protocol.md, with the hash that Sigstore pairs with each kind of key. */
function isSignedBy(key: KeyObject, { payloadType, payload, signatures }: Envelope): boolean {
  const [signature] = signatures;
  if (signature === undefined) return false;
  return verifySignature(hashFor(key), dsse.preAuthEncoding(payloadType, payload), key, signature.sig);
}

function hashFor(key: KeyObject): string | null {
  if (key.asymmetricKeyType === 'ed25519') return null;
  const curve = key.asymmetricKeyDetails?.namedCurve;
  return curve === 'secp384r1' ? 'sha384' : curve === 'secp521r1' ? 'sha512' : 'sha256';
}

async function parseStatement(payload: Uint8Array): Promise<Omit<SignedStatement, 'signer'>> {
  const json = parseJson(payload, 'the statement');
  if (!Check(statementSchema, json))
    throw new Error('what is signed is not an in-toto statement of version 1');
  const subjects = json.subject
    .map(({ digest }) => `sha256:${Object.hasOwn(digest, 'sha256') ? digest.sha256 : ''}`)
    .filter(isDigest);
  return { predicateType: json.predicateType, subjects, predicate: json.predicate };
}

function parseJson(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new Error(`${what} is not JSON in UTF-8`);
  }
}

/** cosign's name for a key: its SHA-256 in base64. */
function keyHint(pem: string): string {
  return Buffer.from(fingerprintOf(pem).slice('sha256:'.length), 'hex').toString('base64');
}

/**
 * Requires what the root provides: an entry in its transparency log, a timestamp of its certificate log. A signed
 * timestamp is always required, because certificates are valid for minutes.
 */
function createIdentityVerifier(material: TrustMaterial): Verifier {
  for (const { certChain } of [...material.certificateAuthorities, ...material.timestampAuthorities])
    certChain.forEach(encodeOnce);
  return new Verifier(material, {
    tlogThreshold: material.tlogs.length > 0 ? 1 : 0,
    ctlogThreshold: material.ctlogs.length > 0 ? 1 : 0,
    timestampThreshold: 1,
  });
}

/**
 * Caches a certificate's DER encoding. The library encodes it again, node by node, whenever it compares certificates or
 * checks a signature on one: more than half of a verification's time (CPU for 600 bundles: 4.9 s, 11 s without this).
 */
function encodeOnce({ tbsCertificate, root }: X509Certificate): void {
  for (const part of [tbsCertificate, root]) {
    const der = part.toDER();
    part.toDER = () => der;
  }
}

async function loadRoot(root: TrustRoot): Promise<TrustMaterial> {
  if (root.type === 'public-good') return fetchRoot(root.cache);
  return readRoot(root.path, async () => (root.type === 'text' ? root.text : readFile(root.path, 'utf8')));
}

async function readRoot(path: string, read: () => Promise<string>): Promise<TrustMaterial> {
  try {
    return toTrustMaterial(TrustedRoot.fromJSON(JSON.parse(await read())));
  } catch (cause) {
    throw new PrimitiveError('trust-root-invalid', `Cannot read the trusted root ${path}`, {
      why: messageOf(cause),
      suggestions: [
        'Set `signing.trustedRoot` to the trusted_root.json of your Sigstore (`cosign trusted-root create`).',
      ],
      cause,
    });
  }
}

async function fetchRoot(cache: string): Promise<TrustMaterial> {
  const { getTrustedRoot } = await import('@sigstore/tuf');
  try {
    return toTrustMaterial(await getTrustedRoot({ cachePath: cache }));
  } catch (cause) {
    throw new PrimitiveError(
      'trust-root-unavailable',
      "Cannot fetch the root of Sigstore's public instance",
      {
        // The library's own message says no more than that it failed.
        why: [cause, ...(cause instanceof Error ? [cause.cause] : [])]
          .filter(Boolean)
          .map(messageOf)
          .join(': '),
        suggestions: [
          'Check that https://tuf-repo-cdn.sigstore.dev can be reached.',
          'Behind a proxy, set HTTPS_PROXY; if it inspects TLS, also NODE_EXTRA_CA_CERTS.',
          'For a Sigstore of your own, set `signing.trustedRoot` to its trusted_root.json.',
        ],
        exit: 3,
        retryable: true,
        cause,
      },
    );
  }
}
