import { readFile } from 'node:fs/promises';
import { stripVTControlCharacters } from 'node:util';
import { diskFullAdvice, PrimitiveError } from '../core/errors.ts';
import { isMaskable } from '../core/mask.ts';
import type { Processes } from '../core/process.ts';
import type { BuildSecret } from '../repository/config.ts';
import type { Program } from '../toolchain/find.ts';
import type { BuildRequest, PlainHttp, ResolvedBase } from './builder.ts';
import type { PinnedReference } from './dockerfile/pins.ts';

export interface BuilderSetup {
  readonly processes: Processes;
  readonly program: Program;
  /** The environment, for secrets. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** Existing folder for what lives no longer than one build. */
  readonly temporary: string;
  /** None if absent. */
  readonly plainHttp?: PlainHttp;
}

/** 1980-01-01T00:00:00Z, the oldest time that a zip archive can hold. */
export const SOURCE_DATE_EPOCH = '315532800';
/** Build arguments that builders set themselves. */
const RESERVED = ['BUILDKIT_CACHE_MOUNT_NS', 'SOURCE_DATE_EPOCH'];
const LOG_TAIL = 30;
/** BuildKit's limit for one secret. */
const MAX_SECRET_BYTES = 500 * 1024;

/** A secret with its value, which never leaves this process except by a file or the child's environment. */
export interface LoadedSecret {
  readonly id: string;
  readonly source: BuildSecret['source'];
  readonly value: Buffer;
}

/** A request that was checked: nothing of it was run yet. */
export interface PreparedBuild {
  readonly secrets: readonly LoadedSecret[];
  readonly log: BuildLog;
}

/** Checks arguments and loads secrets. Throws `build-argument-reserved` and `build-secret-missing` (exit 2). */
export async function prepare(
  request: Pick<BuildRequest, 'args' | 'secrets' | 'onLine'>,
  variables: BuilderSetup['variables'],
): Promise<PreparedBuild> {
  for (const name of RESERVED) {
    if (Object.hasOwn(request.args, name)) {
      throw new PrimitiveError('build-argument-reserved', `The build argument ${name} is set by primitive`, {
        why: 'images must not depend on it',
        suggestions: [`Remove ${name} from build.args.`],
      });
    }
  }
  const secrets = await Promise.all(request.secrets.map((secret) => load(secret, variables)));
  const log = new BuildLog(request.onLine);
  for (const { id, value } of secrets) {
    if (!isMaskable(value.toString('utf8').trim()))
      log.add(`Build secret ${id} is shorter than 8 characters, so it is not masked in this log.`);
  }
  return { secrets, log };
}

async function load(
  { id, source }: BuildSecret,
  variables: BuilderSetup['variables'],
): Promise<LoadedSecret> {
  const missing = (why: string, suggestion: string) =>
    new PrimitiveError('build-secret-missing', `Build secret ${id} not found`, {
      why,
      suggestions: [suggestion],
    });
  if ('env' in source) {
    const value = Object.hasOwn(variables, source.env) ? variables[source.env] : undefined;
    if (value === undefined || value === '') throw missing(`${source.env} is not set`, `set ${source.env}`);
    return { id, source, value: Buffer.from(value) };
  }
  const value = await readFile(source.file).catch((cause: NodeJS.ErrnoException) => {
    throw missing(`${source.file} cannot be read: ${cause.code}`, `create ${source.file}`);
  });
  if (value.length > MAX_SECRET_BYTES) {
    throw missing(
      `${source.file} has ${value.length} bytes, a secret may have ${MAX_SECRET_BYTES}`,
      `shorten ${source.file}`,
    );
  }
  return { id, source, value };
}

export function secretTexts(secrets: readonly LoadedSecret[]): string[] {
  return secrets.map(({ value }) => value.toString('utf8'));
}

/** The log of a build: passed on line by line, its end kept for an error. */
export class BuildLog {
  readonly #onLine: ((line: string) => void) | undefined;
  readonly #tail: string[] = [];

  constructor(onLine: ((line: string) => void) | undefined) {
    this.#onLine = onLine;
  }

  /** Takes a line that is already free of secrets; a build must not be able to steer the terminal. */
  readonly add = (raw: string): void => {
    const line = stripVTControlCharacters(raw)
      .replace(/[^\P{Cc}\t]/gu, '')
      .trimEnd();
    if (line === '') return;
    this.#tail.push(line);
    if (this.#tail.length > LOG_TAIL) this.#tail.shift();
    this.#onLine?.(line);
  };

  /** The last lines. */
  get tail(): string {
    return this.#tail.join('\n');
  }

  /** The last line that matches, from the first group on. */
  find(pattern: RegExp): string | undefined {
    return this.#tail.findLast((line) => pattern.test(line))?.match(pattern)?.[1];
  }
}

/** The failure of a build by its own steps: `build-failed`, exit 1. */
export function buildFailed(
  summary: string | undefined,
  log: BuildLog,
  suggestions: readonly string[] = [],
): PrimitiveError {
  return new PrimitiveError(
    'build-failed',
    summary === undefined ? 'The build failed' : `The build failed: ${summary}`,
    {
      ...(log.tail === '' ? {} : { log: log.tail }),
      suggestions: [
        ...suggestions,
        diskFullAdvice(log.tail) ?? 'Fix the failed step; the log shows its output.',
      ],
      exit: 1,
    },
  );
}

/** The failure to get a base: `base-unavailable`, exit 3, in the builder's words. */
export function baseUnavailable(
  reference: string,
  why: string,
  suggestions: readonly string[],
): PrimitiveError {
  return new PrimitiveError('base-unavailable', `The builder cannot pull ${reference}`, {
    why,
    suggestions: [...suggestions, 'Check the name, the digest, and the pull access of this machine.'],
    exit: 3,
  });
}

/** The references that the target uses, as dependencies, each once, sorted. */
export function basesOf(references: readonly PinnedReference[]): readonly ResolvedBase[] {
  const pinned = [...new Set(references.flatMap(({ pinned, used }) => (used ? [pinned] : [])))].sort();
  return pinned.map((reference) => ({ reference, digest: reference.slice(reference.lastIndexOf('@') + 1) }));
}

/** One field of the comma-separated values that `--output`, `--secret` and `--mount` take (RFC 4180). */
export function csvField(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** `NAME=value` of each entry, sorted by name. */
export function sortedPairs(values: Readonly<Record<string, string>>): string[] {
  return Object.keys(values)
    .sort()
    .map((name) => `${name}=${values[name]}`);
}
