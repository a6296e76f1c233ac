// biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with the escape character
const SGR = /\u001b\[[0-9;:]*m/g;
// C0 but tab and newline, DEL, C1, line separators, and the marks that reorder text (CVE-2021-42574).
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
const UNSAFE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/**
 * Makes text from outside safe to print: colours are dropped, every other control character becomes a visible
 * `\u001b`, so that a log line or a name can neither move the cursor nor pass for another text.
 */
export function sanitize(text: string): string {
  return text
    .replace(SGR, '')
    .replace(UNSAFE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
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
  return text.replace(/^([^\S\n]*):(?=:)/gm, '$1\\:').replaceAll('##[', '##\\[');
}

/** JSON that holds no `##[name]`, with the same data. JSON never has `::` at the start of a line. */
export function inertJson(data: unknown, indent = 0): string {
  return JSON.stringify(data, null, indent).replaceAll('##[', '#\\u0023[');
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
