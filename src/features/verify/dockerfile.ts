import { posix } from 'node:path';
import { readDockerfile } from '../../builders/dockerfile/pins.ts';
import type { Stage } from '../../builders/dockerfile/stages.ts';
import { parseDockerfile, triggered } from '../../builders/dockerfile/syntax.ts';
import { expandWord, splitWords } from '../../builders/dockerfile/words.ts';
import { parseJson } from '../../core/json.ts';
import { optional } from '../../core/object.ts';
import type { DockerfileSubject, Primitive, Variable } from './subjects.ts';
import type { WorkTree } from './work-tree.ts';

/**
 * Reads the Dockerfile of a primitive; undefined where its `primitive.yaml` is invalid or the file is unreadable, and
 * where its kind requires the file and it is missing, which is judged with the other required files.
 */
export async function dockerfileOf(
  primitive: Primitive,
  tree: WorkTree,
): Promise<DockerfileSubject | undefined> {
  const { component } = primitive;
  if (component === undefined) return undefined;
  const { context, dockerfile, args, bases, platforms, target } = component.build;
  const path = posix.join(context, dockerfile);
  const bytes = await tree.read(path);
  if (bytes === undefined) return tree.unreadable.has(path) ? undefined : missing(path, primitive);
  const text = new TextDecoder().decode(bytes);
  const request = { file: path, text, args, bases, platforms, ...optional('target', target) };
  const { stages, target: built, references, findings } = readDockerfile(request);
  return {
    path,
    primitive,
    fault: findings.find(({ rule }) => rule === 'dockerfile-invalid'),
    images: references,
    user: userOf(built),
    variables: stages.flatMap(({ instructions }) => instructions.flatMap(variablesOf)),
    remotes: remotesOf(text, args),
  };
}

/** Sources of `ADD` from elsewhere, in any stage, after variables that are written out or given. */
function remotesOf(text: string, args: Readonly<Record<string, string>>): DockerfileSubject['remotes'] {
  const { instructions, escapeToken } = parseDockerfile(text);
  const variables = new Map<string, string>();
  const expanded = (word: string) => {
    try {
      return expandWord(word, { escapeToken, variables });
    } catch {
      return word;
    }
  };
  return instructions
    .map((one) => (one.name === 'ONBUILD' ? triggered(one, escapeToken) : one))
    .flatMap((instruction) => {
      for (const { name, value } of variablesOf(instruction))
        variables.set(name, args[name] ?? expanded(value ?? variables.get(name) ?? ''));
      if (instruction.name !== 'ADD') return [];
      const { line, flags, rest } = instruction;
      const checksum = flags.find((flag) => flag.startsWith('--checksum='))?.slice('--checksum='.length);
      return stringArray(rest)
        .slice(0, -1)
        .map(expanded)
        .filter((source) => REMOTE.test(source))
        .map((source) => ({ line, source, isPinned: isPinned(source, expanded(checksum ?? '')) }));
    });
}

/** What BuildKit gets by HTTP or git, and not from the context. */
const REMOTE = /^(?:[a-z][a-z0-9+.-]*:\/\/|[\w.-]+@[\w.-]+:)/i;

/** By a digest, or of a repository by a commit. */
function isPinned(source: string, checksum: string): boolean {
  if (/^(?:sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128}|[0-9a-f]{40,64})$/.test(checksum))
    return true;
  return /#(?:[0-9a-f]{40}|[0-9a-f]{64})(?::|$)/.test(source);
}

/** The words after the flags, in either form of an instruction. */
function stringArray(rest: string): readonly string[] {
  const list = parseJson(rest);
  return Array.isArray(list) && list.every((one) => typeof one === 'string') ? list : splitWords(rest);
}

function missing(path: string, primitive: Primitive): DockerfileSubject | undefined {
  const file = posix.relative(primitive.path, path);
  const isListed = primitive.files.includes(file);
  const isRequired = primitive.kind?.files?.some((one) => one.path === file && one.required === true);
  if (isRequired === true && !isListed) return undefined;
  const message = isListed ? 'it is a link' : 'it is missing';
  const user = { line: 1, name: undefined };
  return { path, primitive, fault: { message }, images: [], user, variables: [], remotes: [] };
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
  const [, legacy, value] = /^([\w.-]+)(?!\s=)(\s.+)$/s.exec(rest) ?? [];
  // `ENV NAME value`, the old form.
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
