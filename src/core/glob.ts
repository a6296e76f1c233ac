import picomatch from 'picomatch';

/** Why a text is no pattern of `inputs`; undefined if it is one. */
export function globFault(text: string): string | undefined {
  const pattern = text.startsWith('!') ? text.slice(1) : text;
  if (pattern === '') return 'it is empty';
  if (pattern.startsWith('/')) return 'it is absolute; patterns are relative to the context';
  if (pattern.split('/').includes('..')) return 'it leaves the context by `..`';
  // Each one multiplies the ways to try: with four, one long name can take seconds.
  const names = pattern.split('/');
  if (names.some((name) => name !== '**' && name.split('*').length > 4))
    return 'it has more than three * in one name';
  if (names.filter((name) => name === '**').length > 3) return 'it has more than three **';
  if (pattern.split('{').length > 4) return 'it has more than three {';
  if (pattern.endsWith('/')) return `it names a folder; its files are \`${text}**\``;
  return undefined;
}

/** Whether a path matches a pattern of a kind, which {@link globFault} has nothing against. */
export function globMatcher(pattern: string): (path: string) => boolean {
  return picomatch(pattern, { dot: true, noextglob: true });
}
