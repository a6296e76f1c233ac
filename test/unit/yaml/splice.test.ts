import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { YamlPath } from '../../../src/yaml/fault.ts';
import { spliceYaml } from '../../../src/yaml/splice.ts';

const REF = 'ghcr.io/acme/orders:4f2a@sha256:aa';

describe('what splicing changes', () => {
  test.each<[string, string, YamlPath, string]>([
    ['a plain text, and not the comment', 'ref: old # why\n', ['ref'], `ref: ${REF} # why\n`],
    ['single quotes', "ref: 'old'\n", ['ref'], `ref: '${REF}'\n`],
    ['double quotes, with CRLF', 'a: 1\r\nref: "old"\r\n', ['ref'], `a: 1\r\nref: "${REF}"\r\n`],
    ['after a byte order mark', '\ufeffref: old\n', ['ref'], `\ufeffref: ${REF}\n`],
    ['an empty value', 'image:\n  ref:\n', ['image', 'ref'], `image:\n  ref: ${REF}\n`],
    ['an anchor that nothing names', 'ref: &r old\n', ['ref'], `ref: &r ${REF}\n`],
    ['between brackets', 'image: { ref: old, x: 1 }\n', ['image', 'ref'], `image: { ref: ${REF}, x: 1 }\n`],
    ['in a list', '- a\n- { ref: old }\n', [1, 'ref'], `- a\n- { ref: ${REF} }\n`],
    ['without a last line end', 'ref: old', ['ref'], `ref: ${REF}`],
  ])('%s', (_, text, path, expected) => {
    expect(spliceYaml(text, { path, value: REF })).toEqual({ text: expected });
  });

  test('one document of several', () => {
    const text = 'ref: a # 1\n---\nref: b # 2\n---\nref: c # 3\n';
    const expected = `ref: a # 1\n---\nref: ${REF} # 2\n---\nref: c # 3\n`;
    expect(spliceYaml(text, { document: 1, path: ['ref'], value: REF })).toEqual({ text: expected });
  });

  test('a block, from the column of the old one', () => {
    const text = 'x:\r\n  - t: # why\r\n      a: 1\r\n      b: 2\r\n# end\r\n';
    expect(spliceYaml(text, { path: ['x', 0, 't'], value: { c: 1, d: 'e\nf\n' } })).toEqual({
      text: 'x:\r\n  - t: # why\r\n      c: 1\r\n      d: |\r\n        e\r\n        f\r\n# end\r\n',
    });
  });
});

describe('what splicing refuses', () => {
  test.each<[string, string, YamlPath]>([
    ['an alias', 'a: &r old\nref: *r\n', ['ref']],
    ['a part of an alias', 'a: &r { ref: old }\nimage: *r\n', ['image', 'ref']],
    ['a value that an alias names', 'ref: &r old\nb: *r\n', ['ref']],
    ['a part of what an alias names', 'image: &i\n  ref: old\nb: *i\n', ['image', 'ref']],
    ['a template', 'ref: "{{ .Values.ref }}"\n', ['ref']],
    ['a file of a template', 'ref: {{ .Values.ref }}\n', ['ref']],
    ['a value that is missing', 'a: 1\n', ['ref']],
    ['a text of several lines', 'ref: |\n  old\nb: 1\n', ['ref']],
    ['a repeated key', 'ref: a\nref: b\n', ['ref']],
    ['an empty file', '', ['ref']],
  ])('%s', (_, text, path) => {
    expect(spliceYaml(text, { path, value: REF })).toEqual({ problem: expect.any(String) });
  });
});

describe('any file', () => {
  const word = fc.stringMatching(/^[a-z]{1,6}$/);
  const value = fc.oneof(
    word,
    word.map((text) => `'${text} # no comment'`),
    word.map((text) => `"${text}\\n: "`),
    word.map((text) => `&${text} ${text}`),
    fc.constant(''),
    fc.constant('[a, {b: c}]'),
    fc.constant('|\n    lines\n    of text'),
  );
  const comment = fc.constantFrom('', ' # why', ' # ref: other');
  const file = fc
    .record({
      bom: fc.boolean(),
      newline: fc.constantFrom('\n', '\r\n'),
      ended: fc.boolean(),
      documents: fc.array(
        fc.uniqueArray(fc.tuple(word, value, comment), {
          selector: ([key]) => key,
          minLength: 1,
          maxLength: 5,
        }),
        { minLength: 1, maxLength: 3 },
      ),
    })
    .map(({ bom, newline, ended, documents }) => {
      const blocks = documents.map((entries) =>
        entries
          .map(([key, text, note]) => `${key}:\n  ref: ${text}${text.startsWith('|') ? '' : note}\n`)
          .join(''),
      );
      const text = blocks.join('---\n').replaceAll('\n', newline);
      const keys = documents.map((entries) => entries.map(([key]) => key));
      return { text: (bom ? '\ufeff' : '') + (ended ? text : text.trimEnd()), keys };
    });

  test('is changed in one value and nowhere else, or refused', () => {
    let edited = 0;
    const wanted = fc.string({ unit: 'grapheme' });
    fc.assert(
      fc.property(file, fc.nat(), fc.nat(), wanted, ({ text, keys }, i, j, ref) => {
        const document = i % keys.length;
        const names = keys[document] ?? [];
        const key = names[j % names.length] ?? '';
        const spliced = spliceYaml(text, { document, path: [key, 'ref'], value: ref });
        if ('problem' in spliced) return;
        edited += 1;
        const dataOf = (all: string) => parseAllDocuments(all).map((one) => one.toJS());
        const expected = dataOf(text);
        expected[document][key].ref = ref;
        expect(dataOf(spliced.text)).toEqual(expected);
        const lines = text.split('\n');
        const changed = spliced.text.split('\n').filter((line, at) => line !== lines[at]);
        expect(changed.length).toBeLessThanOrEqual(1);
      }),
      { numRuns: 500 },
    );
    expect(edited).toBeGreaterThan(200);
  });
});
