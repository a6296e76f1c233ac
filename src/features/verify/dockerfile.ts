import { posix } from 'node:path';
import { type PinnedReference, readDockerfile } from '../../builders/dockerfile/pins.ts';
import type { Stage } from '../../builders/dockerfile/stages.ts';
import type { Primitive } from './rule.ts';
import type { WorkTree } from './work-tree.ts';

/** What rules judge of the Dockerfile of a primitive. */
export interface DockerfileSubject {
  /** Relative to the root of the repository. */
  readonly path: string;
  readonly primitive: Primitive;
  /** Why it cannot be read, and the line; all else is empty then. */
  readonly fault: { readonly message: string; readonly line?: number } | undefined;
  /** Images from outside, in any stage and for any platform. */
  readonly images: readonly PinnedReference[];
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
export async function dockerfileOf(
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
  const { stages, target: built, references, findings } = readDockerfile(request);
  return {
    path,
    primitive,
    fault: findings.find(({ rule }) => rule === 'dockerfile-invalid'),
    images: references,
    user: userOf(built),
    variables: stages.flatMap(({ instructions }) => instructions.flatMap(variablesOf)),
  };
}

/** The last USER of the stage, or of the one that it is made from. */
function userOf(built: Stage | undefined): DockerfileSubject['user'] {
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
