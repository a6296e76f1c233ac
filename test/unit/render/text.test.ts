import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { mask } from '../../../src/core/mask.ts';
import { hangAdvice } from '../../../src/render/advice.ts';
import { pageText } from '../../../src/render/markdown.ts';
import { createStyle } from '../../../src/render/style.ts';
import { table } from '../../../src/render/table.ts';
import { inert, inertJson, sanitize, sanitizeLine } from '../../../src/render/text.ts';
import { hangWithin } from '../../../src/render/wrap.ts';

describe('sanitize', () => {
  test.each([
    ['plain text, ünïcödé and 表', 'plain text, ünïcödé and 表'],
    ['tab\tand\nnewline', 'tab\tand\nnewline'],
    ['\u001b[31mred\u001b[0m', 'red'],
    ['\u001b[2J', '\\u001b[2J'],
    ['\u001b]8;;https://evil\u0007link', '\\u001b]8;;https://evil\\u0007link'],
    ['over\rwritten', 'over\\u000dwritten'],
    ['\u009b2J', '\\u009b2J'],
    ['\u202etxt.exe', '\\u202etxt.exe'],
    ['\u061ctxt.exe', '\\u061ctxt.exe'],
    ['pay\u{200b}pal \u{e0041}', 'pay\\u200bpal \\u{e0041}'],
    ['\ud800 alone', '\ud800 alone'],
    ['e\u0301 \u2714\ufe0f نص 한글', 'e\u0301 \u2714\ufe0f نص 한글'],
  ])('%j', (text, safe) => expect(sanitize(text)).toBe(safe));

  test.each([
    ['reorders text', /\p{Bidi_Control}/u],
    ['is of format and shows nothing', /(?=\p{Default_Ignorable_Code_Point})[\p{Cf}\p{Lo}]/u],
    ['controls a terminal', /(?![\t\n])\p{Cc}/u],
    ['separates lines', /[\p{Zl}\p{Zp}]/u],
  ])('no character that %s gets through', (_, property) => {
    const all = Array.from({ length: 0x110000 }, (_, code) => String.fromCodePoint(code));
    const unsafe = all.filter((character) => property.test(character));
    expect(unsafe.length).toBeGreaterThan(1);
    expect(unsafe.filter((character) => !/^[\x20-\x7e]+$/.test(sanitize(character)))).toEqual([]);
  });

  test('a line stays one line', () => expect(sanitizeLine('a\nb')).toBe('a\\nb'));
});

describe('inert', () => {
  test.each([
    ['a\n  ::error::b\n::c::', 'a\n  \\::error::b\n\\::c::'],
    ['a ##[error]b', 'a ##\\[error]b'],
    ['a::b, : c\n\n:d', 'a::b, : c\n\n:d'],
  ])('%j', (text, safe) => expect(inert(text)).toBe(safe));
});

test('JSON has no old workflow command, and the same data', () => {
  const data = { '##[a]': ['x ##[set-output name=refs]evil', '\\##[b', '###[['] };
  const text = inertJson(data, 2);
  expect(text).not.toContain('##[');
  expect(JSON.parse(text)).toEqual(data);
});

test('JSON steers no terminal, with the same data', () => {
  const data = { 'a\u009b31m': ['\u202etxt.exe \u061c\u{e0041}', 'a\tb\nc', 'ünïcödé 表'] };
  const text = inertJson(data, 2);
  expect(sanitize(text)).toBe(text);
  expect(text).toContain('ünïcödé 表');
  expect(JSON.parse(text)).toEqual(data);
});

describe('mask', () => {
  test('every occurrence', () => {
    expect(mask('a s3cr3t-1 b s3cr3t-1', ['s3cr3t-1'])).toBe('a *** b ***');
  });

  test('a short secret is left, for what is masked of other words would show it', () => {
    expect(mask('cosign: decrypt: y', ['y'])).toBe('cosign: decrypt: y');
    expect(mask('http://user:y@proxy decrypt', [':y@'])).toBe('http://user***proxy decrypt');
  });

  test('a secret that is quoted', () => {
    const secret = 'abc"def\\ghi\n123456';
    expect(mask(`Command ${JSON.stringify(secret)} is unknown, ${secret}`, [secret])).toBe(
      'Command "***" is unknown, ***',
    );
  });

  test('a secret that is a part of another leaves no rest of it', () => {
    expect(mask('long-secret-value', ['long-secret-value', 'secret-value'])).toBe('***');
  });
});

describe('table', () => {
  test('columns line up with cells of any colour, and no row ends in blanks', () => {
    const style = createStyle(true);
    const rows = [
      [style.green('ok'), 'a', 'last'],
      ['failed', style.red('longer'), ''],
    ];
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours
    expect(table(rows, style).replace(/\u001b\[\d+m/g, '')).toBe('ok      a       last\nfailed  longer\n');
  });

  test('no rows, no text', () => expect(table([], createStyle(false))).toBe(''));
});

describe('wrapping', () => {
  const narrow = { hang: hangWithin(40) };
  const digest = `sha256:${'9f'.repeat(32)}`;

  test.each([
    ['what fits stays', 'a  ', 'b c', 'a  b c'],
    [
      'further lines hang',
      'name  ',
      'words that do not fit on one line of it',
      'name  words that do not fit on one line\n      of it',
    ],
    ['a digest stays whole', 'image  ', `${digest} (linux/amd64)`, `image  ${digest}\n       (linux/amd64)`],
    [
      'with too little room text begins below',
      `${'x'.repeat(20)}  `,
      'words that do not fit',
      `${'x'.repeat(20)}\n    words that do not fit`,
    ],
  ])('%s', (_, prefix, text, shown) => {
    expect(narrow.hang(prefix, text)).toBe(shown);
  });

  test('colours do not count, and are closed at the end of each line', () => {
    const { red } = createStyle(true);
    const lines = narrow.hang(red('12'), red('a '.repeat(30).trim())).split('\n');
    expect(lines.map((line) => stripVTControlCharacters(line))).toEqual([
      `12${'a '.repeat(19).trim()}`,
      `  ${'a '.repeat(11).trim()}`,
    ]);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours
    for (const line of lines) expect(line).toMatch(/\u001b\[31m[a ]+\u001b\[39m$/);
  });

  test('a command stays whole, also in colour', () => {
    const { dim } = createStyle(true);
    const command = 'go install -ldflags="-X main.version=1" example.com/x@v1';
    expect(hangAdvice(narrow, 'fix: ', dim(command))).toBe(`fix: ${dim(command)}`);
  });

  test('the last column of a table wraps', () => {
    const rows = [
      ['orders', 'built', 'no sealed image of these inputs'],
      ['a', 'reused', 'same'],
    ];
    expect(table(rows, narrow)).toBe(
      'orders  built   no sealed image of these\n                inputs\na       reused  same\n',
    );
  });
});

describe('a page of Markdown', () => {
  const page =
    '# Title\n\nOne two three\nfour five.\n\n- a list item that is\n  on two lines\n- b\n\n```sh\nprimitive list   # not wrapped at all\n```\n';

  test('stays as it is on a pipe', () => expect(pageText(page, createStyle(false))).toBe(page));

  test('is wrapped anew on a terminal, but for code', () => {
    expect(pageText(page, createStyle(false, hangWithin(30)))).toBe(
      '# Title\n\nOne two three four five.\n\n- a list item that is on two\n  lines\n- b\n\n```sh\nprimitive list   # not wrapped at all\n```\n',
    );
  });
});

describe('style', () => {
  test('without colour text stays as it is', () => {
    const { bold, dim, red, green, yellow } = createStyle(false);
    expect([bold, dim, red, green, yellow].map((paint) => paint('x'))).toEqual(['x', 'x', 'x', 'x', 'x']);
  });
});
