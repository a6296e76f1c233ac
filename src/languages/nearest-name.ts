/** The entry of a name or of the nearest one above it, by whole parts: `a/b/c`, `a/b`, `a`; `a/bc` is not below `a/b`. */
export function nearestName<T>(
  name: string,
  separator: '/' | '.',
  find: (name: string) => T | undefined,
): T | undefined {
  for (let end = name.length; end >= 0; end = end === 0 ? -1 : name.lastIndexOf(separator, end - 1)) {
    const found = find(name.slice(0, end));
    if (found !== undefined) return found;
  }
  return undefined;
}
