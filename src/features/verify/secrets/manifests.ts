import { isMap, isScalar, isSeq, type Pair, parseDocument, type YAMLMap } from 'yaml';
import { assignmentWords, findAssignments, looksRandom } from './assignments.ts';
import { findByFormat } from './format.ts';
import { isSecret } from './formats.ts';
import { ownFormats } from './own-formats.ts';
import { isPlaceholder } from './placeholder.ts';
import type { Literal } from './secret.ts';

/** Text that every manifest with a Secret of Kubernetes contains, or makes one. */
const SECRET = /\bkind["']?\s*:\s*["']?Secret["']?\s*(?:[,}]|$)|\bsecretGenerator\s*:/m;
/** A line that is only there for a template engine. */
const TEMPLATE_LINE = /^[ \t]*\{\{.*\}\}[ \t]*\r?$/gm;

/** Names of values that are kept beside a secret and are none: where it counts, of what kind it is, who uses it. */
const PUBLIC =
  /^(?:type|url|name|project|namespace|server|dbname|.*\.(?:crt|cer|pub)|(?:.*[-_.])?(?:user(?:name)?(?:[-_](?:in|out))?|host(?:name)?|port|kind|database|region|bucket|endpoint|uri?l|provider|email|enabled|scopes?|issuer|audience|account[-_]?id|ca[-_]?cert(?:ificate)?|cert(?:ificate)?|public[-_]?key|ssl[-_]?mode|scheme|protocol|path|prefix))$/i;

/** Names of values that are secrets, however simple they are. */
const CREDENTIAL =
  /pass|pwd|secret|token|key|cred|auth|dsn|conn|salt|pin$|jwt|cookie|hmac|cert|\.(?:json|ya?ml|pem|p12)$/i;

const TIME = /^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d)?$/;

/** Where jsonnet makes an object of Kubernetes, and the values of one: all that is written out between braces. */
const JSONNET =
  /\bkind['"]?[ \t]{0,4}:{1,3}[ \t]{0,4}['"](?<kind>\w{1,40})['"]|['"]?\b(?<block>stringData|data)['"]?[ \t]{0,4}\+?:{1,3}\s{0,80}(?=\{)|\bsecret\.new\([^,(){}]{1,200},\s{0,80}(?=\{)/g;

/** Values that jsonnet writes out in a Secret, also in base64; calls are not evaluated. */
export function findJsonnetSecrets(text: string): readonly Literal[] {
  let kind: string | undefined;
  return [...text.matchAll(JSONNET)].flatMap(({ 0: match, index, groups }) => {
    if (groups?.kind !== undefined) kind = groups.kind;
    if (groups?.kind !== undefined || (groups?.block !== undefined && kind !== 'Secret')) return [];
    const start = index + match.length;
    const block = /^\{[^{}]{0,20000}\}/.exec(text.slice(start, start + 20_002))?.[0] ?? '';
    const plain = block.replace(/(?:\/\/|#)[^\n]*|std\.base64\(|\)/g, (code) => ' '.repeat(code.length));
    const { contents } = parseDocument(plain, { logLevel: 'silent' });
    const read = groups?.block === 'stringData' ? (value: string) => value : decode;
    return valuesIn(contents, read)
      .filter((literal) => /['"]/.test(block[literal.index] ?? ''))
      .map((literal) => ({ ...literal, index: start + literal.index }));
  });
}

/** Values in `data` and `stringData` of Secrets, also in a List; `data` is decoded before it is judged. */
export function findManifestSecrets(text: string): readonly Literal[] {
  const starts = [0, ...[...text.matchAll(/^---/gm)].map(({ index }) => index)];
  return starts.flatMap((start, i) => {
    const document = text.slice(start, starts[i + 1]);
    // Of a file with hundreds of manifests, few are worth the time of the parser.
    if (!SECRET.test(document)) return [];
    const plain = document.replace(TEMPLATE_LINE, (line) => ' '.repeat(line.length));
    const { contents } = parseDocument(plain, { logLevel: 'silent' });
    return secretsIn(contents).map((literal) => ({ ...literal, index: start + literal.index }));
  });
}

function secretsIn(node: unknown): readonly Literal[] {
  if (!isMap(node)) return [];
  const items = node.get('items');
  if (isSeq(items)) return items.items.flatMap(secretsIn);
  const made = node.get('secretGenerator');
  if (isSeq(made)) return made.items.flatMap(literalsOf);
  if (node.get('kind') !== 'Secret') return [];
  return [...valuesOf(node, 'data', decode), ...valuesOf(node, 'stringData', (value) => value)];
}

/** `literals` of a Secret that kustomize makes: `name=value`. */
function literalsOf(node: unknown): readonly Literal[] {
  const literals = isMap(node) ? node.get('literals') : undefined;
  if (!isSeq(literals)) return [];
  return literals.items.flatMap((one): readonly Literal[] => {
    const text = isScalar(one) && typeof one.value === 'string' ? one.value : '';
    const [name = '', ...rest] = text.split('=');
    return isScalar(one) && one.range ? judged(name, rest.join('='), one.range[0]) : [];
  });
}

function valuesOf(node: YAMLMap, key: string, read: (value: string) => string): readonly Literal[] {
  return valuesIn(node.get(key), read);
}

function valuesIn(data: unknown, read: (value: string) => string): readonly Literal[] {
  if (!isMap(data)) return [];
  return data.items.flatMap(({ key: name, value }: Pair): readonly Literal[] => {
    if (!isScalar(value) || typeof value.value !== 'string' || !value.range) return [];
    const text = read(value.value);
    if (isPlaceholder(value.value)) return [];
    return judged(isScalar(name) ? String(name.value) : '', text, value.range[0]);
  });
}

/** A value by its name, where it is a secret. */
function judged(known: string, text: string, index: number): readonly Literal[] {
  if (PUBLIC.test(known) || TIME.test(text) || isPlaceholder(text)) return [];
  if (isPublicBlock(text) || isWithoutSecret(text) || text.length < (/pass|pwd|pin/i.test(known) ? 6 : 8))
    return [];
  if (isPlain(text) || !(CREDENTIAL.test(known) || looksRandom('password', text) || holdsSecret(text)))
    return [];
  return [{ kind: 'manifest', name: known, value: text, index }];
}

/** Whether a value is an object of JSON in which each credential is only a placeholder. */
function isWithoutSecret(text: string): boolean {
  if (!/^\s*\{/.test(text)) return false;
  try {
    return leavesOf(JSON.parse(text), '').every(
      ([name, value]) =>
        PUBLIC.test(name) || isPlaceholder(value) || isPlain(value) || !looksRandom('password', value),
    );
  } catch {
    return false;
  }
}

/** All texts of a value, each with the name that it has. */
function leavesOf(value: unknown, name: string): readonly (readonly [name: string, value: string])[] {
  if (typeof value === 'string') return [[name, value]];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, one]) => leavesOf(one, Array.isArray(value) ? name : key));
}

/** A number, a word of a configuration, an address without a password. */
function isPlain(text: string): boolean {
  return /^(?:[\d.:,-]{1,24}|true|false|https?:\/\/[^\s@]+|[\w.-]+@[\w-]+\.[\w.-]+|[a-z]+:\/\/[^\s@]+)$/i.test(
    text.trim(),
  );
}

/** Whether a text, such as a file of settings, has a secret in it. */
function holdsSecret(text: string): boolean {
  const lower = text.toLowerCase();
  const words = new Set(
    [...assignmentWords, ...ownFormats.flatMap((format) => format.words ?? [])].filter((word) =>
      lower.includes(word),
    ),
  );
  if (findAssignments('settings.env', text, words).length > 0) return true;
  return findByFormat(ownFormats, text, words).some(isSecret);
}

/** A certificate, a public key, or the armour of a key without the key. */
function isPublicBlock(text: string): boolean {
  if (!text.trimStart().startsWith('-----BEGIN ')) return false;
  return !/PRIVATE KEY(?: BLOCK)?-----\s+[A-Za-z0-9+/=:]{8}/.test(text);
}

/** Someone may have written it as it is. */
function decode(value: string): string {
  if (!/^[A-Za-z0-9+/=\s]*$/.test(value)) return value;
  return Buffer.from(value, 'base64').toString('utf8');
}
