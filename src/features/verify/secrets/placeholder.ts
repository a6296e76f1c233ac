/** Words that people write where a secret belongs. */
const WORDS =
  /^(?:change[-_ ]?(?:me|it)|(?:my|your|the|some|a|an|test|dummy|fake|example|sample|default)?[-_ ]?(?:pass(?:word|wd|phrase)?|pw|secret|token|api[-_ ]?key|key|credentials?|value)(?:[-_ ]?(?:here|goes[-_ ]here|value|\d{1,4}))?|none|null|nil|undefined|true|false|yes|no|todo|tbd|redacted|hidden|masked|removed|placeholder|example|sample|dummy|fake|test(?:ing|er|user)?|admin|root|guest|user(?:name)?|postgres|mysql|mariadb|mongo|redis|rabbitmq|minio(?:admin)?|keycloak|grafana|sa|localhost|letmein|hunter2|super[-_ ]?secret|p[a@]ssw[o0]rd\d{0,4}|foo(?:bar)?|bar|baz|qux)$/i;

/** What a program fills in: `${NAME}`, `$(command)`, `{{ name }}`, `<name>`, `%(name)s`, `%NAME%`, `@name@`, `$NAME`, `{name}`. */
const REFERENCE =
  /^\$[A-Za-z_][\w:.-]*$|\{\w+\}|\$\{|\$\(|\{\{|^<.*>$|^\[.*\]$|^\{[\w.]*\}$|%\(\w*\)s|^%\w+%$|^%[sdvq]$|^@\w+@$|^(?:env|file|vault|secret|ref|op|arn|projects|kms|sops)[:/]/i;

/** A hash of a password: bcrypt, Argon2, crypt(3). */
const HASH = /^\$(?:2[abxy]?|argon2\w*|scrypt|apr1|[156])\$/;

/** Whether a value only holds the place of a secret: a reference, a mask, a word, a run of one character. */
export function isPlaceholder(value: string): boolean {
  const text = value.trim();
  if (text === '' || WORDS.test(text) || REFERENCE.test(text) || HASH.test(text)) return true;
  if (/^(.)\1*$/.test(text) || /^[*.•x_-]+$/i.test(text) || /(?:x{4}|\*{3}|\.{3}|…)/i.test(text)) return true;
  if (
    /(?:example|placeholder|your[-_ ]|change[-_]?me|dummy|redacted|goes[-_]here|[-_]here$|^my[-_]|not[-_]?a[-_]?(?:real|secret))/i.test(
      text,
    )
  )
    return true;
  return isSequence(text);
}

/** `12345678`, `abcdefgh`, `0123456789abcdef`. */
function isSequence(text: string): boolean {
  const steps = [...text.toLowerCase()]
    .slice(1)
    .map((character, i) => character.charCodeAt(0) - text.toLowerCase().charCodeAt(i));
  return steps.filter((step) => step === 1 || step === 0).length >= steps.length * 0.8;
}
