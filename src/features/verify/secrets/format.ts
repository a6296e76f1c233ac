import { entropyOf } from './entropy.ts';
import type { Literal, SecretKind } from './secret.ts';

export interface SecretFormat {
  /** As a finding shows it: `GitHub token`. */
  readonly name: string;
  readonly kind: SecretKind;
  /** Takes linear time; with flag `g`. */
  readonly pattern: RegExp;
  /** In lower case; every match has one of them. Without, each text is searched. */
  readonly words?: readonly string[];
  /** The group that is the secret; the whole match unless given. */
  readonly group?: number;
  /** Bits per character that a secret has to exceed. */
  readonly entropy?: number;
  /** Whether a match is one. */
  readonly accepts?: (match: RegExpExecArray, value: string) => boolean;
}

/** Matches of formats in a text, placeholders included. */
export function findByFormat(
  formats: Iterable<SecretFormat>,
  text: string,
  words: ReadonlySet<string>,
): readonly Literal[] {
  const found: Literal[] = [];
  for (const { name, kind, pattern, words: own, group = 0, entropy = 0, accepts } of formats) {
    if (own !== undefined && !own.some((word) => words.has(word))) continue;
    for (const match of text.matchAll(pattern)) {
      const value = match[group];
      if (!value || entropyOf(value) <= entropy || accepts?.(match, value) === false) continue;
      const index = match.index + (group === 0 ? 0 : match[0].lastIndexOf(value));
      found.push({ kind, name, value, index });
    }
  }
  return found;
}
