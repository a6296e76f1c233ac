import type { ResolvedBase } from '../builders/builder.ts';
import type { Digest } from '../core/digest.ts';
import { PrimitiveError } from '../core/errors.ts';
import { field, optional } from '../core/object.ts';
import { byKey } from '../core/order.ts';
import { canonicalJson } from '../oci/manifest.ts';
import type { ImageRepository } from '../oci/types.ts';
import { PREDICATE, type SbomFormat, type SignerIdentity } from './types.ts';

/** in-toto Statement v1 (in-toto attestation framework, spec/v1/statement.md). */
const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1';

/** SLSA build type of what publish makes; names the meaning of `externalParameters` below. */
export const BUILD_TYPE = 'https://github.com/ameideio/primitive/buildtypes/publish/v1';

/** Builder id if no workflow vouches for the build: a person's machine, or a key. */
export const UNATTESTED_BUILDER = 'https://github.com/ameideio/primitive/builders/unattested';

/** Which component an image is built for; the repository that it goes to completes it. */
export interface ComponentName {
  readonly kind: string;
  readonly name: string;
}

/** Inputs and builder of one build; nothing here may be a secret, or differ between two equal builds. */
export interface Provenance {
  readonly component: ComponentName;
  /** `https://github.com/acme/app`; absent if the repository has no remote. */
  readonly source?: string;
  readonly commit: string;
  /** `refs/heads/main`, if the run has one. */
  readonly ref?: string;
  /** Folder of the component, relative to the repository root. */
  readonly path: string;
  /** 64 hex digits. */
  readonly inputDigest: string;
  readonly dockerfile: string;
  readonly target?: string;
  readonly platforms: readonly string[];
  readonly args: Readonly<Record<string, string>>;
  /** Ids of build secrets, never values. */
  readonly secrets: readonly string[];
  /** Reference in `FROM` -> reference used instead. */
  readonly bases: Readonly<Record<string, string>>;
  /** Layer caches that the build could read: whoever can write one decides what is in the image. */
  readonly caches: readonly string[];
  /** Version of the recipe that turns inputs into an image. */
  readonly recipe: number;
  readonly resolvedBases: readonly ResolvedBase[];
  readonly builderId: string;
  /** Name and version: `buildx 0.29.1`. */
  readonly builder: string;
  /** URL of the CI run. */
  readonly invocation?: string;
}

/** The bytes of a statement that says of all these images, and of nothing else, that they were signed, as `cosign sign` does. */
export function signatureStatement(digests: readonly Digest[]): Uint8Array {
  if (digests.length === 0) throw new Error('a signature needs a subject');
  const subject = [...new Set(digests)].sort().map((digest) => ({ digest: digestSet(digest) }));
  return statement(PREDICATE.signature, subject, {});
}

/** The bytes of a SLSA provenance statement (slsa.dev/spec/v1.0/provenance) about one image index. */
export function provenanceStatement(about: {
  readonly image: ImageRepository;
  readonly digest: Digest;
  readonly provenance: Provenance;
}): Uint8Array {
  const { image, digest, provenance: facts } = about;
  const { invocation, ref } = facts;
  const source = facts.source === undefined ? undefined : withoutCredentials(facts.source);
  return statement(PREDICATE.provenance, [{ name: image, digest: digestSet(digest) }], {
    buildDefinition: {
      buildType: BUILD_TYPE,
      externalParameters: {
        component: { kind: facts.component.kind, name: facts.component.name, image },
        ...optional('source', source),
        commit: facts.commit,
        ...optional('ref', ref),
        path: facts.path,
        inputDigest: facts.inputDigest,
        dockerfile: facts.dockerfile,
        ...optional('target', facts.target),
        platforms: facts.platforms,
        args: facts.args,
        secrets: [...facts.secrets].sort(),
        bases: facts.bases,
        caches: facts.caches,
      },
      internalParameters: { builder: facts.builder, recipe: facts.recipe },
      resolvedDependencies: [
        {
          ...(source === undefined
            ? { name: 'source' }
            : { uri: `git+${source}${ref === undefined ? '' : `@${ref}`}` }),
          digest: { gitCommit: facts.commit },
        },
        ...resolvedBases(facts.resolvedBases),
      ],
    },
    runDetails: {
      builder: { id: facts.builderId },
      ...(invocation === undefined ? {} : { metadata: { invocationId: withoutCredentials(invocation) } }),
    },
  });
}

/**
 * The bytes of a statement that holds the SBOM of one platform. Its subjects are the index, to which it is attached,
 * and the platform's manifest, which it describes. Throws `sbom-invalid` for a document that is not a JSON object.
 */
export function sbomStatement(sbom: {
  readonly index: Digest;
  readonly manifest: Digest;
  readonly format: SbomFormat;
  readonly document: Uint8Array;
}): Uint8Array {
  const subject = [sbom.index, sbom.manifest].map((digest) => ({ digest: digestSet(digest) }));
  const predicate = parseDocument(sbom.document);
  return statement(sbomPredicateType(sbom.format), subject, predicate);
}

/** The predicate type under which an SBOM of that format is attested. */
function sbomPredicateType(format: SbomFormat): string {
  return format === 'spdx-json' ? PREDICATE.spdx : PREDICATE.cyclonedx;
}

/** The SLSA builder id for what this signer builds: its workflow, if a certificate names one. */
export function builderIdOf(signer: SignerIdentity): string {
  return signer.type === 'keyless' && signer.identity.startsWith('https://')
    ? signer.identity
    : UNATTESTED_BUILDER;
}

/** The part of a provenance predicate that ties an image to a component; undefined for provenance of other makes. */
export function readProvenance(
  predicate: unknown,
):
  | { readonly component: ComponentName & { readonly image: string }; readonly inputDigest: string }
  | undefined {
  const definition = field(predicate, 'buildDefinition');
  const parameters = field(definition, 'externalParameters');
  const component = field(parameters, 'component');
  const kind = field(component, 'kind');
  const name = field(component, 'name');
  const image = field(component, 'image');
  const inputDigest = field(parameters, 'inputDigest');
  if (
    field(definition, 'buildType') !== BUILD_TYPE ||
    typeof kind !== 'string' ||
    typeof name !== 'string' ||
    typeof image !== 'string' ||
    typeof inputDigest !== 'string' ||
    !/^[0-9a-f]{64}$/.test(inputDigest)
  ) {
    return undefined;
  }
  return { component: { kind, name, image }, inputDigest };
}

function statement(predicateType: string, subject: readonly object[], predicate: object): Uint8Array {
  return new TextEncoder().encode(
    canonicalJson({ _type: STATEMENT_TYPE, subject, predicateType, predicate }),
  );
}

function resolvedBases(bases: readonly ResolvedBase[]): readonly object[] {
  const byUri = new Map(
    bases.map(({ reference, digest }) => {
      const uri = `oci://${reference.split('@')[0]}`;
      const [algorithm = '', value = ''] = digest.split(':');
      return [`${uri}@${digest}`, { uri, digest: { [algorithm]: value } }] as const;
    }),
  );
  return [...byUri].sort(byKey).map(([, dependency]) => dependency);
}

function digestSet(digest: Digest): { readonly sha256: string } {
  return { sha256: digest.slice('sha256:'.length) };
}

/** A remote may carry a token as its user or password. */
function withoutCredentials(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i, '$1');
}

function parseDocument(document: Uint8Array): object {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(document));
  } catch (cause) {
    throw new PrimitiveError('sbom-invalid', 'The SBOM is not JSON.', { exit: 3, cause });
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new PrimitiveError('sbom-invalid', 'The SBOM is not a JSON object.', { exit: 3 });
  }
  return parsed;
}
