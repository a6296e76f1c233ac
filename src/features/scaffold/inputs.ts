import { readFile, realpath } from 'node:fs/promises';
import { join, posix, resolve } from 'node:path';
import { PrimitiveError } from '../../core/errors.ts';
import { globMatcher } from '../../core/glob.ts';
import { nearest } from '../../core/nearest.ts';
import { entityFault } from '../../kinds/entity.ts';
import type { Kind } from '../../kinds/kind.ts';
import { pathBelow } from '../../repository/discovery.ts';
import { lookBelow } from '../../repository/safe-path.ts';

/** Inputs by name, as they were given: paths are relative to the current directory. */
export type GivenInputs = Readonly<Record<string, string>>;

/** Bound for a file that is read whole. */
const MAX_BYTES = 16 * 1024 * 1024;

/**
 * Inputs as they are recorded: paths relative to the folder of the config, with forward slashes.
 *
 * `recorded` are those of an earlier scaffold; they stay, and another value is refused, since the
 * code that was written for the old one is a person's by now. Throws `input-unknown`, `input-missing`, `input-invalid`,
 * `input-changed` (exit 2).
 */
export async function resolveInputs(
  kind: Kind,
  given: GivenInputs,
  recorded: GivenInputs | undefined,
  place: { readonly cwd: string; readonly root: string },
): Promise<GivenInputs> {
  const known = kind.inputs ?? {};
  const resolved = new Map(Object.entries(recorded ?? {}));
  for (const [name, value] of Object.entries(given)) {
    // A kind has no input that it merely inherits, such as --constructor.
    const input = Object.hasOwn(known, name) ? known[name] : undefined;
    if (input === undefined) throw unknownInput(kind, name);
    const meant = await meantBy(name, value, input, place);
    if (recorded !== undefined && resolved.get(name) !== meant)
      throw changedInput(kind, name, resolved.get(name), meant);
    resolved.set(name, meant);
  }
  const missing = Object.entries(known).filter(([name, { required }]) => required && !resolved.has(name));
  if (missing.length > 0) {
    throw new PrimitiveError(
      'input-missing',
      `Kind ${kind.kind} requires ${missing.map(([name]) => `--${name}`).join(' and ')}.`,
      {
        why: missing.map(([name, { help }]) => `--${name}: ${help}`).join('\n'),
      },
    );
  }
  return Object.fromEntries(resolved);
}

type Input = NonNullable<Kind['inputs']>[string];

async function meantBy(
  name: string,
  value: string,
  { type, match, reserved }: Input,
  place: { readonly cwd: string; readonly root: string },
): Promise<string> {
  if (type === 'path') return pathInput(name, value, match, place);
  const fault = type === 'entity' ? entityFault(value, reserved) : undefined;
  if (fault !== undefined) throw invalid(name, value, `it ${fault}`);
  if (type === 'primitive' && !globMatcher(match ?? '*/*')(value))
    throw invalid(name, value, `it must be KIND/NAME and match ${match}`);
  return value;
}

/** The bytes of a file that an input names. Throws `input-invalid` (exit 2). */
export async function readInput(root: string, name: string, path: string): Promise<Uint8Array> {
  const found = await lookBelow(root, path);
  if (found.type !== 'file')
    throw invalid(name, path, found.type === 'missing' ? 'the file is missing' : 'it is not a plain file');
  if (found.stats.size > MAX_BYTES) throw invalid(name, path, `it has more than ${MAX_BYTES} bytes`);
  return readFile(join(root, path));
}

async function pathInput(
  name: string,
  value: string,
  match: string | undefined,
  { cwd, root }: { readonly cwd: string; readonly root: string },
): Promise<string> {
  if (value === '') throw invalid(name, value, 'it must be the path of a file');
  const real = await realpath(resolve(cwd, value)).catch(() => undefined);
  if (real === undefined) throw invalid(name, value, 'the file is missing');
  const path = pathBelow(root, real);
  if (path === undefined || path === '') throw invalid(name, value, `it is not below ${root}`);
  if (match !== undefined && !globMatcher(match)(posix.basename(path)))
    throw invalid(name, value, `its name must match ${match}`);
  return path;
}

function invalid(name: string, value: string, why: string): PrimitiveError {
  return new PrimitiveError('input-invalid', `--${name} ${value} cannot be used.`, { why });
}

function unknownInput(kind: Kind, name: string): PrimitiveError {
  const known = Object.entries(kind.inputs ?? {});
  const meant = nearest(name, Object.keys(kind.inputs ?? {}));
  return new PrimitiveError('input-unknown', `Kind ${kind.kind} has no input --${name}.`, {
    why:
      known.length === 0
        ? 'It has no inputs besides the name.'
        : known.map(([input, { help }]) => `--${input}: ${help}`).join('\n'),
    suggestions: meant === undefined ? ['primitive scaffold --help'] : [`Did you mean --${meant}?`],
  });
}

function changedInput(kind: Kind, name: string, recorded: string | undefined, meant: string): PrimitiveError {
  return new PrimitiveError('input-changed', `This ${kind.kind} was scaffolded with another --${name}.`, {
    why: `${recorded ?? 'none'} then, ${meant} now, and code was written for it`,
    suggestions: [`Omit --${name}, or scaffold another primitive.`],
  });
}
