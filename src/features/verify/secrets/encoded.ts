import { isLogin } from './own-formats.ts';
import { isPlaceholder } from './placeholder.ts';
import type { Literal } from './secret.ts';

/** `-----BEGIN ` and `{"auths"` in base64, also with white space before the name. */
const KEY = /LS0tLS1CRUdJTi[A-Za-z0-9+/]{20,}/g;
const LOGINS = /(?:eyJhdXRocyI6|ewogICJhdXRocyI|ewogICAgImF1dGhzIj|ewoJImF1dGhzIj)[A-Za-z0-9+/]{20,}={0,2}/g;
/**
 * Tokens by what they begin with, in base64: `ghp_`, `gho_`, `ghu_`, `ghs_`, `github_pat_`, `glpat-`, `gldt-`, `glrt-`,
 * `xoxb-`, `xoxp-`, `npm_`, `hvs.`, `dop_v1_`, `sk-ant-`, `sk-proj-`, `https://hooks.slack.com/services/`.
 */
const TOKENS =
  /(?<![A-Za-z0-9+/])(?:Z2hwX|Z2hvX|Z2h1X|Z2hzX|Z2l0aHViX3BhdF|Z2xwYXQt|Z2xkdC|Z2xydC|eG94Yi|eG94cC|bnBtX|aHZzL|ZG9wX3YxX|c2stYW50L|c2stcHJval|aHR0cHM6Ly9ob29rcy5zbGFjay5jb20vc2VydmljZXMv)[A-Za-z0-9+/]{20,2048}={0,2}/g;

/** A header, then the first characters of a key; a wrapped text has no more of it in its first line. */
const HEADER = /^-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----\s+[\w+/=:, ]{8}/;

/** Words of which every match has one, in lower case. */
export const encodedWords: readonly string[] = [
  'ls0tls1crudjti',
  'jhdxrocyi',
  'imf1dghzij',
  'z2h',
  'z2l0ahvix3bhdf',
  'z2xwyxqt',
  'z2xkdc',
  'z2xydc',
  'eg94',
  'bnbtx',
  'ahzzl',
  'zg9wx3yxx',
  'c2styw50l',
  'c2stchjval',
  'ahr0chm6ly9ob29rcy5zbgfjay5jb20',
];

/** Private keys, logins of registries and tokens that base64 hides from who reads a file, as in a kubeconfig. */
export function findEncoded(text: string, words: ReadonlySet<string>): readonly Literal[] {
  if (!encodedWords.some((word) => words.has(word))) return [];
  const keys = found(text, KEY, 'private-key', 'private key in base64', (value) =>
    HEADER.test(decode(value.slice(0, 400))),
  );
  const logins = found(text, LOGINS, 'token', 'login of a registry in base64', (value) =>
    hasLogin(decode(value)),
  );
  const tokens = found(text, TOKENS, 'token', 'token in base64', (value) => isToken(decode(value)));
  return [...keys, ...logins, ...tokens];
}

function found(
  text: string,
  pattern: RegExp,
  kind: Literal['kind'],
  name: string,
  accepts: (value: string) => boolean,
): readonly Literal[] {
  return [...text.matchAll(pattern)].flatMap(({ 0: value, index }) =>
    accepts(value) ? [{ kind, name, value, index }] : [],
  );
}

function hasLogin(text: string): boolean {
  const auths = [...text.matchAll(/"auth"\s{0,8}:\s{0,8}"([A-Za-z0-9+/]{4,4096}={0,2})"/g)];
  return auths.some(([, value = '']) => isLogin(value));
}

function isToken(text: string): boolean {
  return /^[\w.:/-]{16,}\n?$/.test(text) && /\d/.test(text) && !isPlaceholder(text);
}

function decode(value: string): string {
  return Buffer.from(value, 'base64').toString('latin1');
}
