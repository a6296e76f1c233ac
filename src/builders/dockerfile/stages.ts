import type { Finding } from '../../core/finding.ts';
import { optional } from '../../core/object.ts';
import { formatPlatform, type Platform } from '../../core/platform.ts';
import { normalised, readPlatform } from './platforms.ts';
import { assignments, type Dockerfile, type Instruction, parseDockerfile, triggered } from './syntax.ts';
import { expandWord, WordError } from './words.ts';

/** A Dockerfile and what its meaning depends on. */
export interface DockerfileRequest {
  /** Its path, for findings. */
  readonly file: string;
  readonly text: string;
  readonly args: Readonly<Record<string, string>>;
  /** Reference in the Dockerfile -> reference to use instead. */
  readonly bases: Readonly<Record<string, string>>;
  readonly platforms: readonly Platform[];
  readonly target?: string;
  /** The builder's own platform (`BUILDPLATFORM`); default linux/amd64. */
  readonly native?: Platform;
}

/** A Dockerfile whose stages cannot be read. */
export class DockerfileError extends Error {
  readonly finding: Finding;

  constructor(path: string, line: number | undefined, message: string) {
    super(message);
    this.finding = {
      rule: 'dockerfile-invalid',
      level: 'error',
      message,
      path,
      ...optional('line', line),
    };
  }
}

/** A stage, for one target platform. */
export interface Stage {
  readonly line: number;
  /** In lower case; empty without `AS`. */
  readonly name: string;
  /** The image of `FROM`, as written. */
  readonly written: string;
  /** The image of `FROM`, variables expanded. */
  readonly base: string;
  /** The stage that `base` names. */
  readonly parent: Stage | undefined;
  readonly platform: Platform;
  readonly instructions: readonly Instruction[];
}

/** A place where an image or a stage is named. */
export interface ImageUse {
  readonly line: number;
  readonly via: 'FROM' | 'COPY --from' | 'RUN --mount' | '# syntax';
  /** As written, if not the same as {@link name}. */
  readonly written?: string;
  /** Expanded. */
  readonly name: string;
  /** Whether the target needs it. */
  readonly used: boolean;
  /** Of the image that is taken. */
  readonly platform: Platform;
  /** Whether the stage is nothing but this image. */
  readonly isStage: boolean;
}

/** Splits a Dockerfile; throws {@link DockerfileError} if it has no stage. */
export function parseWithStages({ file, text }: DockerfileRequest): Dockerfile {
  const dockerfile = parseDockerfile(text);
  if (!dockerfile.instructions.some(({ name }) => name === 'FROM')) {
    throw new DockerfileError(file, undefined, 'The Dockerfile has no FROM');
  }
  return dockerfile;
}

/** The stages for one target platform, in order. Throws {@link DockerfileError}. */
export function readStages(
  dockerfile: Dockerfile,
  request: DockerfileRequest,
  target: Platform,
): readonly Stage[] {
  const { escapeToken, instructions } = dockerfile;
  const variables = new Map(Object.entries(automaticArguments(dockerfile, request, target)));
  const stages: (Stage & { instructions: Instruction[] })[] = [];
  const expand = (text: string, { line }: Instruction) => {
    try {
      return expandWord(text, { escapeToken, variables });
    } catch (error) {
      if (error instanceof WordError) throw new DockerfileError(request.file, line, error.message);
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
    for (const { name, value } of assignments(instruction, escapeToken)) {
      const argument = Object.hasOwn(request.args, name) ? request.args[name] : undefined;
      const given = argument ?? (value === undefined ? undefined : expand(value, instruction));
      if (given !== undefined) variables.set(name, given);
    }
  }

  function readFrom(instruction: Instruction): Stage & { instructions: Instruction[] } {
    const [written = '', as, name, ...more] = instruction.rest.split(/[\t\v\f\r ]+/);
    const base = expand(written, instruction);
    const flag = flagValue(instruction, 'platform');
    if (base === '') throw new DockerfileError(request.file, instruction.line, 'FROM names no image');
    if (as !== undefined && (as.toLowerCase() !== 'as' || name === undefined || more.length > 0)) {
      throw new DockerfileError(request.file, instruction.line, 'FROM takes an image, or an image AS a name');
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
  const given = Object.entries(request.args).filter(([name]) => Object.hasOwn(automatic, name));
  return { ...automatic, ...Object.fromEntries(given) };
}

/** The images and stages that a stage copies from or mounts, also by `ONBUILD`. */
export function imageUses(stage: Stage, { escapeToken }: Dockerfile, used: boolean): ImageUse[] {
  const { platform } = stage;
  const common = { used, platform, isStage: false };
  return stage.instructions.flatMap((outer): ImageUse[] => {
    const instruction = triggered(outer, escapeToken);
    const { line } = instruction;
    if (instruction.name === 'COPY') {
      const name = flagValue(instruction, 'from') ?? '';
      return name === '' ? [] : [{ line, via: 'COPY --from', name, ...common }];
    }
    if (instruction.name !== 'RUN') return [];
    return instruction.flags.flatMap((flag) => {
      const name = flag.startsWith('--mount=') ? mountSource(flag.slice('--mount='.length)) : '';
      return name === '' ? [] : [{ line, via: 'RUN --mount' as const, name, ...common }];
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

/** Finds a stage by name in any case, for `COPY` also by number; among all stages, not only earlier ones. */
export function findStage(stages: readonly Stage[], use: ImageUse): Stage | undefined {
  // A number without a stage is no image either; BuildKit reports it.
  if (use.via === 'COPY --from' && /^[+-]?\d+$/.test(use.name)) return stages[Number(use.name)] ?? stages[0];
  return stages.findLast((stage) => stage.name !== '' && stage.name === use.name.toLowerCase());
}

/** The stage that is built: the one that `target` names, else the last. Throws {@link DockerfileError}. */
export function targetOf(stages: readonly Stage[], { file, target }: DockerfileRequest): Stage {
  const found = stages.findLast((stage) => target === undefined || stage.name === target.toLowerCase());
  if (found) return found;
  const names = stages.flatMap(({ name }) => (name === '' ? [] : [name]));
  throw new DockerfileError(
    file,
    undefined,
    `Stage ${target} not found; named stages: ${names.join(', ') || 'none'}`,
  );
}

/** The target and the stages that it needs. Throws {@link DockerfileError} if the target is missing. */
export function reachable(
  stages: readonly Stage[],
  request: DockerfileRequest,
  dockerfile: Dockerfile,
): ReadonlySet<Stage> {
  const found = new Set<Stage>([targetOf(stages, request)]);
  // A set that grows is iterated to its end.
  for (const stage of found) {
    if (stage.parent) found.add(stage.parent);
    for (const use of imageUses(stage, dockerfile, true)) {
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
