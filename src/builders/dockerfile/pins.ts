import { PrimitiveError } from '../../core/errors.ts';
import { compareFindings, type Finding, refusal } from '../../core/finding.ts';
import { formatPlatform, type Platform } from '../../core/platform.ts';
import { formatReference, parseDockerReference } from '../../oci/reference.ts';
import { normalised } from './platforms.ts';
import {
  DockerfileError,
  type DockerfileRequest,
  findStage,
  type ImageUse,
  imageUses,
  parseWithStages,
  reachable,
  readStages,
  type Stage,
  targetOf,
} from './stages.ts';
import { type Dockerfile, parseDockerfile } from './syntax.ts';

/** An image that a Dockerfile names, and the reference that is used for it. */
export interface PinnedReference {
  /** From 1; 0 for the build argument `BUILDKIT_SYNTAX`, which is in no file. */
  readonly line: number;
  readonly via: ImageUse['via'];
  /** As written. */
  readonly written: string;
  /** The same, variables expanded. */
  readonly reference: string;
  /** {@link reference}, or what `bases` maps it to. */
  readonly pinned: string;
  /** Whether the target needs it, for at least one of the platforms. */
  readonly used: boolean;
  /**
   * Platforms to build for that name it, each with that of the image which is then taken: another one in a stage
   * `FROM --platform=$BUILDPLATFORM`.
   */
  readonly platforms: Readonly<Record<string, string>>;
  /** Whether a stage is nothing but this image. */
  readonly isStage: boolean;
}

const DIGEST = /@(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

/** A Dockerfile that was read, and what is wrong with it. */
export interface ReadDockerfile {
  /** Its stages for the first platform, in order; empty if they cannot be read. */
  readonly stages: readonly Stage[];
  /** The one of them that is built. */
  readonly target: Stage | undefined;
  /** A backslash, or by directive a backtick. */
  readonly escapeToken: string;
  /**
   * Every external image that the Dockerfile names, in any stage and for any platform: by `FROM`, `COPY --from`,
   * `RUN --mount=…,from=` and `# syntax=`. By line, each once.
   */
  readonly references: readonly PinnedReference[];
  /** Rules `dockerfile-unpinned`, for each reference without a digest, and `dockerfile-invalid`. */
  readonly findings: readonly Finding[];
}

/** Reads a Dockerfile; nothing in it makes this throw. */
export function readDockerfile(request: DockerfileRequest): ReadDockerfile {
  const { escapeToken } = parseDockerfile(request.text);
  try {
    const [platform = request.native ?? { os: 'linux', architecture: 'amd64' }] = request.platforms;
    const stages = readStages(parseWithStages(request), request, platform);
    const references = imageReferences(request);
    const target = targetOf(stages, request);
    return { stages, target, escapeToken, references, findings: unpinned(references, request.file) };
  } catch (error) {
    if (!(error instanceof DockerfileError)) throw error;
    return { stages: [], target: undefined, escapeToken, references: [], findings: [error.finding] };
  }
}

/**
 * The references of a Dockerfile that can be built; see {@link ReadDockerfile}. Throws `dockerfile-unpinned` or
 * `dockerfile-invalid` (exit 2) with all findings.
 */
export function pinnedReferences(request: DockerfileRequest): readonly PinnedReference[] {
  const { references, findings } = readDockerfile(request);
  refuseDockerfiles(findings);
  return references;
}

/**
 * The references of a Dockerfile as this builder reads it: its own platform may change them.
 *
 * Throws what {@link pinnedReferences} and {@link checkPlatforms} throw.
 */
export function referencesFor(
  request: DockerfileRequest,
  builder: { readonly description: string; readonly platforms: readonly Platform[] },
): readonly PinnedReference[] {
  const [native] = builder.platforms;
  const references = pinnedReferences(native === undefined ? request : { ...request, native });
  checkPlatforms(request, builder);
  return references;
}

/** Refuses Dockerfiles with findings, by the rule of the first: `dockerfile-unpinned` or `dockerfile-invalid` (exit 2). */
export function refuseDockerfiles(findings: readonly Finding[]): void {
  const [first] = [...findings].sort(compareFindings);
  if (first === undefined) return;
  const unpinned = findings.filter(({ rule }) => rule === 'dockerfile-unpinned');
  const files = [...new Set(findings.flatMap(({ path }) => path ?? []))];
  const named = files.length === 1 ? (files[0] ?? '') : `${files.length} Dockerfiles`;
  if (unpinned.length < findings.length) {
    throw refusal(first.rule, `Cannot build ${named}`, findings);
  }
  const images = unpinned.length === 1 ? 'An image' : `${unpinned.length} images`;
  throw refusal(first.rule, `${images} without a digest in ${named}`, findings, {
    suggestions: [
      "Look a digest up: docker buildx imagetools inspect IMAGE --format '{{.Manifest.Digest}}'",
      'Or map the image in primitive.config.yaml: build: { bases: { "IMAGE": "IMAGE@sha256:…" } }',
    ],
  });
}

function imageReferences(request: DockerfileRequest): readonly PinnedReference[] {
  const dockerfile = parseWithStages(request);
  const references = new Map<string, PinnedReference>();
  for (const platform of request.platforms) {
    for (const use of usesOn(platform, dockerfile, request)) {
      const { line, via, name, written = name, used, platform: taken, isStage } = use;
      if (name === 'scratch' || name === '') continue;
      const key = JSON.stringify([line, via, name]);
      const before = references.get(key);
      references.set(key, {
        line,
        via,
        written,
        reference: name,
        pinned: mapped(name, request.bases) ?? name,
        used: used || (before?.used ?? false),
        platforms: { ...before?.platforms, [formatPlatform(platform)]: formatPlatform(taken) },
        isStage: isStage || (before?.isStage ?? false),
      });
    }
  }
  return [...references.values()].sort((a, b) => a.line - b.line);
}

/** Everything from outside that a Dockerfile names when it is built for a platform. */
function usesOn(platform: Platform, dockerfile: Dockerfile, request: DockerfileRequest): readonly ImageUse[] {
  const stages = readStages(dockerfile, request, platform);
  const needed = reachable(stages, request, dockerfile);
  const uses = stages.flatMap((stage): ImageUse[] => {
    const { line, written, base, parent, platform } = stage;
    const used = needed.has(stage);
    const isStage = stage.instructions.length === 0;
    return [
      ...(parent ? [] : [{ line, via: 'FROM' as const, written, name: base, used, platform, isStage }]),
      ...imageUses(stage, dockerfile, used).filter((use) => !findStage(stages, use)),
    ];
  });
  return [...frontends(dockerfile, request), ...uses];
}

/**
 * The platforms for which the build runs steps: those of stages with `RUN` that the target needs. A stage that is
 * cross-compiled on `$BUILDPLATFORM` counts for the builder's own platform. Throws {@link DockerfileError}.
 */
export function runPlatforms(request: DockerfileRequest): readonly Platform[] {
  const dockerfile = parseWithStages(request);
  const needed = new Map<string, Platform>();
  for (const platform of request.platforms) {
    const stages = readStages(dockerfile, request, platform);
    for (const stage of reachable(stages, request, dockerfile)) {
      const runs = stage.instructions.some((instruction) => instruction.name === 'RUN');
      if (runs) needed.set(formatPlatform(stage.platform), stage.platform);
    }
  }
  return [...needed.keys()].sort().flatMap((key) => needed.get(key) ?? []);
}

/**
 * Refuses what needs a platform that the builder can run neither natively nor by emulation: `builder-platform-missing`
 * (exit 3). The builder's first platform is its own.
 */
export function checkPlatforms(
  request: DockerfileRequest,
  builder: { readonly description: string; readonly platforms: readonly Platform[] },
): void {
  const able = builder.platforms.map((platform) => formatPlatform(normalised(platform)));
  const [native] = builder.platforms;
  const missing = refusing(() => runPlatforms(native === undefined ? request : { ...request, native }))
    .map(formatPlatform)
    .filter((platform) => !able.includes(platform));
  if (missing.length === 0) return;
  throw new PrimitiveError(
    'builder-platform-missing',
    `${request.file} has RUN steps for ${missing.join(' and ')}, which the builder cannot run`,
    {
      why: `the builder is ${builder.description}, and runs ${able.join(', ')}`,
      suggestions: [
        'Install emulation: docker run --privileged --rm tonistiigi/binfmt --install all',
        'Or, without docker: sudo apt-get install qemu-user-static binfmt-support',
        'Or cross-compile: FROM --platform=$BUILDPLATFORM … AS build, and COPY --from=build into a stage without RUN',
      ],
      exit: 3,
    },
  );
}

/** The builder's own platform may change what `FROM` expands to, and so what can be read. */
function refusing<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof DockerfileError) refuseDockerfiles([error.finding]);
    throw error;
  }
}

/** `BUILDKIT_SYNTAX` overrides `# syntax=` in BuildKit; both are checked, so that neither hides the other. */
function frontends(dockerfile: Dockerfile, { args, native }: DockerfileRequest): readonly ImageUse[] {
  const argument = args.BUILDKIT_SYNTAX?.trim().split(' ')[0];
  const { syntax } = dockerfile;
  const platform = native ?? { os: 'linux', architecture: 'amd64' };
  const frontend = { via: '# syntax' as const, platform, isStage: false };
  return [
    ...(argument === undefined ? [] : [{ ...frontend, line: 0, name: argument, used: true }]),
    ...(syntax === undefined
      ? []
      : [{ ...frontend, line: syntax.line, name: syntax.reference, used: argument === undefined }]),
  ];
}

/** The reference that `bases` maps another one to; compared in full form: `golang` is `docker.io/library/golang:latest`. */
function mapped(reference: string, bases: Readonly<Record<string, string>>): string | undefined {
  if (Object.hasOwn(bases, reference)) return bases[reference];
  const wanted = canonical(reference);
  const [, pinned] = Object.entries(bases).find(([from]) => canonical(from) === wanted) ?? [];
  return pinned;
}

function canonical(reference: string): string {
  try {
    const parsed = parseDockerReference(reference);
    const latest = parsed.tag === undefined && parsed.digest === undefined;
    return formatReference(latest ? { ...parsed, tag: 'latest' } : parsed);
  } catch {
    return reference;
  }
}

function unpinned(references: readonly PinnedReference[], file: string): readonly Finding[] {
  return references
    .filter(({ pinned }) => !DIGEST.test(pinned))
    .map(({ line, via, reference, pinned }) => {
      const where = line === 0 ? 'Build argument BUILDKIT_SYNTAX' : via;
      const mapped = pinned === reference ? '' : ` (mapped to ${pinned})`;
      return {
        rule: 'dockerfile-unpinned',
        level: 'error',
        message: `${where} ${reference}${mapped} has no digest`,
        path: file,
        ...(line === 0 ? {} : { line }),
        fix: `Pin ${pinned} by digest: ${pinned}@sha256:…`,
      };
    });
}
