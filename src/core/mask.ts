/** Replaces every secret in `text` by `***`; sorted longest first, so that a secret inside another leaves no rest. */
export function mask(text: string, secrets: readonly string[]): string {
  return secrets.reduce((masked, secret) => masked.replaceAll(secret, '***'), text);
}
