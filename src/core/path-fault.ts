/**
 * Why a text is not a path (or a pattern of paths) below a folder, as half a sentence; undefined if it is one. Every
 * path that a kind or a `primitive.yaml` names goes through here before it is joined with anything.
 */
export function pathFault(path: string): string | undefined {
  if (path === '') return 'it is empty';
  if (/^(?:\/|[A-Za-z]:)/.test(path)) return 'it is absolute';
  if (path.includes('\\')) return 'it has a backslash';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
  if (/[\u0000-\u001f\u007f]/.test(path)) return 'it has a control character';
  const bad = path.split('/').find((part) => ['', '.', '..'].includes(part) || part.toLowerCase() === '.git');
  return bad === undefined ? undefined : `it has a part ${JSON.stringify(bad)}`;
}
