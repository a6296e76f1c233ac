import { PrimitiveError } from '../../core/errors.ts';
import { formatPlatform } from '../../oci/manifest.ts';
import type { Platform } from '../../oci/types.ts';
import { normalised, readPlatform } from './platforms.ts';
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

/** A stage as it is for one target platform. */
export interface Stage {
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

/** A place where an image or a stage is named. */
export interface ImageUse {
  readonly line: number;
  readonly via: 'FROM' | 'COPY --from' | 'RUN --mount' | '# syntax';
  /** As it stands there, where that is not the same as {@link name}. */
  readonly written?: string;
  /** Expanded. */
  readonly name: string;
  /** Whether the target needs the place. */
  readonly used: boolean;
}

/** Splits a Dockerfile; throws `dockerfile-invalid` (exit 2) where it has no stage. */
export function parseWithStages({ file, text }: DockerfileRequest): Dockerfile {
  const dockerfile = parseDockerfile(text);
  if (!dockerfile.instructions.some(({ name }) => name === 'FROM')) {
    throw invalid(file, undefined, 'it has no FROM, so there is nothing to build');
  }
  return dockerfile;
}

/** The stages for one target platform, in their order. Throws `dockerfile-invalid` (exit 2). */
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
export function imageUses(stage: Stage, { escapeToken }: Dockerfile, used: boolean): ImageUse[] {
  return stage.instructions.flatMap((outer): ImageUse[] => {
    const instruction = triggered(outer, escapeToken);
    const { line } = instruction;
    if (instruction.name === 'COPY') {
      const name = flagValue(instruction, 'from') ?? '';
      return name === '' ? [] : [{ line, via: 'COPY --from', name, used }];
    }
    if (instruction.name !== 'RUN') return [];
    return instruction.flags.flatMap((flag) => {
      const name = flag.startsWith('--mount=') ? mountSource(flag.slice('--mount='.length)) : '';
      return name === '' ? [] : [{ line, via: 'RUN --mount' as const, name, used }];
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
export function findStage(stages: readonly Stage[], use: ImageUse): Stage | undefined {
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

/** The target and the stages that it needs. Throws `dockerfile-invalid` (exit 2) where there is no such target. */
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

function invalid(file: string, line: number | undefined, why: string): PrimitiveError {
  return new PrimitiveError('dockerfile-invalid', `${file} cannot be read as a Dockerfile`, {
    why: line === undefined ? why : `${file}:${line}: ${why}`,
  });
}
