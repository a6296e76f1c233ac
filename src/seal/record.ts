import { Check, Errors } from 'typebox/schema';
import { type Digest, isDigest } from '../core/digest.ts';
import { PrimitiveError } from '../core/errors.ts';
import { field } from '../core/object.ts';
import { buildArtifact, bytesSource, EMPTY_CONFIG } from '../oci/artifact.ts';
import { canonicalJson, parseManifest } from '../oci/manifest.ts';
import { joinRepository, parseRepository } from '../oci/reference.ts';
import type { Descriptor, ImageRepository, Manifest } from '../oci/types.ts';
import type { TrustTier } from '../repository/signers.ts';
import { attachBundles, confirm, uploadBundles } from './attach.ts';
import { releaseRecordSchema } from './record-document.ts';
import { isUnreadable, type SealContext, type SearchResult, searchBundles } from './search.ts';
import { signatureStatement } from './statement.ts';
import {
  PREDICATE,
  type ReleaseComponent,
  type ReleaseRecord,
  type Signer,
  type SignerIdentity,
} from './types.ts';

/** Artifact type of a release record, and media type of its one layer. */
export const RECORD_TYPE = 'application/vnd.ameide.primitive.release.v1+json';

/** A record that is there, signed, and belongs where it was found. */
export interface SealedRecord {
  readonly record: ReleaseRecord;
  readonly digest: Digest;
  /** For putting it under a tag, byte for byte. */
  readonly manifest: Manifest;
  readonly tier: TrustTier;
  readonly signer: SignerIdentity;
}

/** Target of a tag or digest of the releases repository. */
export type RecordState =
  | ({ readonly state: 'found' } & SealedRecord)
  | { readonly state: 'absent' }
  | {
      readonly state: 'untrusted';
      readonly digest: Digest;
      /** `unsigned | untrusted | broken | foreign`. */
      readonly reason: string;
      readonly detail: string;
    };

/** The repository of the release records: `ghcr.io/acme/primitive-releases`. */
export function releasesRepository(registry: string): ImageRepository {
  return joinRepository(registry, 'primitive-releases');
}

/** The one encoding of a record: canonical JSON, components by kind, then name. Throws `record-invalid` (exit 2). */
export async function encodeRecord(record: ReleaseRecord): Promise<Uint8Array> {
  const components = [...record.components].sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
  const bytes = new TextEncoder().encode(canonicalJson({ ...record, components }));
  await parseRecord(bytes);
  return bytes;
}

/**
 * A record from bytes that are not verified yet. Throws `record-invalid` (exit 2), and `record-version-unknown`
 * (exit 2) for one of a later major version.
 */
export async function parseRecord(bytes: Uint8Array): Promise<ReleaseRecord> {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw invalid('it is not JSON in UTF-8');
  }
  const schema = field(json, 'schema');
  const version = typeof schema === 'string' ? /^primitive\.release\/v(\d+)$/.exec(schema)?.[1] : undefined;
  if (version !== undefined && version !== '1') {
    throw new PrimitiveError('record-version-unknown', `The release record has version ${version}.`, {
      why: 'this version of primitive supports version 1',
      suggestions: ['Use the version of primitive that wrote it, or a newer one.'],
    });
  }
  if (!Check(releaseRecordSchema, json)) throw invalid(firstFault(json));
  const record = json;
  const images = new Set(record.components.map(({ image }) => image));
  const names = new Set(record.components.map(sortKey));
  if (images.size < record.components.length || names.size < record.components.length) {
    throw invalid('it lists a component or an image twice');
  }
  for (const { image } of record.components) checkImage(image);
  return record;
}

/**
 * Reads the record under a tag or digest, and who signed it. It counts only if its commit is the tag's (where the tag is
 * a commit) and all its images are of this registry prefix: a copy of another registry's record is `foreign`.
 *
 * Throws `record-version-unknown` (exit 2) for a trusted signer's record of a later version: it must not be taken for
 * none. One by an accepted signer is only untrusted, or a pull request could keep everybody from publishing.
 */
export async function readRecord(
  context: SealContext,
  repository: ImageRepository,
  reference: string,
  { registry: prefix }: { readonly registry: string },
): Promise<RecordState> {
  const reading = context.registry.getManifest(repository, reference);
  // A signature is of a digest: if that is known, it is read together with the manifest.
  const signature = isDigest(reference) ? findSignature(context, repository, reference) : undefined;
  signature?.catch(() => undefined);
  const state = await verifyRecord(context, repository, await reading, { registry: prefix, signature });
  return COMMIT.test(reference) ? underCommit(state, reference) : state;
}

/** Meaning of a record under the tag of a commit: none, if it is of another commit. */
export function underCommit(state: RecordState, commit: string): RecordState {
  if (state.state !== 'found' || state.record.commit === commit) return state;
  const detail = `it is the record of ${state.record.commit}`;
  return { state: 'untrusted', digest: state.digest, reason: 'foreign', detail };
}

/** The record of a layer, or why it cannot be used. */
async function readContent(
  context: SealContext,
  repository: ImageRepository,
  layer: Descriptor,
): Promise<ReleaseRecord | PrimitiveError> {
  const bytes = await readBlob(context, repository, layer);
  if (bytes === undefined) return invalid('its content cannot be read');
  try {
    return await parseRecord(bytes);
  } catch (error) {
    if (error instanceof PrimitiveError) return error;
    throw error;
  }
}

/** The best signature of a record. */
async function findSignature(
  context: SealContext,
  repository: ImageRepository,
  record: Digest,
): Promise<SearchResult | undefined> {
  const wanted = [{ predicateTypes: [PREDICATE.signature] }];
  const [signature] = await searchBundles(context, repository, record, wanted);
  return signature;
}

/** Whether a manifest is a release record that counts, under any tag. */
export async function verifyRecord(
  context: SealContext,
  repository: ImageRepository,
  manifest: Manifest | undefined,
  {
    registry: prefix,
    signature: searching,
  }: { readonly registry: string; readonly signature?: ReturnType<typeof findSignature> | undefined },
): Promise<RecordState> {
  if (manifest === undefined) return { state: 'absent' };
  const { digest } = manifest;
  const untrusted = (reason: string, detail: string): RecordState => ({
    state: 'untrusted',
    digest,
    reason,
    detail,
  });
  const layer = recordLayer(manifest);
  if (layer === undefined) return untrusted('broken', 'it is no release record');
  const [record, signature] = await Promise.all([
    readContent(context, repository, layer),
    searching ?? findSignature(context, repository, digest),
  ]);
  if (signature === undefined || !('tier' in signature)) {
    if (signature === undefined || signature.miss === 'missing')
      return untrusted('unsigned', 'it is not signed');
    return untrusted(signature.miss, signature.detail ?? 'its signature does not count');
  }
  const { tier, signer } = signature;
  if (record instanceof PrimitiveError) {
    if (record.code !== 'record-invalid' && tier === 'trusted') throw record;
    return untrusted('broken', record.why ?? record.message);
  }
  const outside = record.components.find(
    ({ image }) => !image.startsWith(`${prefix.replace(/(?<!\/)\/+$/, '')}/`),
  );
  if (outside) return untrusted('foreign', `it lists ${outside.image}, which is not of ${prefix}`);
  return { state: 'found', record, digest, manifest, tier, signer };
}

/** Ports for writing a record besides the registry. */
export interface RecordWriter {
  readonly signer: Signer;
  /** The registry prefix that all images of the record share. */
  readonly registry: string;
  /** Of this run: a record that is there already counts only if it is worth as much. */
  readonly tier: TrustTier;
}

/**
 * Writes a record by digest, signs it, reads it back and verifies it; putting a tag on it is left to the caller, as the
 * commit point. The same record, signed before, is not signed again.
 *
 * Throws `record-invalid`, and what signing and attaching throw.
 */
export async function writeRecord(
  context: SealContext,
  repository: ImageRepository,
  record: ReleaseRecord,
  { signer, registry: prefix, tier }: RecordWriter,
): Promise<SealedRecord> {
  const { registry } = context;
  const encoded = await encodeRecord(record);
  const blob = bytesSource(RECORD_TYPE, encoded);
  const artifact = buildArtifact({ artifactType: RECORD_TYPE, layers: [blob.descriptor] });
  const manifest: Manifest = {
    mediaType: artifact.mediaType,
    digest: artifact.digest,
    bytes: artifact.bytes,
  };
  const read = async () => {
    const state = await readRecord(context, repository, manifest.digest, { registry: prefix });
    if (state.state === 'absent') return 'it is not there';
    if (state.state === 'untrusted') return state.detail;
    return tier === 'trusted' && state.tier !== 'trusted' ? 'no trusted signer has signed it' : state;
  };
  const before = await read();
  if (typeof before !== 'string') return before;
  const push = async () => {
    await Promise.all([
      registry.pushBlob(repository, EMPTY_CONFIG),
      registry.pushBlob(repository, blob, { fresh: true }),
    ]);
    await registry.putManifest(repository, manifest.digest, manifest);
  };
  const sign = async () => {
    const bundle = await signer.sign(signatureStatement([manifest.digest]));
    return uploadBundles(context, repository, [bundle]);
  };
  // At the same time: nothing names what still waits for its signature. Both end before either's failure is thrown.
  const [pushing, signing] = [push(), sign()];
  await Promise.allSettled([pushing, signing]);
  await pushing;
  await attachBundles(context, repository, manifest, await signing);
  return confirm(context, `the release record ${repository}@${manifest.digest}`, read);
}

const COMMIT = /^([0-9a-f]{40}|[0-9a-f]{64})$/;

function sortKey({ kind, name }: ReleaseComponent): string {
  return `${kind}\0${name}`;
}

/** A record names places that are asked and written to: they must be repositories and nothing else. */
function checkImage(image: string): void {
  try {
    parseRepository(image);
  } catch (error) {
    throw invalid(error instanceof PrimitiveError ? error.message : `${image} is no repository`);
  }
}

function recordLayer(manifest: Manifest): Descriptor | undefined {
  try {
    const parsed = parseManifest(manifest);
    if (parsed.type !== 'image' || parsed.artifactType !== RECORD_TYPE) return undefined;
    const [layer, ...others] = parsed.layers;
    return others.length === 0 && layer?.mediaType === RECORD_TYPE ? layer : undefined;
  } catch (error) {
    if (error instanceof PrimitiveError && error.code === 'manifest-invalid') return undefined;
    throw error;
  }
}

/** Undefined for content that is gone, or that is unreadable. */
async function readBlob(
  { registry }: SealContext,
  repository: ImageRepository,
  layer: Descriptor,
): Promise<Uint8Array | undefined> {
  try {
    return await registry.getBlob(repository, layer);
  } catch (error) {
    if (isUnreadable(error)) return undefined;
    throw error;
  }
}

function firstFault(json: unknown): string {
  const [, [fault]] = Errors(releaseRecordSchema, json);
  return fault === undefined
    ? 'it is not a release record'
    : `${fault.instancePath || 'the record'} ${fault.message}`;
}

function invalid(why: string): PrimitiveError {
  return new PrimitiveError('record-invalid', 'Cannot read the release record.', { why });
}
