/** The folder of a normalized path: `a` of `a/b`; '.' for a name alone. `posix.dirname` looks at each character. */
export function folderOf(path: string): string {
  const end = path.lastIndexOf('/');
  return end < 0 ? '.' : path.slice(0, end);
}

/** The name of a normalized path: `b` of `a/b`. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** A path in a normalized folder, which is '.' for the root. */
export function inFolder(folder: string, path: string): string {
  return folder === '.' ? path : `${folder}/${path}`;
}
