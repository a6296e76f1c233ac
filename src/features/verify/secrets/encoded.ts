import { isLogin } from './own-formats.ts';
import type { Literal } from './secret.ts';

/** `-----BEGIN ` and `{"auths"` in base64, also with white space before the name. */
const KEY = /LS0tLS1CRUdJTi[A-Za-z0-9+/]{20,}/g;
const LOGINS = /(?:eyJhdXRocyI6|ewogICJhdXRocyI|ewogICAgImF1dGhzIj|ewoJImF1dGhzIj)[A-Za-z0-9+/]{20,}={0,2}/g;

/** A header, then the first characters of a key; a wrapped text has no more of it in its first line. */
const HEADER = /^-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----\s+[\w+/=:, -]{8}/;

/** Words that every match has, in lower case. */
export const encodedWords: readonly string[] = ['ls0tls1crudjti', 'jhdxrocyi', 'imf1dghzij'];

/** Private keys and logins of registries that base64 hides from who reads a file, as in a kubeconfig. */
export function findEncoded(text: string, words: ReadonlySet<string>): readonly Literal[] {
  if (!encodedWords.some((word) => words.has(word))) return [];
  const keys = [...text.matchAll(KEY)].flatMap(({ 0: value, index }): readonly Literal[] =>
    HEADER.test(decode(value.slice(0, 400)))
      ? [{ kind: 'private-key', name: 'private key in base64', value, index }]
      : [],
  );
  const logins = [...text.matchAll(LOGINS)].flatMap(({ 0: value, index }): readonly Literal[] =>
    hasLogin(decode(value)) ? [{ kind: 'token', name: 'login of a registry in base64', value, index }] : [],
  );
  return [...keys, ...logins];
}

function hasLogin(text: string): boolean {
  const auths = [...text.matchAll(/"auth"\s{0,8}:\s{0,8}"([A-Za-z0-9+/]{4,4096}={0,2})"/g)];
  return auths.some(([, value = '']) => isLogin(value));
}

function decode(value: string): string {
  return Buffer.from(value, 'base64').toString('latin1');
}
