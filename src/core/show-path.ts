/** A path of a repository for a message; an odd one as a JSON string, so that a line feed in a name makes no line. */
export function showPath(path: string): string {
  return /^[\w./@+~ -]+$/.test(path) ? path : JSON.stringify(path);
}

/** A text, such as a path, as one word of an advised command: quoted for a shell if needed. */
export function shellWord(text: string): string {
  return /^[\w./@+:-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
