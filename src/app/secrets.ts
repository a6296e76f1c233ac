import { isMaskable } from '../core/mask.ts';
import type { AppContext } from './context.ts';

/** Names of variables that hold a secret: a word of it says so. */
const SECRET_NAME =
  /(^|_)(TOKEN|PAT|JWT|SECRET|SECRETS|(?:PG)?PASSWORD|PASSWD|PASSPHRASE|SSHPASS|CREDENTIAL|CREDENTIALS|API_?KEY|ACCESS_KEY|PRIVATE_KEY|AUTH|PIN)(_|$)|_PWD$/i;
/** Names that end so hold the address or the owner of a secret: AUTH_URL, TOKEN_ISSUER, PASSWORD_FILE. */
const PLACE_NAME = /_(URL|URI|HOST|SERVER|ENDPOINT|ISSUER|REALM|FILE|PATH|DIR|SOCK|NAME|USER|USERNAME)$/i;
/** `https://user:PASSWORD@host`, also without a scheme, as proxies are written. */
const URL_PASSWORD = /^(?:[a-z][a-z0-9+.-]*:\/\/)?[^\s/:@]*:([^\s/@]+)@/i;

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

/** Variables that a publish signs with. */
const SIGNING_SECRETS = ['COSIGN_PASSWORD', 'COSIGN_PKCS11_PIN'];

/** Warns of secrets to sign with that are too short to be masked. */
export function warnOfShortSecrets({ variables, emit }: Pick<AppContext, 'variables' | 'emit'>): void {
  const message = shortSecretWarning(variables);
  if (message !== undefined) emit({ type: 'warning', code: 'secret-short', message });
}

/** A warning about signing secrets that are too short to be masked; undefined if there are none. */
export function shortSecretWarning(
  variables: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const short = SIGNING_SECRETS.filter((name) => variables[name] && !isMaskable(variables[name]));
  if (short.length === 0) return undefined;
  return `${short.join(' and ')}: shorter than 8 characters, so not masked in what programs print; take a longer one.`;
}

/** Whether a variable holds a secret by its name. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name) && !PLACE_NAME.test(name);
}

function secretLines(name: string, value: string): readonly string[] {
  if (!isSecretName(name) || /^[/~]/.test(value)) return [];
  return [value, ...value.split(/\r?\n/)].filter((part) => isMaskable(part) && !/^-----/.test(part));
}

/** A short password is found only if it is one: between `:` and `@`. */
function urlPassword(value: string): readonly string[] {
  const [, password] = URL_PASSWORD.exec(value) ?? [];
  if (password === undefined) return [];
  return isMaskable(password) ? [password] : [`:${password}@`];
}
