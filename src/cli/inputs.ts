import { PrimitiveError } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';
import { unknownFlag } from './usage.ts';

/** Flags by name, and whether a value follows. */
export type KnownFlags = Readonly<Record<string, { readonly type: string }>>;

/** An argument list split into the flags of the command and the inputs of a kind. */
export interface SplitArgv {
  readonly rest: string[];
  /** Name -> value; empty if none followed. */
  readonly inputs: Readonly<Record<string, string>>;
}

/**
 * Takes out of an argument list the flags that a command does not declare: kinds say in their `kind.yaml` which inputs
 * they have, and kinds may come from packages.
 */
export function splitInputs(argv: readonly string[], known: KnownFlags): SplitArgv {
  const end = argv.indexOf('--');
  const words = end === -1 ? argv : argv.slice(0, end);
  const rest: string[] = [];
  const inputs: Record<string, string> = {};
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    const next = words[at + 1];
    const [, name, joined] = /^--([a-z][a-z0-9-]*)(?:=(.*))?$/s.exec(word) ?? [];
    const isInput = name !== undefined && !Object.hasOwn(known, name);
    const follows = joined === undefined && next !== undefined && takesNext(name, next, known);
    if (isInput) inputs[name] = joined ?? (follows ? next : '');
    else rest.push(word, ...(follows ? [next] : []));
    if (follows) at += 1;
  }
  return { rest: end === -1 ? rest : [...rest, ...argv.slice(end)], inputs };
}

/** The word after a declared option is its value; after an input only if it does not look like a flag. */
function takesNext(name: string | undefined, next: string, known: KnownFlags): boolean {
  if (name === undefined) return false;
  const flag = Object.hasOwn(known, name) ? known[name] : undefined;
  return flag === undefined ? !next.startsWith('-') : flag.type === 'option';
}

/** `unknown-flag` if an input is close to a flag: if flags are missing, or no kind has it, it was meant as one. */
export function misspeltFlag(
  command: string,
  inputs: SplitArgv['inputs'],
  known: KnownFlags,
): PrimitiveError | undefined {
  const flags = Object.keys(known);
  const slips = Object.keys(inputs).filter((name) => nearest(name, flags) !== undefined);
  return slips.length === 0
    ? undefined
    : unknownFlag(
        slips.map((name) => `--${name}`),
        { name: command, flags },
      );
}

/** Handles an error of a command: if a kind lacks the input, the misspelt flag is thrown instead. */
export function rethrow(slip: PrimitiveError | undefined): (error: unknown) => never {
  return (error) => {
    const isInput = error instanceof PrimitiveError && error.code === 'input-unknown';
    throw isInput && slip !== undefined ? slip : error;
  };
}
