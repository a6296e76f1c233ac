import fc from 'fast-check';
import { expect, test } from 'vitest';
import { renameStubs } from '../../../src/kinds/stubs.ts';

/** A field of wire type 2, which is a length and that many bytes. */
const field = (number: number, content: string) => {
  const length = content.length;
  const size = length < 128 ? [length] : [(length & 127) | 128, length >> 7];
  return String.fromCharCode((number << 3) | 2, ...size) + content;
};

/** A descriptor of `<name>/a.proto` with one message and one service, as bytes. */
const descriptorOf = (name: string, packageName: string) =>
  field(1, `${name}/a.proto`) +
  field(2, packageName) +
  field(
    4,
    field(1, 'Item') + field(2, `${field(1, 'id')}\x18\x01\x28\x09${field(6, `.${packageName}.Item`)}`),
  ) +
  field(6, field(1, 'Service') + field(2, field(1, 'Get') + field(2, `.${packageName}.Item`))) +
  field(12, 'proto3');

/** The same as Go source, written by hand's rules: everything but plain letters as hexadecimal. */
const sourceOf = (name: string, packageName: string) => {
  const escaped = [...descriptorOf(name, packageName)].map((char) =>
    /[\w./]/.test(char) ? char : `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
  return `const file_${name}_a_proto_rawDesc = "" +\n\t"${escaped.join('')}"\n`;
};

const bytesOf = (source: string) =>
  [...source.matchAll(/"((?:[^"\\]|\\.)*)"/g)]
    .map(([, text = '']) => text)
    .join('')
    .replace(/\\x(..)|\\(.)/g, (_, hex?: string, char?: string) =>
      hex === undefined
        ? ({ n: '\n', t: '\t', r: '\r', a: '\x07', b: '\b', f: '\f', v: '\v' }[char ?? ''] ?? char ?? '')
        : String.fromCharCode(Number.parseInt(hex, 16)),
    );

test('names of any length are put in with all lengths around them', () => {
  const word = fc.stringMatching(/^[a-z][a-z0-9_]{0,150}$/);
  fc.assert(
    fc.property(word, word, (path, packageName) => {
      const names = new Map([
        ['from', path],
        ['old.v1', packageName],
      ]);
      const renamed = renameStubs(sourceOf('from', 'old.v1'), names);
      expect(bytesOf(renamed)).toBe(descriptorOf(path, packageName));
    }),
  );
});

test('what was put in is never replaced again', () => {
  const names = new Map([
    ['one', 'two'],
    ['two', 'three'],
  ]);
  expect(renameStubs('// one two\n', names)).toBe('// two three\n');
});

test('a line feed in the descriptor ends a literal, as the generator has it', () => {
  // Field 1 has ten bytes, and ten is a line feed.
  const renamed = renameStubs(
    'const file_a_rawDesc = "" +\n\t"\\n\\x03abc"\n',
    new Map([['abc', 'abcdefghij']]),
  );
  expect(renamed).toBe('const file_a_rawDesc = "" +\n\t"\\n" +\n\t"\\n" +\n\t"abcdefghij"\n');
});

test.each([
  [
    'X',
    'func (UnimplementedXServer) mustEmbedUnimplementedXServer() {}\nfunc (UnimplementedXServer) testEmbeddedByValue()           {}\n',
  ],
  [
    'Abcdefghijklmnopqrstuvwxyz',
    `func (UnimplementedAbcdefghijklmnopqrstuvwxyzServer) mustEmbedUnimplementedAbcdefghijklmnopqrstuvwxyzServer() {
}
func (UnimplementedAbcdefghijklmnopqrstuvwxyzServer) testEmbeddedByValue() {}
`,
  ],
])('bodies are laid out as gofmt does for %s', (name, expected) => {
  const source =
    'func (UnimplementedPServer) mustEmbedUnimplementedPServer() {}\nfunc (UnimplementedPServer) testEmbeddedByValue()           {}\n';
  expect(renameStubs(source, new Map([['PServer', `${name}Server`]]))).toBe(expected);
});
