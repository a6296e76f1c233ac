const SECRET_NAME =
  /(^|_)(TOKEN|SECRET|SECRETS|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL|CREDENTIALS|API_?KEY|ACCESS_KEY|PRIVATE_KEY|AUTH)(_|$)/i;
const SHORTEST = 8;

/**
 * The values in an environment that must never be printed, the longest first: those of variables whose name says so,
 * and of each long line of one that has several (a private key). Paths and short values are no secrets.
 */
export function secretsOf(variables: Readonly<Record<string, string | undefined>>): readonly string[] {
  const values = new Set<string>();
  for (const [name, value] of Object.entries(variables)) {
    if (value === undefined || !SECRET_NAME.test(name) || /^[/~]/.test(value)) continue;
    for (const part of [value, ...value.split(/\r?\n/)]) {
      if (part.length >= SHORTEST && !/^-----/.test(part)) values.add(part);
    }
  }
  return [...values].sort((a, b) => b.length - a.length || (a < b ? -1 : 1));
}
