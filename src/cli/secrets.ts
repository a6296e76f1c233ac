/** Names of variables that hold a secret: a word of it says so. */
const SECRET_NAME =
  /(^|_)(TOKEN|SECRET|SECRETS|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL|CREDENTIALS|API_?KEY|ACCESS_KEY|PRIVATE_KEY|AUTH)(_|$)/i;
/** Names that end so hold the address or the owner of a secret: AUTH_URL, TOKEN_ISSUER, PASSWORD_FILE. */
const PLACE_NAME = /_(URL|URI|HOST|SERVER|ENDPOINT|ISSUER|REALM|FILE|PATH|DIR|SOCK|NAME|USER|USERNAME)$/i;
/** `https://user:PASSWORD@host`, also without a scheme, as proxies are written. */
const URL_PASSWORD = /^(?:[a-z][a-z0-9+.-]*:\/\/)?[^\s/:@]*:([^\s/@]+)@/i;
const SHORTEST = 8;

/**
 * The strings of an environment that are masked in free text, the longest first: values of variables whose name says
 * that they are secret, each long line of such a value (a private key), and passwords in URLs. Paths and short values
 * are no secrets.
 */
export function secretsOf(variables: Readonly<Record<string, string | undefined>>): readonly string[] {
  const values = new Set<string>();
  for (const [name, value = ''] of Object.entries(variables)) {
    for (const secret of [...secretLines(name, value), ...urlPassword(value)]) values.add(secret);
  }
  return [...values].sort((a, b) => b.length - a.length || (a < b ? -1 : 1));
}

function secretLines(name: string, value: string): readonly string[] {
  if (!SECRET_NAME.test(name) || PLACE_NAME.test(name) || /^[/~]/.test(value)) return [];
  return [value, ...value.split(/\r?\n/)].filter((part) => part.length >= SHORTEST && !/^-----/.test(part));
}

/** A short password is found only where it is one: between `:` and `@`. */
function urlPassword(value: string): readonly string[] {
  const [, password] = URL_PASSWORD.exec(value) ?? [];
  if (password === undefined) return [];
  return password.length >= SHORTEST ? [password] : [`:${password}@`];
}
