import { hash } from 'node:crypto';

/** Words that people write where a secret belongs. */
const WORDS =
  /^(?:change[-_ ]?(?:me|it)|(?:my|your|the|some|a|an|test|dummy|fake|example|sample|default|admin|root|user|db)?[-_ ]?(?:(?:access|secret|auth)[-_ ]?)?(?:pass(?:word|wd|phrase)?|pw|secret|token|api[-_ ]?key|key|credentials?|value)(?:[-_ ]?(?:here|goes[-_ ]here|value|\d{1,4}))?|none|null|nil|undefined|true|false|yes|no|todo|tbd|redacted|hidden|masked|removed|placeholder|example|sample|dummy|fake|test(?:ing|er|user)?|admin|root|guest|user(?:name)?|postgres|mysql|mariadb|mongo|redis|rabbitmq|minio(?:admin)?|keycloak|grafana|sa|localhost|letmein|hunter2|super[-_ ]?secret(?:[-_ ]?(?:password|key|token|value))?|p[a@]ssw[o0]rd\d{0,4}|foo(?:bar)?|bar|baz|qux)$/i;

/** Placeholders that a program fills in: `${NAME}`, `$(command)`, `{{ name }}`, `<name>`, `%(name)s`, `%NAME%`, `@name@`, `$NAME`, `{name}`. */
const REFERENCE =
  /^\$[A-Za-z_][\w:.-]*$|\{\w+\}|\$\{|\$\(|\{\{|^<.*>$|^\[.*\]$|^\{[\w.]*\}$|%\(\w*\)s|^%\w+%$|^%[sdvq]$|^@\w+@$|^(?:env|file|vault|secret|ref|op|arn|projects|kms|sops|urn)[:/]|^ENC\[[A-Z0-9_]+,/i;

/** A hash of a password, maybe after its user: bcrypt, Argon2, crypt(3), LDAP. */
const HASH = /^(?:[\w.@-]{1,64}:)?(?:\$(?:2[abxy]?|argon2\w*|scrypt|apr1|[156])\$|\{S?SHA\d*\})/;

/** Whether a value is a hash of a password. */
export function isHash(value: string): boolean {
  return HASH.test(value);
}

/** Whether a value only holds the place of a secret: a reference, a mask, a word, a run of one character. */
export function isPlaceholder(value: string): boolean {
  const text = value.trim();
  if (text === '' || WORDS.test(text) || REFERENCE.test(text) || HASH.test(text)) return true;
  if (/^(.)\1*$/.test(text) || /^[*.•x_-]+$/i.test(text) || /(?:x{4}|\*{3}|\.{3}|…)/i.test(text)) return true;
  // A sentence, and the name of what belongs there: `ACCESS_SECRET_KEY`.
  if (/^(?:\S+ ){3,}\S+$/.test(text) || /^[A-Z]+(?:_[A-Z]+)+$/.test(text)) return true;
  if (
    /(?:example|1234567|placeholder|your[-_ ]|change[-_]?me|replace[-_ ](?:me|with|this)|lorem ipsum|if[-_]you[-_]see|dummy|redacted|goes[-_]here|[-_]here$|^my[-_]|not[-_]?a[-_]?(?:real|secret))/i.test(
      text,
    )
  )
    return true;
  return isSequence(text) || isRepetition(text);
}

/**
 * Something that a person makes up and remembers, mostly words: `admin123`, `Localtestpass1!`, also with signs in the place
 * of letters: `Passw0rd`. In a page, a comment or the code of tests it is an example.
 */
export function isMemorable(value: string): boolean {
  if (/^[A-Za-z]+[-_]?\d{1,6}[!#]?$/.test(value)) return true;
  const plain = value.replace(/(?<=[A-Za-z])[0@3$](?=[A-Za-z])/g, (sign) => LETTERS[sign] ?? sign);
  const words = (plain.match(/[A-Z]?[a-z]{3,}|[A-Z]{4,}/g) ?? []).filter((word) => /[aeiouy]/i.test(word));
  return value.length <= 32 && words.join('').length >= value.length * 0.6;
}

const LETTERS: Readonly<Record<string, string>> = { 0: 'o', '@': 'a', 3: 'e', $: 's' };

/**
 * Values that vendors publish for everybody, as the first 16 digits of their SHA-256: the accounts of the emulators of Azure
 * Storage and Cosmos DB, the example of jwt.io, Stripe's two keys for tests, the play server of MinIO, the keys for tests of
 * reCAPTCHA, the first account of Hardhat, kubeadm's bootstrap token, GitHub's sample, the defaults of Grafana, Flask's
 * documentation, Harbor and APISIX, and the tokens and logins in RFC 6749, 6750 and 7662.
 */
const PUBLIC: ReadonlySet<string> = new Set([
  '0011cc25eb432071',
  'aa6547439583c3a2',
  '051d093c4bdedbf2',
  '2cafc0970149a84f',
  'f2d6ca16515033e5',
  '1bbb9293c38acc5e',
  'df452eef23e8cf2c',
  '03b970ed8171d73b',
  'f5e95c9954635b65',
  'bc1a50966c9e6486',
  'a4b8b245ab28bc4f',
  '7e498f91828a193c',
  'f3c3964ca854e172',
  'ca32f86ce10b8435',
  '6c96130f130ab0d6',
  '00cf4c781dc37003',
  '53f5da0aaa93d64c',
  'e9974c507d2a8021',
  'b8e148545b13c78b',
  'ca7459e2b26776de',
  '584b27d64ebc1b33',
  'c97b628dec750655',
  'a35b81a7d7927b70',
  '477a2767fa27931d',
  '1bc46a56f703f5b4',
]);

/** Whether a value, or the last part of it, is one that its vendor publishes for everybody, or calls public. */
export function isPublic(value: string): boolean {
  // The last: the key of AWS's documentation, whatever follows in the place of EXAMPLE.
  if (/^(?:phc_|pk-lf-|pk_(?:live|test)_|AKIAIOSFODNN7)/.test(value)) return true;
  const parts = [
    value,
    value.slice(value.indexOf('_') + 1),
    value.slice(value.lastIndexOf('.') + 1),
    value.slice(value.indexOf('=') + 1),
  ];
  return parts.some((part) => part.length < 200 && PUBLIC.has(hash('sha256', part).slice(0, 16)));
}

/** One short text again and again, as in `apasswapasswapassw`, maybe after a prefix. */
export function isRepetition(value: string): boolean {
  const text = value.slice(0, 512);
  for (let period = 1; period <= 8 && period * 3 <= text.length; period += 1) {
    let same = 0;
    for (let i = period; i < text.length; i += 1) if (text[i] === text[i - period]) same += 1;
    if (same >= (text.length - period) * 0.7) return true;
  }
  return false;
}

/** `12345678`, `abcdefgh`, `0123456789abcdef`. */
function isSequence(text: string): boolean {
  const lower = text.slice(0, 512).toLowerCase();
  let steps = 0;
  for (let i = 1; i < lower.length; i += 1) {
    const step = lower.charCodeAt(i) - lower.charCodeAt(i - 1);
    if (step === 0 || step === 1) steps += 1;
  }
  return steps >= (lower.length - 1) * 0.8;
}
