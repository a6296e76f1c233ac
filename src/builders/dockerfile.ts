import { PrimitiveError } from '../errors.ts';
import { formatPlatform, parsePlatform } from '../oci/manifest.ts';
import { formatReference, parseDockerReference } from '../oci/reference.ts';
import type { Platform } from '../oci/types.ts';
import { type Dockerfile, type Instruction, parseDockerfile, triggered } from './syntax.ts';
import { expandWord, SPACE, WordError } from './words.ts';

/** A Dockerfile and what decides how it is read. */
export interface DockerfileRequest {
  /** Its path, for messages. */
  readonly file: string;
  readonly text: string;
  readonly args: Readonly<Record<string, string>>;
  /** Reference in the Dockerfile -> reference to use instead. */
  readonly bases: Readonly<Record<string, string>>;
  readonly platforms: readonly Platform[];
  readonly target?: string;
  /** The builder's own platform (`BUILDPLATFORM`), linux/amd64 unless told. */
  readonly native?: Platform;
}

/** An image that a Dockerfile names, and the digest-pinned reference that stands for it. */
export interface PinnedReference {
  /** From 1; 0 for the build argument `BUILDKIT_SYNTAX`, which stands in no file. */
  readonly line: number;
  readonly via: 'FROM' | 'COPY --from' | 'RUN --mount' | '# syntax';
  /** As it stands there. */
  readonly written: string;
  /** The same, variables expanded. */
  readonly reference: string;
  /** {@link reference}, or what `bases` maps it to. */
  readonly pinned: string;
}

interface Stage {
  readonly line: number;
  /** In lower case; empty without `AS`. */
  readonly name: string;
  readonly written: string;
  /** What was written, expanded. */
  readonly base: string;
  /** The stage that `base` names. */
  readonly parent: Stage | undefined;
  readonly platform: Platform;
  readonly instructions: readonly Instruction[];
}

interface ImageUse {
  readonly line: number;
  readonly via: PinnedReference['via'];
  readonly written?: string;
  readonly name: string;
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
  const dockerfile = parse(request);
  const uses = [...frontends(dockerfile, request)];
  for (const platform of request.platforms) {
    const stages = readStages(dockerfile, request, platform);
    for (const stage of stages) {
      if (!stage.parent) {
        uses.push({ line: stage.line, via: 'FROM', written: stage.written, name: stage.base });
      }
      for (const use of imageUses(stage, dockerfile)) if (!findStage(stages, use)) uses.push(use);
    }
  }
  const pinned = new Map<string, PinnedReference>();
  for (const { line, via, name, written = name } of uses) {
    if (name === 'scratch' || name === '') continue;
    pinned.set(JSON.stringify([line, via, name]), {
      line,
      via,
      written,
      reference: name,
      pinned: mapped(name, request.bases) ?? name,
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
  const dockerfile = parse(request);
  const needed = new Map<string, Platform>();
  for (const platform of request.platforms) {
    const stages = readStages(dockerfile, request, platform);
    for (const stage of reachable(stages, targetOf(stages, request), dockerfile)) {
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

function parse({ file, text }: DockerfileRequest): Dockerfile {
  const dockerfile = parseDockerfile(text);
  if (!dockerfile.instructions.some(({ name }) => name === 'FROM')) {
    throw invalid(file, undefined, 'it has no FROM, so there is nothing to build');
  }
  return dockerfile;
}

/** `BUILDKIT_SYNTAX` takes the place of `# syntax=` in BuildKit; both are looked at, so that neither hides the other. */
function frontends(dockerfile: Dockerfile, { args }: DockerfileRequest): readonly ImageUse[] {
  const argument = args.BUILDKIT_SYNTAX?.trim().split(' ')[0];
  const { syntax } = dockerfile;
  return [
    ...(argument === undefined ? [] : [{ line: 0, via: '# syntax' as const, name: argument }]),
    ...(syntax === undefined
      ? []
      : [{ line: syntax.line, via: '# syntax' as const, name: syntax.reference }]),
  ];
}

function readStages(dockerfile: Dockerfile, request: DockerfileRequest, target: Platform): readonly Stage[] {
  const { escapeToken, instructions } = dockerfile;
  const variables = new Map(Object.entries(automaticArguments(dockerfile, request, target)));
  const stages: (Stage & { instructions: Instruction[] })[] = [];
  const expand = (text: string, { line }: Instruction) => {
    try {
      return expandWord(text, { escapeToken, variables });
    } catch (error) {
      if (error instanceof WordError) throw invalid(request.file, line, error.message);
      throw error;
    }
  };
  for (const instruction of instructions) {
    if (instruction.name === 'FROM') stages.push(readFrom(instruction));
    else if (stages.length > 0) stages.at(-1)?.instructions.push(instruction);
    else if (instruction.name === 'ARG') readArg(instruction);
  }
  return stages;

  function readArg(instruction: Instruction): void {
    for (const word of argumentWords(instruction.rest, escapeToken)) {
      const [, name = word, value] = /^([^=]+)=(.*)$/s.exec(word) ?? [];
      const given = request.args[name] ?? (value === undefined ? undefined : expand(value, instruction));
      if (given !== undefined) variables.set(name, given);
    }
  }

  function readFrom(instruction: Instruction): Stage & { instructions: Instruction[] } {
    const [written = '', as, name, ...more] = instruction.rest.split(/[\t\v\f\r ]+/);
    const base = expand(written, instruction);
    const flag = flagValue(instruction, 'platform');
    if (base === '') throw invalid(request.file, instruction.line, 'FROM names no image');
    if (as !== undefined && (as.toLowerCase() !== 'as' || name === undefined || more.length > 0)) {
      throw invalid(request.file, instruction.line, 'FROM takes an image, or an image AS a name');
    }
    const parent = stages.findLast((stage) => stage.name !== '' && stage.name === base);
    const asked = flag === undefined ? undefined : readPlatform(expand(flag, instruction), target);
    return {
      line: instruction.line,
      name: (name ?? '').toLowerCase(),
      written,
      base,
      parent,
      platform: parent?.platform ?? asked ?? normalised(target),
      instructions: [],
    };
  }
}

/** Dockerfile reference, "Automatic platform ARGs in the global scope"; a build argument of that name wins. */
function automaticArguments(
  dockerfile: Dockerfile,
  request: DockerfileRequest,
  target: Platform,
): Record<string, string> {
  const last = dockerfile.instructions.findLast(({ name }) => name === 'FROM');
  const [, , lastName] = last?.rest.split(/[\t\v\f\r ]+/) ?? [];
  const own = normalised(request.native ?? { os: 'linux', architecture: 'amd64' });
  const wanted = normalised(target);
  const automatic: Record<string, string> = {
    BUILDPLATFORM: formatPlatform(own),
    BUILDOS: own.os,
    BUILDARCH: own.architecture,
    BUILDVARIANT: own.variant ?? '',
    TARGETPLATFORM: formatPlatform(wanted),
    TARGETOS: wanted.os,
    TARGETARCH: wanted.architecture,
    TARGETVARIANT: wanted.variant ?? '',
    TARGETSTAGE: request.target ?? lastName?.toLowerCase() ?? 'default',
  };
  const given = Object.entries(request.args).filter(([name]) => name in automatic);
  return { ...automatic, ...Object.fromEntries(given) };
}

/** Words of `ARG`, split at white space outside quotes; quotes stay for the expansion. */
function argumentWords(text: string, escapeToken: string): string[] {
  const words: string[] = [];
  let word = '';
  let quote = '';
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    if (quote === '' && SPACE.test(char)) {
      if (word !== '') words.push(word);
      word = '';
      continue;
    }
    if (char === quote) quote = '';
    else if (quote === '' && (char === '"' || char === "'")) quote = char;
    word += char === escapeToken && quote !== "'" ? char + text.charAt(++at) : char;
  }
  return word === '' ? words : [...words, word];
}

/** What a stage takes from elsewhere, also when it becomes the base of another (`ONBUILD`). */
function imageUses(stage: Stage, { escapeToken }: Dockerfile): ImageUse[] {
  return stage.instructions.flatMap((outer): ImageUse[] => {
    const instruction = triggered(outer, escapeToken);
    const { line } = instruction;
    if (instruction.name === 'COPY') {
      const name = flagValue(instruction, 'from') ?? '';
      return name === '' ? [] : [{ line, via: 'COPY --from', name }];
    }
    if (instruction.name !== 'RUN') return [];
    return instruction.flags.flatMap((flag) => {
      const name = flag.startsWith('--mount=') ? mountSource(flag.slice('--mount='.length)) : '';
      return name === '' ? [] : [{ line, via: 'RUN --mount' as const, name }];
    });
  });
}

/** The `from` of a mount; its fields are those of one CSV line. */
function mountSource(mount: string): string {
  let from = '';
  for (const [, quoted, plain] of mount.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)) {
    const field = quoted?.replaceAll('""', '"') ?? plain ?? '';
    const [, value] = /^from=(.*)$/is.exec(field) ?? [];
    if (value !== undefined) from = value;
  }
  return from;
}

/** Stages are found by name in any case, `COPY` finds them also by number; both among all stages, not only earlier ones. */
function findStage(stages: readonly Stage[], use: ImageUse): Stage | undefined {
  // A number that no stage has is no image either; BuildKit reports it.
  if (use.via === 'COPY --from' && /^[+-]?\d+$/.test(use.name)) return stages[Number(use.name)] ?? stages[0];
  return stages.findLast((stage) => stage.name !== '' && stage.name === use.name.toLowerCase());
}

function targetOf(stages: readonly Stage[], { file, target }: DockerfileRequest): Stage {
  const found = stages.findLast((stage) => target === undefined || stage.name === target.toLowerCase());
  if (found) return found;
  const names = stages.flatMap(({ name }) => (name === '' ? [] : [name]));
  throw invalid(file, undefined, `it has no stage "${target}"; named stages: ${names.join(', ') || 'none'}`);
}

function reachable(stages: readonly Stage[], target: Stage, dockerfile: Dockerfile): ReadonlySet<Stage> {
  const found = new Set<Stage>([target]);
  // A set that grows is iterated to its end.
  for (const stage of found) {
    if (stage.parent) found.add(stage.parent);
    for (const use of imageUses(stage, dockerfile)) {
      const source = findStage(stages, use);
      if (source) found.add(source);
    }
  }
  return found;
}

function flagValue(instruction: Instruction, name: string): string | undefined {
  const flag = instruction.flags.findLast((word) => word.startsWith(`--${name}=`));
  return flag?.slice(name.length + 3);
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

/** containerd's spelling: `linux/arm64/v8` is `linux/arm64`, `linux/arm` is `linux/arm/v7`, `linux/amd64/v1` is `linux/amd64`. */
function normalised(platform: Platform): Platform {
  const { os, architecture, variant } = platform;
  if (architecture === 'arm' && variant === undefined) return { os, architecture, variant: 'v7' };
  const plain =
    (architecture === 'arm64' && variant === 'v8') || (architecture === 'amd64' && variant === 'v1');
  return plain ? { os, architecture } : platform;
}

const ARCHITECTURE_NAMES: Readonly<Record<string, string>> = {
  x86_64: 'amd64',
  'x86-64': 'amd64',
  aarch64: 'arm64',
};

/** `--platform` may also name an architecture or a system alone; what is no platform, BuildKit reports. */
function readPlatform(text: string, target: Platform): Platform {
  const parts = text.toLowerCase().split('/');
  if (parts.length === 1) {
    const [word = ''] = parts;
    const system = ['linux', 'windows', 'darwin', 'freebsd'].includes(word);
    return normalised(
      system ? { ...target, os: word } : { os: 'linux', architecture: ARCHITECTURE_NAMES[word] ?? word },
    );
  }
  const [os = '', architecture = '', ...variant] = parts;
  const platform = parsePlatform(
    [os, ARCHITECTURE_NAMES[architecture] ?? architecture, ...variant].join('/'),
  );
  return normalised(platform ?? target);
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

function invalid(file: string, line: number | undefined, why: string): PrimitiveError {
  return new PrimitiveError('dockerfile-invalid', `${file} cannot be read as a Dockerfile`, {
    why: line === undefined ? why : `${file}:${line}: ${why}`,
  });
}
