/**
 * A job type or the name of a message as part of a Go identifier: `io.acme.reserve-stock` -> `IoAcmeReserveStock`.
 *
 * The id of the process at its beginning says nothing inside the process and is left out. Undefined if no letter or
 * digit is left; what begins with a digit, or with a letter without cases, is an identifier after a prefix only.
 */
export function goIdentifier(text: string, processId: string): string | undefined {
  const rest = text.startsWith(processId) ? text.slice(processId.length) : '';
  const own = /^[^\p{L}\p{Nd}]+(?=[\p{L}\p{Nd}])/u.test(rest) ? rest : text;
  const identifier = own
    .normalize('NFC')
    .split(/[^\p{L}\p{Nd}]+/u)
    .map((word) => word.replace(/^./u, (letter) => upper(letter)))
    // A digit before a digit would make 1.23 and 12.3 the same.
    .reduce(
      (all, word) => (/\p{Nd}$/u.test(all) && /^\p{Nd}/u.test(word) ? `${all}_${word}` : all + word),
      '',
    );
  return identifier === '' ? undefined : identifier;
}

/** Whether an identifier can be the name of a method that other packages see. */
export const isExported = (identifier: string): boolean => /^\p{Lu}/u.test(identifier);

/** Not for letters that become two. */
function upper(letter: string): string {
  const changed = letter.toUpperCase();
  return [...changed].length === 1 ? changed : letter;
}

/** A Go string literal; everything that does not show is escaped. */
export function goString(text: string): string {
  return JSON.stringify(text).replace(/[\p{C}\p{Z}]/gu, (char) => (char === ' ' ? char : escaped(char)));
}

function escaped(char: string): string {
  const point = char.codePointAt(0) ?? 0;
  return point > 0xffff
    ? `\\U${point.toString(16).padStart(8, '0')}`
    : `\\u${point.toString(16).padStart(4, '0')}`;
}
