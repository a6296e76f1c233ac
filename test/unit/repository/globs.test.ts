import fc from 'fast-check';
import { expect, test } from 'vitest';
import { globFault } from '../../../src/core/glob.ts';
import { GlobMatcher, globRoot, isInput } from '../../../src/repository/globs.ts';
import { Listing } from '../../../src/repository/listing.ts';

const listing = (paths: readonly string[]) =>
  new Listing([...paths].sort().map((path) => ({ path, mode: '100644' as const, object: 'a'.repeat(40) })));

test.each([
  ['go.work', 'go.work', true],
  ['go.work', 'sub/go.work', false],
  ['*', 'file', true],
  ['*', '.file', true],
  ['*', 'a/file', false],
  ['**', 'a/b/.c', true],
  ['**', 'two\nlines', true],
  ['**/*.go', 'main.go', true],
  ['**/*.go', 'a/b/main.go', true],
  ['**/*.go', 'main.GO', false],
  ['pkg/**', 'pkg/a/b', true],
  ['pkg/**', 'pkg', false],
  ['pkg', 'pkg/a', false],
  ['pkg/*', 'pkg/a/b', false],
  ['./pkg/**', 'pkg/a', true],
  ['{pkg,cmd}/**', 'cmd/main.go', true],
  ['file.[ch]', 'file.c', true],
  ['file?', 'file1', true],
  ['file?', 'file/', false],
  [String.raw`\*`, '*', true],
  [String.raw`\!a`, '!a', true],
  ['+(a)', 'aaa', false],
  ['caf\u00e9', 'cafe\u0301', false],
])('%j on %j: %s', (pattern, path, expected) => {
  const matcher = new GlobMatcher(listing([path]));
  const glob = matcher.compile(pattern);
  expect([isInput([glob], path), matcher.matching('', glob).length > 0]).toEqual([expected, expected]);
});

test('the last pattern that matches decides', () => {
  const matcher = new GlobMatcher(listing([]));
  const globs = ['**', '!docs/**', 'docs/keep.md'].map((text) => matcher.compile(text));
  expect(['main.go', 'docs/a.md', 'docs/keep.md'].map((path) => isInput(globs, path))).toEqual([
    true,
    false,
    true,
  ]);
});

test.each([
  ['', 'empty'],
  ['!', 'empty'],
  ['/etc/passwd', 'absolute'],
  ['!/x', 'absolute'],
  ['../secret', '..'],
  ['a/../../b', '..'],
  ['pkg/', 'pkg/**'],
])('refuses %j: %s', (text, why) => {
  expect(globFault(text)).toContain(why);
});

test.each(['**', 'a..b', '!docs/**', '...', 'a/...'])('takes %j', (text) => {
  expect(globFault(text)).toBeUndefined();
});

test('patterns that would take a matcher forever are refused, the others are quick', () => {
  for (const text of ['*a*a*a*b', '**/a/**/a/**/a/**/b', '{*a*,*b*}', `${'{a,aa}'.repeat(40)}b`])
    expect(globFault(text)).toContain('more than three');
  const longest = 'a'.repeat(255);
  const matcher = new GlobMatcher(listing([longest]));
  const start = performance.now();
  for (const text of ['*a*a*b', '+(a|aa)b', '*(*(a))b', '**/**/b', '{a,aa}{a,aa}{a,aa}b']) {
    expect(globFault(text)).toBeUndefined();
    expect(matcher.matching('', matcher.compile(text))).toEqual([]);
  }
  expect(performance.now() - start).toBeLessThan(20_000);
});

test('looking only where a pattern can match finds what looking everywhere finds', () => {
  const name = fc.constantFrom('a', 'b', 'a.go', '.a', '{x}', '0', 'a b', '-', '\uffee', '😀');
  const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join('/'));
  const part = fc.oneof(
    name,
    fc.constantFrom('*', '**', '?', '[ab]', '{a,b}', '*.go', '!', '.', String.raw`\{x}`),
  );
  const pattern = fc
    .array(part, { minLength: 1, maxLength: 4 })
    .map((parts) => parts.join('/'))
    .filter((text) => globFault(text) === undefined);
  fc.assert(
    fc.property(
      fc.uniqueArray(path, { maxLength: 30 }),
      pattern,
      fc.constantFrom('', 'a', 'a/b'),
      (paths, text, context) => {
        const list = listing(paths);
        const matcher = new GlobMatcher(list);
        const glob = matcher.compile(text);
        const prefix = context === '' ? '' : `${context}/`;
        const everywhere = list.entries.flatMap((entry, position) =>
          entry.path.startsWith(prefix) && glob.matches(entry.path.slice(prefix.length)) ? [position] : [],
        );
        expect(matcher.matching(context, glob)).toEqual(everywhere);
        const root = prefix + (globRoot(text) ?? '');
        const inRoot = (path: string) => path === root || path.startsWith(root.replace(/(?<=[^/])$/, '/'));
        if (glob.negated) return;
        expect(everywhere.every((position) => inRoot(list.entries[position]?.path ?? ''))).toBe(true);
      },
    ),
    { numRuns: 3000, examples: [[['a.go'], '././a.go', '']] },
  );
});
