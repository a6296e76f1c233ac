/** A path of a repository for a message; an odd one as a JSON string, so that a line feed in a name makes no line. */
export function showPath(path: string): string {
  return /^[\w./@+~ -]+$/.test(path) ? path : JSON.stringify(path);
}

/** A path as a word of a command that is advised: quoted for a shell where it has to be. */
export function shellPath(path: string): string {
  return /^[\w./@+:-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
