import { PrimitiveError } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';

/** Name and flags of a command, for suggestions. */
export interface CommandUsage {
  /** With spaces: `gitops bump`. */
  readonly name: string;
  /** Long flags without dashes. */
  readonly flags: readonly string[];
}

/** An error of oclif's parser, recognised by shape: a bundle may have its classes twice. */
interface ParseFailure extends Error {
  readonly parse?: unknown;
  readonly oclif?: unknown;
  readonly flags?: unknown;
  readonly args?: unknown;
}

/** A command line that oclif refused, as our error; undefined if `thrown` is something else. */
export function usageError(thrown: unknown, usage: CommandUsage): PrimitiveError | undefined {
  if (!(thrown instanceof Error) || !('oclif' in thrown)) return undefined;
  const failure: ParseFailure = thrown;
  const help = helpOf(usage);
  if (isStrings(failure.flags)) return unknownFlag(failure.flags, usage);
  const missing = argNames(failure.args);
  if (missing !== undefined) {
    return new PrimitiveError('missing-argument', `${usage.name} requires ${missing.join(' and ')}.`, {
      suggestions: [help],
    });
  }
  if (isStrings(failure.args)) {
    return new PrimitiveError(
      'unexpected-argument',
      `${usage.name} does not take ${failure.args.map(quote).join(', ')}.`,
      { suggestions: [...failure.args.flatMap((arg) => selectorFlags(arg, usage)), help] },
    );
  }
  const [message = '', ...reasons] = failure.message
    .replace('\nSee more help with --help', '')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: oclif dims its reasons
    .replace(/\u001b\[\d+m/g, '')
    .split('\n');
  const said = reasons.length > 0 ? reasons.map((line) => line.trim()).join('; ') : message;
  return new PrimitiveError('invalid-flag', said.endsWith('.') ? said : `${said}.`, { suggestions: [help] });
}

/** Flags that a command does not have, each with the nearest one that it has. */
export function unknownFlag(flags: readonly string[], usage: CommandUsage): PrimitiveError {
  const names = flags.map((flag) => flag.split('=')[0] ?? '');
  const suggestions = names.flatMap((name) => {
    const near = nearest(name.replace(/^-+/, ''), usage.flags);
    return near === undefined || !name.startsWith('--') ? [] : [`Did you mean --${near}?`];
  });
  return new PrimitiveError(
    'unknown-flag',
    names.length === 1 ? `Flag ${names[0]} is unknown.` : `Flags ${names.join(', ')} are unknown.`,
    { suggestions: [...suggestions, helpOf(usage)] },
  );
}

/** A first word that names neither a command nor a topic. */
export function unknownCommand(
  word: string,
  topic: string | undefined,
  names: readonly string[],
): PrimitiveError {
  const tried = topic === undefined ? word : `${topic} ${word}`;
  const near = nearest(tried, names);
  return new PrimitiveError('unknown-command', `Command ${quote(tried)} is unknown.`, {
    suggestions: [
      ...(near === undefined ? [] : [`Did you mean primitive ${near}?`]),
      topic === undefined ? 'primitive --help' : `primitive ${topic} --help`,
    ],
  });
}

/** The command with `--kind` and `--name`, for a `kind/name` where those flags say it. */
function selectorFlags(arg: string, { name, flags }: CommandUsage): readonly string[] {
  const [, kind, primitive] = /^([a-z][\w-]*)\/([a-z][\w-]*)$/.exec(arg) ?? [];
  if (kind === undefined || !flags.includes('kind') || !flags.includes('name')) return [];
  return [`primitive ${name} --kind ${kind} --name ${primitive}`];
}

function helpOf({ name }: CommandUsage): string {
  return name === 'primitive' ? 'primitive --help' : `primitive ${name} --help`;
}

function quote(word: string): string {
  return JSON.stringify(word);
}

function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'string');
}

/** The names of the arguments that a RequiredArgsError lists. */
function argNames(value: unknown): readonly string[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const names = value.flatMap((item: { name?: unknown }) =>
    typeof item?.name === 'string' ? [item.name.toUpperCase()] : [],
  );
  return names.length > 0 ? names : undefined;
}
