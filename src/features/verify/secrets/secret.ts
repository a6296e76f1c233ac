import { createHmac } from 'node:crypto';
import { entropyOf } from './entropy.ts';

/** Kinds of secrets, the most specific first. */
const KINDS = ['private-key', 'token', 'url', 'manifest', 'assignment'] as const;
export type SecretKind = (typeof KINDS)[number];

/** A place in a file that holds a secret. The secret itself never leaves the scan: this is cached and reported. */
export interface Secret {
  readonly kind: SecretKind;
  /** Format, or the name that it is assigned to: `GITHUB_TOKEN`, `db_password`. */
  readonly name: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 code units. */
  readonly column: number;
  /** Path with `***` in the place of the secret: given if that is in the name of the file or of a folder. */
  readonly inPath?: string;
  /** Keyed hash of the value, 16 hex digits: the same value in another file has another one. */
  readonly key: string;
}

/** A secret as scanners see it. */
export interface Literal {
  readonly kind: SecretKind;
  readonly name: string;
  readonly value: string;
  /** Where the value begins in the text. */
  readonly index: number;
}

/** Literals of a file without their values, in their order; of those that overlap, the most telling. */
export function conceal(literals: readonly Literal[], path: string, text: string): readonly Secret[] {
  const sorted = [...literals].sort((a, b) => a.index - b.index);
  const kept: Literal[] = [];
  for (const literal of sorted) {
    const last = kept.at(-1);
    if (last === undefined || literal.index >= last.index + last.value.length) kept.push(literal);
    else if (KINDS.indexOf(literal.kind) < KINDS.indexOf(last.kind)) kept.splice(-1, 1, literal);
  }
  let line = 1;
  let start = 0;
  let end = text.indexOf('\n');
  return kept.map(({ kind, name, value, index }) => {
    for (; end >= 0 && end < index; end = text.indexOf('\n', start)) {
      line += 1;
      start = end + 1;
    }
    return { kind, name: shown(name), line, column: index - start + 1, key: keyOf(kind, path, value) };
  });
}

/** Secrets in the path of a file, which is a text like others to git. */
export function concealPath(literals: readonly Literal[], path: string): readonly Secret[] {
  const shownPath = literals.reduce((text, { value }) => text.replaceAll(value, '***'), path);
  return conceal(literals, path, path).map((secret) => ({
    ...secret,
    line: 1,
    column: 1,
    inPath: shownPath,
  }));
}

function keyOf(kind: SecretKind, path: string, value: string): string {
  const hash = createHmac('sha256', JSON.stringify([kind, path])).update(value);
  return hash.digest('hex').slice(0, 16);
}

/** A name without what looks like a secret in it: a file can have one there, too. */
function shown(name: string): string {
  return name.replace(/[A-Za-z0-9+/]{16,}/g, (run) =>
    /\d/.test(run) && /[A-Za-z]/.test(run) && entropyOf(run) >= 3.3 ? '***' : run,
  );
}
