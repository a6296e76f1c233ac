import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { unifiedDiff } from '../../../src/repository/unified-diff.ts';

const lines = (text: string) => text.split(' ').join('\n');

test.each([
  ['the same', 'a b ', 'a b ', ''],
  ['a line', '1 2 3 4 5 6 7 8 9 ', '1 2 3 4 FIVE 6 7 8 9 ', '@@ -2,7 +2,7 @@ _2 _3 _4 -5 +FIVE _6 _7 _8'],
  ['the first line', 'a b ', 'A b ', '@@ -1,2 +1,2 @@ -a +A _b'],
  ['from nothing', '', 'a ', '@@ -0,0 +1 @@ +a'],
  ['to nothing', 'a ', '', '@@ -1 +0,0 @@ -a'],
  [
    'two near changes',
    'a 1 2 3 4 5 6 b ',
    'A 1 2 3 4 5 6 B ',
    '@@ -1,8 +1,8 @@ -a +A _1 _2 _3 _4 _5 _6 -b +B',
  ],
  [
    'two far changes',
    'a 1 2 3 4 5 6 7 b ',
    'A 1 2 3 4 5 6 7 B ',
    '@@ -1,4 +1,4 @@ -a +A _1 _2 _3 @@ -6,4 +6,4 @@ _5 _6 _7 -b +B',
  ],
])('%s', (_, before, after, expected) => {
  const diff = unifiedDiff({ path: 'x', text: lines(before) }, { path: 'x', text: lines(after) });
  const body = diff.split('\n').slice(3, -1);
  const shown = body.map((line) => line.replace(/^ /, '_')).join(' ');
  expect(shown).toBe(expected);
});

test('a last line without an end differs from one with it', () => {
  const diff = unifiedDiff({ path: 'x', text: 'a' }, { path: 'x', text: 'a\n' });
  expect(diff).toContain('@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n');
});

const TEXT = fc
  .tuple(
    fc.array(fc.constantFrom('a', 'b', 'c', '', '--- x', '+++ y', 'é\r'), { maxLength: 30 }),
    fc.boolean(),
  )
  .map(([all, ended]) => all.join('\n') + (ended && all.length > 0 ? '\n' : ''));

test('git makes the second text of the first by it', () => {
  const pairs = fc.sample(
    fc.tuple(fc.option(TEXT, { nil: undefined }), fc.option(TEXT, { nil: undefined })),
    300,
  );
  const folder = mkdtempSync(join(tmpdir(), 'primitive-diff-'));
  try {
    const diffs = pairs.map(([before, after], i) => {
      const to = i % 3 === 0 && before !== undefined && after !== undefined ? `moved-${i}` : `file-${i}`;
      if (before !== undefined) writeFileSync(join(folder, `file-${i}`), before);
      return { after, to, diff: unifiedDiff({ path: `file-${i}`, text: before }, { path: to, text: after }) };
    });
    const input = diffs.map(({ diff }) => diff).join('');
    execFileSync('git', ['apply', '--whitespace=nowarn', '-'], {
      cwd: folder,
      input,
      env: { PATH: process.env.PATH, LC_ALL: 'C' },
    });
    for (const { after, to } of diffs) {
      const path = join(folder, to);
      expect(existsSync(path) ? readFileSync(path, 'utf8') : undefined).toBe(after);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
