import { posix } from 'node:path';
import {
  findStage,
  type ImageUse,
  imageUses,
  parseWithStages,
  readStages,
  type Stage,
} from '../../builders/dockerfile/stages.ts';
import { PrimitiveError } from '../../core/errors.ts';
import type { Primitive } from './rule.ts';
import type { WorkTree } from './work-tree.ts';

/** What rules judge of the Dockerfile of a primitive. */
export interface DockerfileSubject {
  /** Relative to the root of the repository. */
  readonly path: string;
  readonly primitive: Primitive;
  /** Why it cannot be read; all else is empty then. */
  readonly fault: string | undefined;
  /** Images from outside, in any stage: variables expanded, and what `build.bases` maps them to. */
  readonly images: readonly {
    readonly line: number;
    readonly via: ImageUse['via'];
    readonly reference: string;
  }[];
  /** Who runs the last stage that is built; the line of its FROM where nobody says so. */
  readonly user: { readonly line: number; readonly name: string | undefined };
  /** Variables of `ENV` and `ARG` with the values that are written there. */
  readonly variables: readonly Variable[];
}

/** A variable of `ENV`, or an argument. */
export interface Variable {
  readonly line: number;
  readonly instruction: 'ENV' | 'ARG';
  readonly name: string;
  /** Without quotes; undefined for an argument without a default. */
  readonly value: string | undefined;
}

/** Reads the Dockerfile of a primitive; undefined where it has none, or its `primitive.yaml` is invalid. */
export async function readDockerfile(
  primitive: Primitive,
  tree: WorkTree,
): Promise<DockerfileSubject | undefined> {
  const { component } = primitive;
  if (component === undefined) return undefined;
  const { context, dockerfile, args, bases, platforms, target } = component.build;
  const path = posix.join(context, dockerfile);
  const bytes = await tree.read(path);
  if (bytes === undefined) return undefined;
  const text = new TextDecoder().decode(bytes);
  const request = { file: path, text, args, bases, platforms, ...(target === undefined ? {} : { target }) };
  try {
    const parsed = parseWithStages(request);
    const perPlatform = platforms.map((platform) => readStages(parsed, request, platform));
    const stages = perPlatform[0] ?? [];
    return {
      path,
      primitive,
      fault: undefined,
      images: imagesOf(parsed, perPlatform, bases),
      user: userOf(stages, target),
      variables: stages.flatMap(({ instructions }) => instructions.flatMap(variablesOf)),
    };
  } catch (error) {
    if (!(error instanceof PrimitiveError)) throw error;
    const fault = error.why ?? error.message;
    return { path, primitive, fault, images: [], user: { line: 1, name: '' }, variables: [] };
  }
}

/** What any stage takes from outside, for any platform; each once. */
function imagesOf(
  parsed: ReturnType<typeof parseWithStages>,
  perPlatform: readonly (readonly Stage[])[],
  bases: Readonly<Record<string, string>>,
): DockerfileSubject['images'] {
  const { syntax } = parsed;
  const uses = perPlatform.flatMap((stages) =>
    stages.flatMap((stage) => [
      ...(stage.parent === undefined ? [{ line: stage.line, via: 'FROM' as const, name: stage.base }] : []),
      ...imageUses(stage, parsed, true).filter((use) => !findStage(stages, use)),
    ]),
  );
  const frontend =
    syntax === undefined ? [] : [{ line: syntax.line, via: '# syntax' as const, name: syntax.reference }];
  const found = [...frontend, ...uses]
    .filter(({ name }) => name !== 'scratch' && name !== '')
    .map(({ line, via, name }) => ({
      line,
      via,
      reference: Object.hasOwn(bases, name) ? (bases[name] ?? name) : name,
    }));
  return [
    ...new Map(found.map((image) => [`${image.line} ${image.via} ${image.reference}`, image])).values(),
  ];
}

/** The last USER of the stage, or of the one that it is made from. */
function userOf(stages: readonly Stage[], target: string | undefined): DockerfileSubject['user'] {
  const built = stages.findLast(({ name }) => target === undefined || name === target.toLowerCase());
  for (let stage = built; stage !== undefined; stage = stage.parent) {
    const user = stage.instructions.findLast(({ name }) => name === 'USER');
    if (user !== undefined) return { line: user.line, name: user.rest };
    // Such an image says who runs it.
    if (stage.parent === undefined && /:[\w.-]*nonroot/.test(stage.base))
      return { line: stage.line, name: 'nonroot' };
  }
  return { line: built?.line ?? 1, name: undefined };
}

function variablesOf({ name: instruction, rest, line }: Stage['instructions'][number]): readonly Variable[] {
  if (instruction !== 'ENV' && instruction !== 'ARG') return [];
  const [, legacy, value] = /^([\w.-]+)\s+([^=].*)$/s.exec(rest) ?? [];
  // `ENV NAME value`, the form of old.
  if (instruction === 'ENV' && legacy !== undefined)
    return [{ line, instruction, name: legacy, value: unquoted(value ?? '') }];
  return [...rest.matchAll(/([\w.-]+)(?:=("(?:[^"\\]|\\.)*"|'[^']*'|[^\s"']*))?/g)].map(
    ([, name = '', text]) => ({
      line,
      instruction,
      name,
      value: text === undefined ? undefined : unquoted(text),
    }),
  );
}

function unquoted(text: string): string {
  return text.trim().replace(/^(["'])(.*)\1$/s, '$2');
}
