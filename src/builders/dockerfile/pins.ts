import { PrimitiveError } from '../../core/errors.ts';
import { formatPlatform } from '../../oci/manifest.ts';
import { formatReference, parseDockerReference } from '../../oci/reference.ts';
import type { Platform } from '../../oci/types.ts';
import { normalised } from './platforms.ts';
import {
  type DockerfileRequest,
  findStage,
  type ImageUse,
  imageUses,
  parseWithStages,
  reachable,
  readStages,
} from './stages.ts';
import type { Dockerfile } from './syntax.ts';

/** An image that a Dockerfile names, and the digest-pinned reference that stands for it. */
export interface PinnedReference {
  /** From 1; 0 for the build argument `BUILDKIT_SYNTAX`, which stands in no file. */
  readonly line: number;
  readonly via: ImageUse['via'];
  /** As it stands there. */
  readonly written: string;
  /** The same, variables expanded. */
  readonly reference: string;
  /** {@link reference}, or what `bases` maps it to. */
  readonly pinned: string;
  /** Whether the target needs it, for one of the platforms at least. */
  readonly used: boolean;
}

const DIGEST = /@(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

/**
 * Every image from outside that the Dockerfile names, in any stage and for any of the platforms: by `FROM`,
 * `COPY --from`, `RUN --mount=…,from=` and `# syntax=`. By line, each once.
 *
 * Throws `dockerfile-unpinned` (exit 2) with the list of those that end up without a digest, and `dockerfile-invalid`
 * (exit 2) where the stages cannot be told.
 */
export function pinnedReferences(request: DockerfileRequest): readonly PinnedReference[] {
  const dockerfile = parseWithStages(request);
  const uses = [...frontends(dockerfile, request)];
  for (const platform of request.platforms) {
    const stages = readStages(dockerfile, request, platform);
    const needed = reachable(stages, request, dockerfile);
    for (const stage of stages) {
      const { line, written, base, parent } = stage;
      const used = needed.has(stage);
      if (!parent) uses.push({ line, via: 'FROM', written, name: base, used });
      uses.push(...imageUses(stage, dockerfile, used).filter((use) => !findStage(stages, use)));
    }
  }
  const pinned = new Map<string, PinnedReference>();
  for (const { line, via, name, written = name, used } of uses) {
    if (name === 'scratch' || name === '') continue;
    const key = JSON.stringify([line, via, name]);
    pinned.set(key, {
      line,
      via,
      written,
      reference: name,
      pinned: mapped(name, request.bases) ?? name,
      used: used || (pinned.get(key)?.used ?? false),
    });
  }
  const references = [...pinned.values()].sort((a, b) => a.line - b.line);
  refuseUnpinned(references, request.file);
  return references;
}

/**
 * The platforms for which the build runs steps: those of stages with `RUN` that the target needs. A stage that is
 * cross-compiled on `$BUILDPLATFORM` counts for the builder's own platform. Throws `dockerfile-invalid` (exit 2).
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
  const missing = runPlatforms(native === undefined ? request : { ...request, native })
    .map(formatPlatform)
    .filter((platform) => !able.includes(platform));
  if (missing.length === 0) return;
  throw new PrimitiveError(
    'builder-platform-missing',
    `${request.file} has RUN steps for ${missing.join(' and ')}, which the builder cannot run`,
    {
      why: `${builder.description} runs ${able.join(', ')}`,
      suggestions: [
        'emulate it: docker run --privileged --rm tonistiigi/binfmt --install all',
        'or, without docker: sudo apt-get install qemu-user-static binfmt-support',
        'or cross-compile: FROM --platform=$BUILDPLATFORM … AS build, and COPY --from=build into a stage without RUN',
      ],
      exit: 3,
    },
  );
}

/** `BUILDKIT_SYNTAX` takes the place of `# syntax=` in BuildKit; both are looked at, so that neither hides the other. */
function frontends(dockerfile: Dockerfile, { args }: DockerfileRequest): readonly ImageUse[] {
  const argument = args.BUILDKIT_SYNTAX?.trim().split(' ')[0];
  const { syntax } = dockerfile;
  return [
    ...(argument === undefined ? [] : [{ line: 0, via: '# syntax' as const, name: argument, used: true }]),
    ...(syntax === undefined
      ? []
      : [
          {
            line: syntax.line,
            via: '# syntax' as const,
            name: syntax.reference,
            used: argument === undefined,
          },
        ]),
  ];
}

/** What a reference is mapped to; both are compared as the registry sees them: `golang` is `docker.io/library/golang:latest`. */
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

function refuseUnpinned(references: readonly PinnedReference[], file: string): void {
  const unpinned = references.filter(({ pinned }) => !DIGEST.test(pinned));
  if (unpinned.length === 0) return;
  const lines = unpinned.map(({ line, via, reference, pinned }) => {
    const place = line === 0 ? 'build.args.BUILDKIT_SYNTAX' : `${file}:${line}`;
    return `${place}: ${via} ${reference}${pinned === reference ? '' : ` (mapped to ${pinned})`}`;
  });
  const [first] = unpinned;
  throw new PrimitiveError(
    'dockerfile-unpinned',
    `${file} names ${unpinned.length === 1 ? 'an image' : `${unpinned.length} images`} without a digest`,
    {
      why: `a tag can come to mean another image, and the same input must give the same image\n${lines.join('\n')}`,
      suggestions: [
        `look the digest up: docker buildx imagetools inspect ${first?.pinned} --format '{{.Manifest.Digest}}'`,
        `write it behind the reference: ${first?.pinned}@sha256:…`,
        `or map it in primitive.config.yaml: build: { bases: { "${first?.reference}": "…@sha256:…" } }`,
      ],
    },
  );
}
