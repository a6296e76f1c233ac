import { posix } from 'node:path';
import { entropyOf } from './entropy.ts';
import { isPlaceholder } from './placeholder.ts';
import type { Literal } from './secret.ts';

/** Names that say that the value is a credential; as the end of a name, so that `token_url` is none. */
const NAME =
  '[\\w.-]{0,60}?(?:pass(?:word|wd|phrase)|secret|token|api[_.-]?key|access[_.-]?key|private[_.-]?key|secret[_.-]?key|signing[_.-]?key|encryption[_.-]?key|auth[_.-]?key|client[_.-]?secret|credentials?)(?:[_.-]?(?:value|base|base64|b64))?';

/** `name = "value"`, `"name": 'value'`, `name := \`value\``, `name: str = "value"`, `setenv("NAME", "value")`. */
const QUOTED = new RegExp(
  `(?<![\\w.-])(?<name>${NAME})["'\`]?\\]?\\s*(?::\\s*[\\w<>\\[\\] |]{1,40}=|:=|=>|=|:|,)\\s*(?:[a-z]{0,2})(?<quote>["'\`])(?<value>(?:(?!\\k<quote>)[^\\n\\r]){8,512})\\k<quote>`,
  'gi',
);
/** `NAME=value`, `name: value`, `ENV NAME value`, in files where texts need no quotes. */
const PLAIN = new RegExp(
  `(?:^|[\\s;])(?:export\\s+|-\\s+)?(?<name>${NAME})(?:\\s*[:=]\\s*|\\s+)(?<value>[^\\s"'\`#;,{}\\[\\]()<>|&]{8,512})(?=\\s|;|#|$)`,
  'gim',
);
const PLAIN_FILES =
  /(?:^|\/)(?:\.env(?:\..*)?|(?:Docker|Container)file.*|\.npmrc|\.pypirc|\.netrc)$|\.(?:env|dockerfile|ya?ml|toml|ini|cfg|conf|properties|sh|bash|tfvars|mdx?|rst)$/is;

/** Files made by programs: digests in them look like secrets. */
const MADE =
  /(?:^|\/)(?:package-lock\.json|npm-shrinkwrap\.json|pnpm-lock\.yaml|yarn\.lock|[^/]*\.lock|go\.(?:sum|mod)|[^/]*\.min\.[cm]?js|[^/]*\.(?:map|svg|pb\.go|lock\.json))$/i;

/** A word that each of the names has in it; few files have one. */
const WORD = /pass|secret|token|key|credential/i;

/** Literals that are assigned to the name of a credential and look random. */
export function findAssignments(path: string, text: string): readonly Literal[] {
  if (MADE.test(path) || !WORD.test(text)) return [];
  const patterns = PLAIN_FILES.test(path) ? [QUOTED, PLAIN] : [QUOTED];
  return patterns.flatMap((pattern) =>
    [...text.matchAll(pattern)].flatMap((match): readonly Literal[] => {
      const { name = '', value = '' } = match.groups ?? {};
      if (!looksRandom(name, value)) return [];
      return [{ kind: 'assignment', name, value, index: match.index + match[0].lastIndexOf(value) }];
    }),
  );
}

/** Whether a value looks like a secret that a person or a program made up. */
export function looksRandom(name: string, value: string): boolean {
  if (isPlaceholder(value) || isCode(value) || isSealed(value)) return false;
  const decoded = Buffer.from(value, 'base64').toString('utf8');
  if (isPlaceholder(decoded) || /^[a-z]+(?:[-_ ][a-z]+)*$/.test(decoded)) return false;
  const classes = [/[a-z]/, /[A-Z]/, /[0-9]/, /[^A-Za-z0-9]/].filter((one) => one.test(value)).length;
  if (/pass(?:word|wd|phrase)/i.test(name))
    return classes >= 2 && /[0-9]/.test(value) && entropyOf(value) >= 2.5;
  return value.length >= 16 && /[0-9]/.test(value) && /[A-Za-z]/.test(value) && entropyOf(value) >= 3.3;
}

/** Names, paths, addresses, sentences, digests and calls: `user.password`, `/run/secrets/db`, `auth-token-v1`. */
function isCode(value: string): boolean {
  if (/\s/.test(value.trim()) || /^(?:sha\d+[:-]|https?:\/\/|\.{0,2}\/|~\/|[a-z]:\\)/i.test(value))
    return true;
  if (/[()]/.test(value) || (posix.extname(value).length > 1 && /^[\w./-]+\.[a-z]{1,5}$/.test(value)))
    return true;
  // Words with one separator, few digits: names of keys, headers, metrics.
  const words = value.split(/[-_./:]/);
  return words.length > 1 && words.every((word) => /^(?:[A-Za-z]+|[A-Za-z]*\d{1,3}|v?\d{1,4})$/.test(word));
}

/** Encrypted for a controller of Sealed Secrets: the length of an RSA key, the key, the data. */
function isSealed(value: string): boolean {
  return /^Ag[A-Za-z0-9+/]{80,}={0,2}$/.test(value);
}
