import { isTest } from '../../../languages/all.ts';
import { addressOf } from './address.ts';
import {
  assignmentWords,
  findAssignments,
  isIdentifier,
  isMade,
  isPlainFile,
  isSearchKey,
  looksRandom,
} from './assignments.ts';
import { encodedWords } from './encoded.ts';
import { resolveEscapes } from './escapes.ts';
import { findExported } from './exports.ts';
import { findFormats, isSecret } from './formats.ts';
import { findByGitleaks, gitleaksWords } from './gitleaks.ts';
import { findJsonnetSecrets, findManifestSecrets } from './manifests.ts';
import { ownFormats } from './own-formats.ts';
import { isMemorable } from './placeholder.ts';
import type { Literal } from './secret.ts';
import { secretlintWords } from './secretlint.ts';
import { searchFor } from './words.ts';

/** Pages show values that a reader is to replace. */
const PAGES = /\.(?:md[xc]?|rst|adoc|txt)$/i;
/** Folders of samples, snapshots that tests compare with, and stories of components: secrets in them are made up, as in tests. */
const SAMPLES =
  /(?:^|\/)(?:fixtures|mocks?|__mocks__|examples?|samples?|\.snapshots|__snapshots__)\/|\.stories\.[cm]?[jt]sx?$|\.snap$/i;
/** Words in the names of folders whose data is for tests: not of code, for which the convention of its language counts. */
const TEST_WORDS = new Set(['test', 'tests', 'testing', 'testdata', 'e2e']);
const CODE = /\.(?:go|py|[cm]?[jt]sx?|java|kt|cs|rb|php|rs|swift|scala|c|cc|cpp|h)$/i;

/** Formats of what expires, which tests have many of. */
const EXPIRE = new Set(['JSON Web Token', 'Azure shared access signature', 'jwt', 'jwt-base64']);
/** Hosts that only a cluster or a private network knows. */
const INTERNAL =
  /(?:\.svc|\.local|\.internal|\.lan|\.cluster)(?::\d+)?$|^(?:10|192\.168|172\.(?:1[6-9]|2\d|3[01]))\.[\d.]+/i;

/** One pass over a text says which of the formats, of Secretlint's and of gitleaks' rules have to search it. */
const wordsIn = searchFor([
  ...secretlintWords,
  ...gitleaksWords,
  ...encodedWords,
  ...assignmentWords,
  ...ownFormats.flatMap(({ words = [] }) => words),
]);

/** All secrets in the content of a file; of a binary one, those of known formats. */
export async function findSecrets(
  path: string,
  content: string,
  hasNul: boolean,
): Promise<readonly Literal[]> {
  const isBinary = hasNul && !isPlainFile(path);
  const found = await findIn(path, content, isBinary);
  return isBinary ? found : [...found, ...(await findEscaped(path, content))];
}

async function findIn(path: string, content: string, isBinary: boolean): Promise<readonly Literal[]> {
  const text = unescaped(path, content);
  const words = wordsIn(text);
  const isSample = isTest(path) || SAMPLES.test(path) || (!CODE.test(path) && isTestData(path));
  const assignable = !isBinary && !isSample;
  const mayExpire = isSample || isTestData(path);
  const known = await findFormats(text, words);
  const formats = known.filter((literal) => {
    const { kind, name, value } = literal;
    if (!isSecret(literal)) return false;
    if (kind === 'assignment') return assignable;
    if (kind === 'url')
      return !isBinary && (!isSample || isRemote(value)) && !(CODE.test(path) && isExplained(text, literal));
    return !mayExpire || !EXPIRE.has(name);
  });
  // A page, a comment on code and code that helps tests show what somebody has made up.
  const isExample = (index: number) =>
    PAGES.test(path) || (CODE.test(path) && (isTestData(path) || isComment(text, index)));
  const assignments = assignable
    ? [...findAssignments(path, text, words, isExample), ...findExported(path, content)]
    : [];
  const manifests = manifestsIn(path, content).filter(
    ({ value }) => !isSample || (looksRandom('token', value) && !isMemorable(value)),
  );
  const others = findByGitleaks(path, text, words).filter(({ kind, name, value, index }) => {
    if (kind === 'assignment')
      return (
        assignable &&
        !isMade(path) &&
        looksRandom(name, value) &&
        !(isExample(index) && isMemorable(value)) &&
        !isSearchKey(text, index, value)
      );
    return !(mayExpire && EXPIRE.has(name)) && !isBinary && !isIdentifier(value);
  });
  // A text judged as an address is not judged again by a name in it; findings of our own formats stay.
  const isJudged = overlapWith([
    ...known.filter(({ kind }) => kind === 'url'),
    ...formats,
    ...assignments,
    ...manifests,
  ]);
  return [
    ...formats,
    ...assignments,
    ...manifests,
    ...others.filter((other) => isSecret(other) && !isJudged(other)),
  ];
}

function manifestsIn(path: string, content: string): readonly Literal[] {
  if (/\.(?:jsonnet|libsonnet)$/.test(path)) return findJsonnetSecrets(content);
  return /\.(?:ya?ml|json|tpl)(?:\.[a-z]\w{0,9})?$/.test(path) ? findManifestSecrets(content) : [];
}

/** Tokens that a text writes with escapes, each at the place of its first character. */
async function findEscaped(path: string, content: string): Promise<readonly Literal[]> {
  const resolved = resolveEscapes(content);
  if (resolved === undefined) return [];
  const { text, indexOf, hasEscape } = resolved;
  return (await findIn(path, text, false))
    .filter(
      ({ kind, value, index }) =>
        (kind === 'token' || kind === 'private-key' || kind === 'url') && hasEscape(index, value.length),
    )
    .map((literal) => ({ ...literal, index: indexOf(literal.index) }));
}

function isTestData(path: string): boolean {
  const names = path.toLowerCase().split('/');
  return names.some((name) => name.split(/[-_.]/).some((word) => TEST_WORDS.has(word)));
}

/** A comment on code explains addresses by made-up ones; a password that looks random is none of them. */
function isExplained(text: string, { index, value }: Literal): boolean {
  return isComment(text, index) && !looksRandom('password', decoded(addressOf(value).password));
}

/** Whether the line of a place begins as a comment. */
function isComment(text: string, index: number): boolean {
  return /^\s*(?:\/\/|\/?\*|#)/.test(text.slice(text.lastIndexOf('\n', index) + 1, index));
}

/** In a test, most addresses are made up: the password has to look random, and the host to be one of the Internet. */
function isRemote(address: string): boolean {
  const { password, host } = addressOf(address);
  const isInternet = (one: string) => one.includes('.') && !INTERNAL.test(one);
  return host.split(',').some(isInternet) && looksRandom('password', decoded(password));
}

/** A password in an address is percent-encoded (RFC 3986, section 2.1). */
function decoded(password: string): string {
  try {
    return decodeURIComponent(password);
  } catch {
    return password;
  }
}

/** Whether a literal shares characters with one of these; a file can have any number of both. */
function overlapWith(literals: readonly Literal[]): (literal: Literal) => boolean {
  const starts: number[] = [];
  const ends: number[] = [];
  for (const { index, value } of [...literals].sort((a, b) => a.index - b.index)) {
    const end = index + value.length;
    if (starts.length > 0 && index < (ends.at(-1) ?? 0)) ends.splice(-1, 1, Math.max(ends.at(-1) ?? 0, end));
    else {
      starts.push(index);
      ends.push(end);
    }
  }
  return ({ index, value }) => {
    // The first that ends behind where the literal begins.
    let [low, high] = [0, ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((ends[middle] ?? 0) > index) high = middle;
      else low = middle + 1;
    }
    return low < starts.length && (starts[low] ?? 0) < index + value.length;
  };
}

/** JSON and notebooks with the escapes in their strings resolved, each character at its old index. */
function unescaped(path: string, text: string): string {
  if (!/\.(?:json|ipynb)$/.test(path)) return text;
  return text.replace(/\\(["n\\])/g, (_, character) => (character === 'n' ? ' \n' : ` ${character}`));
}
