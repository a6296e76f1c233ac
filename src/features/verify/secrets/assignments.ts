import { posix } from 'node:path';
import { entropyOf } from './entropy.ts';
import { isHash, isMemorable, isPlaceholder, isPublic } from './placeholder.ts';
import type { Literal } from './secret.ts';

/** Names that say that the value is a credential; as the end of a name, so that `token_url` is none. */
const NAME =
  '[\\w.-]{0,60}?(?:pass(?:word|wd|phrase)|passwort|(?<![a-z])(?:pass|pwd)|secret|token|api[_.-]?key|access[_.-]?key|private[_.-]?key|secret[_.-]?key|signing[_.-]?key|encryption[_.-]?key|auth[_.-]?key|client[_.-]?secret|credentials?)(?:[_.-]?(?:value|base|base64|b64))?(?:[_.-]?v?\\d{1,2})?';

/**
 * `name = "value"`, `"name": 'value'`, `name := \`value\``, `name: str = "value"`, `setenv("NAME", "value")`. The value may
 * begin below its name, as formatters write it.
 */
const QUOTED = new RegExp(
  `(?<![\\w.-])(?<name>${NAME})["'\`]?\\]?[ \\t]{0,20}(?:(?::[ \\t]{0,4}[\\w<>\\[\\] |]{1,40}=|:=|=>|=|:)[ \\t]{0,20}(?:\\(?\\r?\\n[ \\t]{0,40})?|,[ \\t]{0,20})(?:[a-z]{0,2})(?<quote>["'\`])(?<value>(?:(?!\\k<quote>)[^\\n\\r]){8,512})\\k<quote>`,
  'gi',
);
/** `NAME=value`, `name: value`, in files where texts need no quotes; never over the end of a line. */
const PLAIN = new RegExp(
  `(?:^|[\\s;])(?:export[ \\t]{1,4}|-[ \\t]{1,4})?(?<name>${NAME})[ \\t]{0,20}[:=][ \\t]{0,20}(?:(?:&[\\w-]{1,40}|!!?\\w{1,20})[ \\t]{1,4}){0,2}(?<value>[^\\s"'\`#;,{}\\[\\]()<>|&]{8,512})(?=\\s|;|#|$)`,
  'gim',
);
/** `name: |-` and the value in the next line, also without a sign. */
const BLOCK = new RegExp(
  `^[ \\t]{0,40}(?:-[ \\t]{1,4})?["']?(?<name>${NAME})["']?:[ \\t]{0,4}(?:[|>][+-]?[ \\t]{0,4})?\\r?\\n[ \\t]{1,60}(?<value>[^\\s"'\`#;,{}\\[\\]()<>|&]{7,511}[^\\s"'\`#;,{}\\[\\]()<>|&:])[ \\t]{0,4}$`,
  'gim',
);
/** `ENV NAME value`, `--name value`. */
const SPACED = new RegExp(
  `(?:^[ \\t]{0,8}ENV[ \\t]{1,4}|[\\s"']--)(?<name>${NAME})(?:[ \\t]{1,4}|=)["']?(?<value>[^\\s"'\`#;,{}\\[\\]()<>|&$]{8,512})(?=["'\\s;#]|$)`,
  'gim',
);
const NETRC = /(?<![^\s])(?<name>password)\s{1,8}(?<value>\S{8,512})/g;
/** `user:password` of a web server, and `user:hash:…` of a system, which a program can guess from. */
const LOGINS = /^(?<name>[\w.@-]{1,64}):(?<value>[^\s:*!]{4,256})(?::[^\n]{0,200})?$/gm;
/** `host:port:database:user:password` of libpq. */
const PGPASS = /^[^:#\n]{1,200}:(?:\d{1,5}|\*):[^:\n]{1,100}:[^:\n]{1,100}:(?<value>\S{8,512})$/gm;
/** `<name>value</name>` and `key="name" value="value"`. */
const XML = new RegExp(`<(?<name>${NAME})>[ \\t]{0,8}(?<value>[^\\s<>"'\`&$]{8,512})[ \\t]{0,8}</`, 'gi');
const XML_PAIR = new RegExp(
  `\\b(?:key|name)="(?<name>${NAME})"[ \\t]{1,8}value="(?<value>[^\\s<>"&$]{8,512})"`,
  'gi',
);
/** A pair of name and value, as in the environment of a container, in one line or two. */
const PAIR = new RegExp(
  `(?:^|[\\s{,])["']?(?:name|key)["']?[ \\t]{0,20}[:=][ \\t]{0,20}["']?(?<name>${NAME})["']?(?:,[ \\t]{0,20}|,?[ \\t]{0,4}\\r?\\n[ \\t]{0,60})["']?value["']?[ \\t]{0,20}[:=][ \\t]{0,20}(?<quote>["']?)(?<value>[^\\s"'\`#;,{}\\[\\]()<>|&]{8,512})\\k<quote>(?=[\\s,;#}]|$)`,
  'gim',
);

const PLAIN_FILES =
  /(?:^|\/)(?:\.env(?:\..*)?|(?:Docker|Container)file.*|\.npmrc|\.pypirc|\.netrc)$|\.(?:env|dockerfile|ya?ml|toml|ini|cfg|conf|properties|sh|bash|tfvars|mdx?|rst)$/is;
const SPACED_FILES = /(?:^|\/)(?:Docker|Container)file.*$|\.(?:dockerfile|ya?ml|sh|bash|mdx?|rst)$/is;
const XML_FILES = /\.(?:xml|config|[a-z]{1,8}proj|props|targets|plist)$/i;
const NAMELESS = /(?:^|\/)(?:\.pgpass|pgpass\.conf)$/;
const LOGIN_FILES = /(?:^|[/.])htpasswd$|(?:^|\/)shadow$/;
const PAIR_FILES = /\.(?:ya?ml|json|jsonc|tf|hcl|tpl|jsonnet|libsonnet)$/i;

/** Files made by programs: digests in them look like secrets. */
const MADE =
  /(?:^|\/)(?:package-lock\.json|npm-shrinkwrap\.json|pnpm-lock\.yaml|yarn\.lock|[^/]*\.lock|go\.(?:sum|mod)|[^/]*\.min\.[cm]?js|[^/]*\.(?:map|svg|pb\.go|lock\.json))$/i;

/** Words that each of the names has in it, in lower case; few files have one. */
export const assignmentWords: readonly string[] = ['pass', 'secret', 'token', 'key', 'credential', 'pwd'];

/**
 * Literals that are assigned to the name of a credential and look random, in a text that has these words. Where a text only
 * explains, what people remember does not count.
 */
export function findAssignments(
  path: string,
  text: string,
  words: ReadonlySet<string>,
  isExample: (index: number) => boolean = () => false,
): readonly Literal[] {
  if (LOGIN_FILES.test(path))
    return [...text.matchAll(LOGINS)].flatMap(({ groups: { name = '', value = '' } = {}, index }) =>
      isHash(value) || !isPlaceholder(value)
        ? [{ kind: 'assignment' as const, name: posix.basename(path), value, index: index + name.length + 1 }]
        : [],
    );
  // In a file of passwords alone, no name stands beside them.
  const isNameless = NAMELESS.test(path);
  if (MADE.test(path) || !(isNameless || assignmentWords.some((word) => words.has(word)))) return [];
  const patterns = isNameless ? [PGPASS] : [QUOTED];
  if (PLAIN_FILES.test(path)) patterns.push(PLAIN);
  if (/\.ya?ml$/i.test(path)) patterns.push(BLOCK);
  if (SPACED_FILES.test(path)) patterns.push(SPACED);
  if (/(?:^|\/)[._]netrc$/.test(path)) patterns.push(NETRC);
  if (XML_FILES.test(path)) patterns.push(XML, XML_PAIR);
  if (PAIR_FILES.test(path)) patterns.push(PAIR);
  return patterns.flatMap((pattern) =>
    [...text.matchAll(pattern)].flatMap((match): readonly Literal[] => {
      const { name = 'password', value = '' } = match.groups ?? {};
      if (!looksRandom(name, value) || isSearchKey(text, match.index, value)) return [];
      const index = match.index + match[0].lastIndexOf(value);
      if (isExample(index) && isMemorable(value)) return [];
      return [{ kind: 'assignment', name, value, index }];
    }),
  );
}

/** A key for searches alone, which the configuration of Algolia's search for pages shows to everybody. */
export function isSearchKey(text: string, index: number, value: string): boolean {
  const around = text.slice(Math.max(0, index - 400), index + 400);
  const name = text.slice(Math.max(0, index - 40), index + 40);
  return (
    /^[0-9a-f]{32}$/.test(value) && /algolia|docsearch|indexName/i.test(around) && !/admin|write/i.test(name)
  );
}

/** Whether a file is text by its name: programs read it as such, whatever bytes are in it. */
export function isPlainFile(path: string): boolean {
  return PLAIN_FILES.test(path);
}

/** Whether a file is made by a program, such as a lock file. */
export function isMade(path: string): boolean {
  return MADE.test(path);
}

/** Whether a value looks like a secret that a person or a program made up. */
export function looksRandom(name: string, value: string): boolean {
  if (isPlaceholder(value) || isPublic(value) || isCode(value) || isSealed(value)) return false;
  if (isObject(value) || isIdentifier(value)) return false;
  const decoded = Buffer.from(value, 'base64').toString('utf8');
  if (
    isPlaceholder(decoded) ||
    isPlaceholder(decoded.slice(decoded.indexOf(':') + 1)) ||
    /^[A-Za-z]+(?:[-_ ,.]{1,2}[A-Za-z]+)*[.!]?$/.test(decoded)
  )
    return false;
  const classes = [/[a-z]/, /[A-Z]/, /[0-9]/, /[^A-Za-z0-9]/].filter((one) => one.test(value)).length;
  if (/pass(?:word|wd|phrase|wort)|(?<![a-z])(?:pass|pwd)(?![a-z])/i.test(name))
    return classes >= 2 && /[0-9]/.test(value) && entropyOf(value) >= 2.5;
  return value.length >= 16 && /[0-9]/.test(value) && /[A-Za-z]/.test(value) && entropyOf(value) >= 3.3;
}

/** Names, paths, addresses, sentences, digests and calls: `user.password`, `/run/secrets/db`, `auth-token-v1`. */
function isCode(value: string): boolean {
  // Texts of people, JSON, and names of variables.
  if (
    /[\u0370-\uffff]{3}/.test(value) ||
    /^[{[<]/.test(value) ||
    /^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$/.test(value)
  )
    return true;
  if (/\s/.test(value.trim()) || /^(?:sha\d+[:-]|https?:\/\/|\.{0,2}\/|~\/|[a-z]:\\)/i.test(value))
    return true;
  if (/[()]/.test(value) || (posix.extname(value).length > 1 && /^[\w./-]+\.[a-z]{1,5}$/.test(value)))
    return true;
  // Words with one separator, few digits: names of keys, headers, metrics.
  const words = value.split(/[-_./:]/);
  return words.length > 1 && words.every((word) => /^(?:[A-Za-z]+|[A-Za-z]*\d{1,3}|v?\d{1,4})$/.test(word));
}

/**
 * The name of an object, as Kubernetes and registries write it: `ibm-s390x-ssh-key`. In lower case, with separators; as many
 * words as not, and none that is long and mixes letters with digits.
 */
function isObject(value: string): boolean {
  if (!/^[a-z0-9]+(?:[-./_][a-z0-9]+)+$/.test(value)) return false;
  const parts = value.split(/[-./_]/);
  const words = parts.filter((part) => /^[a-z]{2,}$/.test(part) && /[aeiouy]|^[a-z]{2,3}$/.test(part));
  return (
    words.length * 2 >= parts.length &&
    parts.every((part) => part.length <= 8 || /^[a-z]+\d{0,3}$/.test(part))
  );
}

/** A name in code, maybe of a member: `s.AutoAllocatedIPv4Address`; most of it is words in camel case. */
export function isIdentifier(value: string): boolean {
  if (!/^[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)*$/.test(value)) return false;
  const words = (value.match(/[A-Z]?[a-z]{3,}/g) ?? []).filter(
    (word) => !/[^aeiouy]{6}|^[^aeiouy]+$/i.test(word),
  );
  return words.join('').length >= value.length * 0.75;
}

/** Encrypted for a controller of Sealed Secrets: the length of an RSA key, the key, the data. */
function isSealed(value: string): boolean {
  return /^Ag[A-Za-z0-9+/]{80,}={0,2}$/.test(value);
}
