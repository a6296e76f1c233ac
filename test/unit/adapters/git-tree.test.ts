import { describe, expect, test } from 'vitest';
import { parseTree } from '../../../src/adapters/git-tree.ts';
import type { Head } from '../../../src/repository/source-tree.ts';

const head = (objectFormat: Head['objectFormat']): Head => ({
  commit: '',
  tree: '',
  objectFormat,
  shallow: false,
});
const entry = (mode: string, name: string | Uint8Array, id: string) =>
  Buffer.concat([Buffer.from(`${mode} `), Buffer.from(name), Buffer.from([0]), Buffer.from(id, 'hex')]);

describe.each([
  ['sha1', 'ab'.repeat(20)],
  ['sha256', '00ff'.repeat(16)],
] as const)('a tree object of a %s repository', (format, object) => {
  test.each([
    ['100644', '100644'],
    ['100664', '100644'],
    ['100755', '100755'],
    ['100700', '100755'],
    ['120000', '120000'],
    ['160000', '160000'],
    ['40000', '040000'],
  ])('an entry of mode %s is %s', (mode, expected) => {
    expect(parseTree(entry(mode, 'a b', object), head(format))).toEqual([
      { name: 'a b', mode: expected, object },
    ]);
  });

  test('keeps the order and every byte of names', () => {
    const names = ['-', ' ', 'two\nlines', 'caf\u00e9', 'cafe\u0301', '\ufffd', '\u{1f600}'];
    const tree = Buffer.concat(names.map((name) => entry('100644', name, object)));
    expect(parseTree(tree, head(format)).map(({ name, undecodable }) => [name, undecodable])).toEqual(
      names.map((name) => [name, undefined]),
    );
    const odd = entry('100644', Uint8Array.of(0x61, 0xe9), object);
    expect(parseTree(odd, head(format))).toMatchObject([{ name: 'a\\xe9', undecodable: true }]);
  });

  test.each([
    ['an id that is cut off', entry('100644', 'a', object).subarray(0, -1)],
    ['no name', Buffer.from('100644')],
    ['no end of a name', Buffer.from('100644 a')],
  ])('with %s is refused', (_, bytes) => {
    expect(() => parseTree(bytes, head(format))).toThrow(
      expect.objectContaining({ code: 'git-object-corrupt', exit: 3 }),
    );
  });

  test('may be empty', () => {
    expect(parseTree(new Uint8Array(), head(format))).toEqual([]);
  });
});
