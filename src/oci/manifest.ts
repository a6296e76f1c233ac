import { digestOf, isDigest } from '../core/digest.ts';
import { PrimitiveError } from '../core/errors.ts';
import { isObject, optional } from '../core/object.ts';
import { byKey } from '../core/order.ts';
import { isPlatformPart, type Platform } from '../core/platform.ts';
import { isImageType, isIndexType } from './media-types.ts';
import type { Referrer } from './registry.ts';
import type { Descriptor, Manifest } from './types.ts';

/** Manifests beyond this many bytes are refused, as registries do (distribution-spec, "Pushing Manifests": 4 MiB). */
export const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;

interface Common {
  readonly mediaType: string;
  readonly artifactType?: string;
  readonly subject?: Descriptor;
  readonly annotations: Readonly<Record<string, string>>;
}

/** An image index or Docker manifest list (OCI image-spec, image-index.md). */
export interface ParsedIndex extends Common {
  readonly type: 'index';
  readonly manifests: readonly Descriptor[];
}

/** The manifest of one image or artifact (OCI image-spec, manifest.md). */
export interface ParsedImage extends Common {
  readonly type: 'image';
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

export type ParsedManifest = ParsedIndex | ParsedImage;

/**
 * Reads and checks a manifest from untrusted bytes: its JSON, its descriptors, and that the `mediaType` inside agrees
 * with the one outside and with the content. Throws `manifest-invalid` (exit 3).
 *
 * A document that could be read both as an index and as an image is refused (CVE-2021-41190).
 */
export function parseManifest(manifest: Manifest): ParsedManifest {
  const root = asObject(parseJson(manifest), 'the manifest');
  if (root.schemaVersion !== 2) throw malformed('schemaVersion is not 2');
  const inside = root.mediaType;
  if (inside !== undefined && inside !== manifest.mediaType) {
    throw malformed(`its mediaType is ${quote(inside)}, it came as ${quote(manifest.mediaType)}`);
  }
  const common: Common = {
    mediaType: manifest.mediaType,
    ...optional('artifactType', optionalText(root.artifactType, 'artifactType')),
    ...optional('subject', optionalDescriptor(root.subject, 'subject')),
    annotations: parseAnnotations(root.annotations, 'annotations') ?? {},
  };
  if (isIndexType(manifest.mediaType)) {
    if ('config' in root || 'layers' in root) throw malformed('it is an index and has config or layers');
    return { type: 'index', ...common, manifests: parseDescriptors(root.manifests, 'manifests') };
  }
  if (isImageType(manifest.mediaType)) {
    if ('manifests' in root) throw malformed('it is an image and has manifests');
    return {
      type: 'image',
      ...common,
      config: parseDescriptor(root.config, 'config'),
      layers: parseDescriptors(root.layers, 'layers'),
    };
  }
  throw malformed(`${quote(manifest.mediaType)} is not the media type of a manifest`);
}

/** One descriptor from parsed JSON; unknown fields are left out. Throws `manifest-invalid` (exit 3) and names `where`. */
export function parseDescriptor(value: unknown, where = 'the descriptor'): Descriptor {
  const object = asObject(value, where);
  const { mediaType, digest, size } = object;
  if (typeof mediaType !== 'string' || !MEDIA_TYPE_GRAMMAR.test(mediaType)) {
    throw malformed(`${where}: ${quote(mediaType)} is not a media type`);
  }
  if (!isDigest(digest)) throw malformed(`${where}: ${quote(digest)} is not a sha256 digest`);
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
    throw malformed(`${where}: ${quote(size)} is not a size`);
  }
  return {
    mediaType,
    digest,
    size,
    ...optional('artifactType', optionalText(object.artifactType, `${where}.artifactType`)),
    ...optional('platform', optionalPlatform(object.platform, `${where}.platform`)),
    ...optional('annotations', parseAnnotations(object.annotations, `${where}.annotations`)),
  };
}

/** `os`, `architecture` and `variant` from parsed JSON; throws `manifest-invalid` (exit 3) and names `where`. */
export function platformOf(value: unknown, where: string): Platform {
  const { os, architecture, variant } = asObject(value, where);
  if (!isPlatformPart(os) || !isPlatformPart(architecture))
    throw malformed(`${where} has no os and architecture`);
  if (variant === undefined || variant === '') return { os, architecture };
  if (!isPlatformPart(variant)) throw malformed(`${where}: ${quote(variant)} is not a variant`);
  return { os, architecture, variant };
}

/** The bytes of a manifest of ours: canonical JSON, so that equal content has one digest. */
export function encodeManifest(mediaType: string, content: Readonly<Record<string, unknown>>): Manifest {
  const bytes = new TextEncoder().encode(canonicalJson({ ...content, schemaVersion: 2, mediaType }));
  return { mediaType, digest: digestOf(bytes), bytes };
}

/** JSON with keys sorted by code unit and no white space; `undefined` members are left out, as `JSON.stringify` does. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) =>
    isObject(member) ? Object.fromEntries(Object.entries(member).sort(byKey)) : member,
  );
}

export function descriptorOf(manifest: Manifest): Descriptor {
  return { mediaType: manifest.mediaType, digest: manifest.digest, size: manifest.bytes.length };
}

/** The descriptor under which a referrer is listed: with `artifactType` and annotations (distribution-spec, "Listing Referrers"). */
export function referrerDescriptor(referrer: Referrer): Descriptor {
  return {
    ...descriptorOf(referrer),
    artifactType: referrer.artifactType,
    ...(Object.keys(referrer.annotations).length === 0 ? {} : { annotations: referrer.annotations }),
  };
}

// RFC 6838, section 4.2, without parameters.
const MEDIA_TYPE_GRAMMAR = /^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}\/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}$/;

function parseJson(manifest: Manifest): unknown {
  if (manifest.bytes.length > MAX_MANIFEST_BYTES) throw malformed(`it has ${manifest.bytes.length} bytes`);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(manifest.bytes));
  } catch {
    throw malformed('it is not JSON in UTF-8');
  }
}

function asObject(value: unknown, where: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw malformed(`${where} is not an object`);
  return value as Readonly<Record<string, unknown>>;
}

function parseDescriptors(value: unknown, where: string): readonly Descriptor[] {
  // Go writes an empty list as null.
  if (value === null) return [];
  if (!Array.isArray(value)) throw malformed(`${where} is not a list`);
  return value.map((item, index) => parseDescriptor(item, `${where}[${index}]`));
}

function optionalDescriptor(value: unknown, where: string): Descriptor | undefined {
  return value === undefined || value === null ? undefined : parseDescriptor(value, where);
}

function optionalPlatform(value: unknown, where: string): Platform | undefined {
  return value === undefined || value === null ? undefined : platformOf(value, where);
}

function optionalText(value: unknown, where: string): string | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value !== 'string') throw malformed(`${where} is not text`);
  return value;
}

function parseAnnotations(value: unknown, where: string): Readonly<Record<string, string>> | undefined {
  if (value === undefined || value === null) return undefined;
  const entries = Object.entries(asObject(value, where));
  for (const [key, text] of entries) {
    if (typeof text !== 'string') throw malformed(`${where}[${quote(key)}] is not text`);
  }
  // From entries, so that a key such as __proto__ is a key like any other.
  return Object.fromEntries(entries) as Record<string, string>;
}

function quote(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= 120 ? text : `${text.slice(0, 117)}…`;
}

function malformed(why: string): PrimitiveError {
  return new PrimitiveError('manifest-invalid', 'Manifest is not valid by the OCI image specification', {
    why,
    exit: 3,
  });
}
