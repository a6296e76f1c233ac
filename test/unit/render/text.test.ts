import { describe, expect, test } from 'vitest';
import { mask } from '../../../src/core/mask.ts';
import { createStyle } from '../../../src/render/style.ts';
import { table } from '../../../src/render/table.ts';
import { inert, inertJson, sanitize, sanitizeLine } from '../../../src/render/text.ts';

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
  ])('%j', (text, safe) => expect(sanitize(text)).toBe(safe));

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

describe('mask', () => {
  test('every occurrence', () => {
    expect(mask('a s3cr3t-1 b s3cr3t-1', ['s3cr3t-1'])).toBe('a *** b ***');
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
    expect(table(rows).replace(/\u001b\[\d+m/g, '')).toBe('ok      a       last\nfailed  longer\n');
  });

  test('no rows, no text', () => expect(table([])).toBe(''));
});

describe('style', () => {
  test('without colour text stays as it is', () => {
    const { bold, dim, red, green, yellow } = createStyle(false);
    expect([bold, dim, red, green, yellow].map((paint) => paint('x'))).toEqual(['x', 'x', 'x', 'x', 'x']);
  });
});
