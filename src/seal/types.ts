import type { Digest } from '../core/digest.ts';
import type { Platform } from '../core/platform.ts';
import type { DataOf } from '../core/schema.ts';
import type { ImageRepository } from '../oci/types.ts';
import type { TrustTier } from '../repository/signers.ts';
import type { releaseRecordSchema } from './record-document.ts';

/** in-toto predicate types that make a seal; `sbom` is SPDX or CycloneDX. */
export const PREDICATE = {
  signature: 'https://sigstore.dev/cosign/sign/v1',
  provenance: 'https://slsa.dev/provenance/v1',
  spdx: 'https://spdx.dev/Document',
  cyclonedx: 'https://cyclonedx.org/bom',
} as const;

/** Who made a signature, as proved by the bundle: a Fulcio certificate's identity and extensions, or a public key. */
export type SignerIdentity =
  | {
      readonly type: 'keyless';
      readonly issuer: string;
      /** The certificate's subject alternative name. */
      readonly identity: string;
      /** `owner/name`, from the source repository extension (OID 1.3.6.1.4.1.57264.1.12 or .5). */
      readonly repository?: string;
      /** `refs/heads/main` (OID …1.14 or .6). */
      readonly ref?: string;
      /** `push`, `pull_request` (OID …1.20 or .2). */
      readonly trigger?: string;
      /** The commit that was built (OID …1.13 or .3). */
      readonly commit?: string;
      /** The host's id of the repository (OID …1.15): a name can be given to another repository, an id cannot. */
      readonly repositoryId?: string;
      /** The host's id of the repository's owner (OID …1.17). */
      readonly ownerId?: string;
      /** `github-hosted`, `self-hosted` (OID …1.11). */
      readonly runner?: string;
    }
  | { readonly type: 'key' /** `sha256:` of the public key's SPKI DER. */; readonly fingerprint: string };

/** A statement whose signature holds, and by whom; whether that signer counts is another question. */
export interface SignedStatement {
  readonly predicateType: string;
  readonly subjects: readonly Digest[];
  readonly predicate: unknown;
  readonly signer: SignerIdentity;
}

/** An in-toto statement (Statement v1) whose bundle was verified, and by whom it was signed. */
export interface VerifiedStatement extends SignedStatement {
  readonly tier: TrustTier;
}

/** An image with everything that seals it, and what that is worth. */
export interface VerifiedImage {
  /** Of its index. */
  readonly digest: Digest;
  readonly inputDigest: string;
  /** Of the weakest part of the seal; `signer` made that. */
  readonly tier: TrustTier;
  readonly signer: SignerIdentity;
  readonly bundles: ReleaseComponent['bundles'];
  /** `linux/amd64`, sorted. */
  readonly platforms: readonly string[];
}

/** The state of one image in the registry. */
export type SealState =
  | {
      readonly sealed: true;
      readonly image: VerifiedImage;
      /** From the signed provenance, so that an image copied from another repository is recognised. */
      readonly component: { readonly kind: string; readonly name: string; readonly image: string };
    }
  | {
      readonly sealed: false;
      /** Stable reason: `absent | unsigned | untrusted | no-provenance | no-sbom | foreign | platform-missing | child-missing | broken`. */
      readonly reason: string;
      /** For people: half a sentence, to be put behind a colon. */
      readonly detail: string;
    };

/** `primitive.release/v1`: the commit point of a publish. */
export type ReleaseRecord = DataOf<typeof releaseRecordSchema>;

export type ReleaseComponent = ReleaseRecord['components'][number];

/** Signs one in-toto statement; the result is a Sigstore bundle (v0.3 JSON) over exactly these bytes. */
export interface Signer {
  sign(statement: Uint8Array): Promise<Uint8Array>;
}

/** Formats of an SBOM, by the names that syft gives them. */
export type SbomFormat = 'spdx-json' | 'cyclonedx-json';

/** One platform of an image, on disk. */
export interface SbomRequest {
  /** Folder of the OCI image layout. */
  readonly layout: string;
  /** Repository of the image: `ghcr.io/acme/domain-orders`; the SBOM names it. */
  readonly image: ImageRepository;
  readonly index: Digest;
  readonly platform: Platform;
  /** The platform's manifest, which the SBOM describes. */
  readonly manifest: Digest;
  readonly format: SbomFormat;
  readonly signal?: AbortSignal;
}

/**
 * Describes what is in an image: the same image gives the same bytes. `generate` throws `sbom-failed` (exit 3).
 */
export interface SbomGenerator {
  generate(request: SbomRequest): Promise<Uint8Array>;
}
