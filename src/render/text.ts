// biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with the escape character
const SGR = /\u001b\[[0-9;:]*m/g;
// C0 but tab and newline, DEL, C1, line separators, the marks that reorder text (CVE-2021-42574), and what shows nothing:
// other characters of format, fillers of Hangul and tags.
const UNSAFE =
  /[[\p{Cc}--[\t\n]]\p{Zl}\p{Zp}\p{Bidi_Control}[\p{Default_Ignorable_Code_Point}&&[\p{Cf}\p{Lo}]]\ufff9-\ufffb]/gv;

/**
 * Makes text from outside safe to print: colours are dropped, every other control character becomes a visible
 * `\u001b`, so that a log line or a name can neither move the cursor nor pass for another text.
 */
export function sanitize(text: string): string {
  return text.replace(SGR, '').replace(UNSAFE, escaped);
}

/** `\u001b`; beyond four digits `\u{e0041}`. */
function escaped(character: string): string {
  const hex = (character.codePointAt(0) ?? 0).toString(16).padStart(4, '0');
  return hex.length > 4 ? `\\u{${hex}}` : `\\u${hex}`;
}

/** As {@link sanitize}, for one line: a newline is made visible too. */
export function sanitizeLine(text: string): string {
  return sanitize(text).replaceAll('\n', '\\n');
}

/**
 * Keeps text from outside from being taken for a workflow command of GitHub Actions: the runner reads `::name::` at the
 * start of a line, white space aside, and the old `##[name]` anywhere in it.
 */
export function inert(text: string): string {
  return text.replace(/:(?=:)(?<=^[^\S\n]*:)/gm, '\\:').replaceAll('##[', '##\\[');
}

/**
 * JSON that is safe to print, with the same data: without `##[name]`, and without the characters that {@link sanitize}
 * makes visible. JSON never has `::` at the start of a line.
 */
export function inertJson(data: unknown, indent = 0): string {
  return JSON.stringify(data, null, indent).replaceAll('##[', '#\\u0023[').replace(UNSAFE, codeUnits);
}

/** RFC 8259, section 7: two escapes for a character beyond four digits. */
function codeUnits(character: string): string {
  return character
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');
}

/** As {@link sanitizeLine}, with every character that Markdown or HTML would take for markup escaped. */
export function markdownText(text: string): string {
  return sanitizeLine(text).replace(/[\\`*_{}[\]<>|#!~&]/g, (character) => `\\${character}`);
}

/** `3 built, 1 failed`, in the order in which the words come first. */
export function countWords(words: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].map(([word, count]) => `${count} ${word}`).join(', ');
}
