import { describe, expect, test } from 'vitest';
import { digestOf } from '../../../../src/core/digest.ts';
import { findMoves } from '../../../../src/features/scaffold/moves.ts';

const lines = (...names: readonly string[]) => names.join('\n');
const gone = (files: Readonly<Record<string, string>>, known = true) =>
  new Map(
    Object.entries(files).map(([path, text]) => [
      path,
      { digest: digestOf(text), base: known ? text : undefined },
    ]),
  );
const fresh = (files: Readonly<Record<string, string>>) =>
  new Map(Object.entries(files).map(([path, text]) => [path, { digest: digestOf(text), text }]));

const TEXT = lines('one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight');

describe('findMoves', () => {
  test.each([
    ['the same bytes', { 'a.go': 'x' }, { 'b.go': 'x' }, [['b.go', 'a.go']]],
    [
      'half of the lines',
      { 'a.go': TEXT },
      { 'b.go': lines('one', 'two', 'three', 'four', 'five', 'x', 'y', 'z') },
      [['b.go', 'a.go']],
    ],
    [
      'less than half',
      { 'a.go': TEXT },
      { 'b.go': lines('one', 'two', 'three', 'u', 'v', 'w', 'x', 'y') },
      [],
    ],
    ['short files that are alike', { 'a.go': lines('a', 'b', 'c') }, { 'b.go': lines('a', 'b', 'd') }, []],
    ['a new file besides', { 'a.go': TEXT }, { 'b.go': TEXT, 'c.go': `${TEXT}\nnine` }, [['b.go', 'a.go']]],
  ] as const)('%s', (_, before, now, expected) => {
    expect([...findMoves(gone(before), fresh(now))]).toEqual(expected);
  });

  test('goes by the bytes alone if the text of before is not known', () => {
    expect(findMoves(gone({ 'a.go': TEXT }, false), fresh({ 'b.go': `${TEXT}\nnine` }))).toEqual(new Map());
    expect(findMoves(gone({ 'a.go': TEXT }, false), fresh({ 'b.go': TEXT }))).toEqual(
      new Map([['b.go', 'a.go']]),
    );
  });

  test('does not depend on the order of the files', () => {
    const before = { 'a.go': TEXT, 'b.go': `${TEXT}\nnine` };
    const now = { 'c.go': `${TEXT}\nten`, 'd.go': `${TEXT}\neleven` };
    const reversed = (files: object) => Object.fromEntries(Object.entries(files).reverse());
    expect(new Map([...findMoves(gone(before), fresh(now))].sort())).toEqual(
      new Map([...findMoves(gone(reversed(before)), fresh(reversed(now)))].sort()),
    );
  });
});
