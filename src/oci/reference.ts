import { type Digest, isDigest } from '../core/digest.ts';
import { PrimitiveError } from '../core/errors.ts';
import { optional } from '../core/object.ts';
import type { ImageRepository } from './types.ts';

/** A parsed reference: a repository, and the tag, the digest or both that followed it. */
export interface ImageReference {
  readonly repository: ImageRepository;
  readonly tag?: string;
  readonly digest?: Digest;
}

// OCI distribution-spec 1.1, "Pulling manifests": <name> and <reference>.
const COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const HOST =
  /^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*|\[[0-9a-f:.]+\])(?::(\d{1,5}))?$/;
/** Many registries and clients refuse more for host and name together (distribution-spec, same place). */
const MAX_LENGTH = 255;

/**
 * A repository with its host, without tag and digest: `ghcr.io/acme/domain-orders`.
 * Throws `reference-invalid` (exit 2) and says which part is wrong and why.
 */
export function parseRepository(text: string): ImageRepository {
  const { repository: name, tag, digest } = split(text);
  const repository = checkRepository(name, text);
  if (digest !== undefined)
    throw invalid(text, 'a digest is not part of a repository', [`Use ${repository}`]);
  if (tag !== undefined) throw invalid(text, 'a tag is not part of a repository', [`Use ${repository}`]);
  return repository;
}

/** The repository of an image below a registry prefix: `joinRepository('ghcr.io/acme', 'domain-orders')`. */
export function joinRepository(registry: string, image: string): ImageRepository {
  return parseRepository(`${registry.replace(/(?<!\/)\/+$/, '')}/${image}`);
}

/** The host, with its port if any: `ghcr.io`, `127.0.0.1:5000`. */
export function repositoryHost(repository: ImageRepository): string {
  return repository.slice(0, repository.indexOf('/'));
}

/** The path after the host: `acme/domain-orders`. */
export function repositoryPath(repository: ImageRepository): string {
  return repository.slice(repository.indexOf('/') + 1);
}

/** The text itself if it is a tag; throws `reference-invalid` (exit 2) otherwise. */
export function parseTag(text: string): string {
  if (TAG.test(text)) return text;
  throw invalid(text, tagFault(text), []);
}

/**
 * A reference as Docker and Dockerfiles write it: `golang:1.26@sha256:…` is `docker.io/library/golang:1.26@sha256:…`
 * (normalisation of distribution/reference). No tag is added if there is none. Throws `reference-invalid` (exit 2).
 */
export function parseDockerReference(text: string): ImageReference {
  const parts = split(text);
  if (/^[0-9a-f]{64}$/.test(parts.repository)) {
    throw invalid(text, 'an image id is not a reference', []);
  }
  return assemble(checkRepository(qualify(parts.repository), text), parts, text);
}

/** The text of a reference; {@link parseDockerReference} gives it back. */
export function formatReference(reference: ImageReference): string {
  const tag = reference.tag === undefined ? '' : `:${reference.tag}`;
  const digest = reference.digest === undefined ? '' : `@${reference.digest}`;
  return `${reference.repository}${tag}${digest}`;
}

interface Parts {
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: string;
}

function split(text: string): Parts {
  const at = text.indexOf('@');
  const named = at < 0 ? text : text.slice(0, at);
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1);
  return {
    repository: colon < 0 ? named : named.slice(0, colon),
    ...(colon < 0 ? {} : { tag: named.slice(colon + 1) }),
    ...(at < 0 ? {} : { digest: text.slice(at + 1) }),
  };
}

function assemble(repository: ImageRepository, parts: Parts, text: string): ImageReference {
  if (parts.tag !== undefined && !TAG.test(parts.tag)) throw invalid(text, tagFault(parts.tag), []);
  if (parts.digest === undefined) {
    return parts.tag === undefined ? { repository } : { repository, tag: parts.tag };
  }
  if (!isDigest(parts.digest)) throw invalid(text, digestFault(parts.digest), []);
  return { repository, ...optional('tag', parts.tag), digest: parts.digest };
}

function qualify(name: string): string {
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const isHost =
    first.includes('.') || first.includes(':') || first === 'localhost' || first !== first.toLowerCase();
  const host = !isHost || first === 'index.docker.io' ? 'docker.io' : first.toLowerCase();
  const path = isHost ? name.slice(slash + 1) : name;
  return host === 'docker.io' && !path.includes('/') ? `docker.io/library/${path}` : `${host}/${path}`;
}

function checkRepository(name: string, text: string): ImageRepository {
  const fault = repositoryFault(name);
  if (fault !== undefined) throw invalid(text, fault.why, fault.suggestions ?? []);
  return name as ImageRepository;
}

interface ReferenceFault {
  readonly why: string;
  readonly suggestions?: readonly string[];
}

function repositoryFault(name: string): ReferenceFault | undefined {
  if (name === '') return { why: 'it is empty' };
  if (/^[a-z]+:\/\//i.test(name)) {
    return {
      why: 'a reference has no scheme',
      suggestions: [`Use ${name.slice(name.indexOf('://') + 3)}`],
    };
  }
  if (/\s/.test(name)) return { why: 'it contains white space' };
  if (name.length > MAX_LENGTH) {
    return {
      why: `it has ${name.length} characters, registries take ${MAX_LENGTH} for host and name together`,
    };
  }
  const slash = name.indexOf('/');
  if (slash < 0) {
    return {
      why: 'the registry host is missing',
      suggestions: [`Use HOST/${name}, such as ghcr.io/acme/${name}`],
    };
  }
  return hostFault(name.slice(0, slash)) ?? pathFault(name.slice(slash + 1), name);
}

function hostFault(host: string): ReferenceFault | undefined {
  const match = HOST.exec(host);
  if (match === null) {
    if (host !== host.toLowerCase())
      return { why: `the host "${host}" has upper-case letters`, suggestions: [`Use ${host.toLowerCase()}`] };
    return { why: `"${host}" is not a host name` };
  }
  const port = match[1];
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65535))
    return { why: `${port} is not a port` };
  if (port === undefined && !host.includes('.') && host !== 'localhost' && !host.startsWith('[')) {
    return {
      why: `"${host}" is not a registry host: it has neither a dot nor a port`,
      suggestions: [`Use docker.io/${host}/… if Docker Hub is meant`],
    };
  }
  return undefined;
}

function pathFault(path: string, name: string): ReferenceFault | undefined {
  for (const component of path.split('/')) {
    if (COMPONENT.test(component)) continue;
    if (component === '') return { why: 'a part between two slashes is empty' };
    if (component !== component.toLowerCase()) {
      return { why: `"${component}" has upper-case letters`, suggestions: [`Use ${name.toLowerCase()}`] };
    }
    if (component === '.' || component === '..') return { why: `"${component}" is not a name` };
    const odd = /[^a-z0-9._-]/u.exec(component);
    if (odd !== null) return { why: `"${component}" contains ${JSON.stringify(odd[0])}` };
    if (/^[._-]|[._-]$/.test(component)) {
      return { why: `"${component}" must begin and end with a letter or a digit` };
    }
    return {
      why: `"${component}" has separators in a row; allowed are one dot, one or two underscores, or dashes`,
    };
  }
  return undefined;
}

function tagFault(tag: string): string {
  if (tag === '') return 'the tag is empty';
  if (tag.length > 128) return `the tag has ${tag.length} characters, 128 are allowed`;
  return `"${tag}" is not a tag: letters, digits, "_", "." and "-", and it begins with a letter, a digit or "_"`;
}

function digestFault(digest: string): string {
  if (/^[a-z0-9+._-]+:[0-9a-zA-Z=_-]+$/.test(digest) && !digest.startsWith('sha256:')) {
    return `the digest algorithm "${digest.slice(0, digest.indexOf(':'))}" is not supported, only sha256 is`;
  }
  return 'the digest is not "sha256:" and 64 lower-case hex digits';
}

function invalid(text: string, why: string, suggestions: readonly string[]): PrimitiveError {
  return new PrimitiveError(
    'reference-invalid',
    `Image reference ${JSON.stringify(shorten(text))} is not valid`,
    {
      why,
      suggestions,
    },
  );
}

function shorten(text: string): string {
  return text.length <= 300 ? text : `${text.slice(0, 140)}…${text.slice(-140)}`;
}
