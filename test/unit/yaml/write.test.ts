import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { writeText, writeYaml } from '../../../src/yaml/write.ts';

test.each(['ghcr.io/acme', 'refs/heads/main', 'sha256:aa', '.gitignore', 'a b'])(
  '%s needs no quotes',
  (text) => {
    expect(writeText(text)).toBe(text);
  },
);

test.each(['no', 'on', 'null', '1.0', '@acme', '*.proto', 'a: b', 'a, b', '', ' a', 'a\nb'])(
  '%j is quoted',
  (text) => {
    expect(writeText(text)).toMatch(/^".*"$/);
  },
);

test('a text is read back as it is, in blocks, between brackets, and by readers of YAML 1.1', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      for (const version of ['1.1', '1.2'] as const) {
        expect(parse(`a: ${writeText(text)}\n`, { version })).toEqual({ a: text });
        expect(parse(`{ a: [${writeText(text)}, b] }`, { version })).toEqual({ a: [text, 'b'] });
      }
    }),
  );
});

test('a mapping is a block, and a text of lines a literal', () => {
  expect(writeYaml({ a: { b: 1, c: 'x  y\nz\n' }, d: 'yes' })).toBe(
    'a:\n  b: 1\n  c: |\n    x  y\n    z\nd: "yes"\n',
  );
});
