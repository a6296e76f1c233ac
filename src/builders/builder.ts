import type { Platform } from '../core/platform.ts';
import type { ImageRepository } from '../oci/types.ts';
import type { BuildSecret } from '../repository/config.ts';
import type { PinnedReference } from './dockerfile/pins.ts';

/** All that decides what a build makes. Paths are absolute; `context` was written from git objects by the caller. */
export interface BuildRequest {
  readonly context: string;
  /** Path of the Dockerfile inside `context`. */
  readonly dockerfile: string;
  readonly target?: string;
  readonly platforms: readonly Platform[];
  readonly args: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  /** The images that the Dockerfile names, checked for this builder by `referencesFor`. */
  readonly images: readonly PinnedReference[];
  readonly secrets: readonly BuildSecret[];
  /** Cache mounts and layer caches are namespaced by it, so that tiers never share one. */
  readonly cacheNamespace: string;
  readonly cacheFrom: readonly string[];
  readonly cacheTo: readonly string[];
  /** Folder that does not exist yet; receives the OCI image layout. */
  readonly output: string;
  readonly onLine?: (line: string) => void;
  readonly signal?: AbortSignal;
}

/** A base that the build really used, for the provenance's resolvedDependencies. */
export interface ResolvedBase {
  /** As in the Dockerfile, or as mapped: `docker.io/library/golang:1.26@sha256:…`. */
  readonly reference: string;
  readonly digest: string;
}

export interface BuildResult {
  /** The layout folder: `oci-layout`, `index.json`, `blobs/sha256/*`. */
  readonly layout: string;
  readonly bases: readonly ResolvedBase[];
  /** Of `cacheFrom`, those that layers may have come from. */
  readonly caches: readonly string[];
}

/**
 * Whether a base may be asked for over plain HTTP, by the rule of the registry client: `with-login` if the machine lets
 * logins go; if only the config allows it, whether this machine has a login for it, which then must not be sent.
 */
export type PlainHttp = (
  repository: ImageRepository,
) => Promise<'with-login' | 'no-login' | 'has-login' | 'no'>;

/** A base, pinned, and the platforms that a build needs of it; with none, any is enough. */
export interface BaseReference {
  readonly reference: string;
  readonly platforms: readonly string[];
}

/** Name, version and abilities of a builder that is ready to use. */
export interface BuilderInfo {
  readonly name: 'buildx' | 'buildah';
  readonly version: string;
  /** Name and version, for people: `buildx 0.29.1, builder "ci" (remote)`. */
  readonly description: string;
  /** Platforms that it can run `RUN` steps for, natively or by emulation. */
  readonly platforms: readonly Platform[];
}

/**
 * A component's source -> an OCI image layout on disk. The narrow waist: all later steps are the same for every builder.
 *
 * `check` refuses what `build` would refuse before it runs anything: reserved arguments, secrets that are not there, caches
 * that change images (exit 2). `checkBase` asks for the manifest of a base in the way of a build, from where a build would
 * ask, and pulls no layer; it throws `base-unavailable` (exit 3).
 *
 * `look` asks what `probe` needs to know, and starts nothing that outlives it; it throws nothing that `probe` does not.
 *
 * `build` throws `PrimitiveError` `build-failed` (exit 1) with the last lines of its output in `log`;
 * `probe` throws `builder-unusable` or `builder-not-found` (exit 3) with the fix.
 */
export interface Builder {
  look(): Promise<unknown>;
  probe(): Promise<BuilderInfo>;
  check(request: Pick<BuildRequest, 'args' | 'secrets' | 'cacheTo'>): Promise<void>;
  checkBase(base: BaseReference, signal?: AbortSignal): Promise<void>;
  build(request: BuildRequest): Promise<BuildResult>;
}
