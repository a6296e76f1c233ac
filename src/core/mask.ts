/** A shorter secret is not looked for: what is masked of other words would show what it is. */
const SHORTEST = 8;

/** Whether a secret is replaced where it occurs; `:short@` is, as it can only be the password of a URL. */
export function isMaskable(secret: string): boolean {
  return secret.length >= SHORTEST || /^:[^\s/@]+@$/.test(secret);
}

/**
 * Replaces every secret in `text` by `***`, but those that {@link isMaskable} leaves out; sorted longest first, so that a
 * secret inside another leaves no rest.
 */
export function mask(text: string, secrets: readonly string[]): string {
  return secrets.reduce(
    (masked, secret) =>
      isMaskable(secret)
        ? writtenForms(secret).reduce((rest, form) => rest.replaceAll(form, '***'), masked)
        : masked,
    text,
  );
}

/** The forms in which a secret may stand in a text, the longest first: messages quote as JSON and Go do. */
export function writtenForms(secret: string): readonly string[] {
  const quoted = JSON.stringify(secret).slice(1, -1);
  return quoted === secret ? [secret] : [quoted, secret];
}
