import { describe, expect, test } from 'vitest';
import { compareFindings, type Finding, findingText, refusal } from '../../../src/core/finding.ts';

const finding = (message: string, more: Partial<Finding> = {}): Finding => ({
  rule: 'test/a-rule',
  level: 'error',
  message,
  ...more,
});

describe('a refusal', () => {
  test('lists its findings in order, and their fixes once', () => {
    const error = refusal('test/refused', 'Cannot do it.', [
      finding('second', { path: 'b', fix: 'fix it' }),
      finding('first', { path: 'a', line: 3, column: 1, fix: 'fix it' }),
    ]);
    expect(error).toMatchObject({
      code: 'test/refused',
      message: 'Cannot do it.',
      why: 'a:3:1: first\nb: second',
      suggestions: ['fix it'],
      exit: 2,
    });
    expect(error.findings.map(({ message }) => message)).toEqual(['first', 'second']);
  });

  test('without a message has that of the first finding, and no reason where it is the only one', () => {
    expect(refusal('test/refused', undefined, [finding('first', { path: 'a' })])).toMatchObject({
      message: 'a: first',
      why: undefined,
    });
  });

  test('lists twenty findings and counts the others; one that is reported twice is listed once', () => {
    const many = Array.from({ length: 60 }, (_, line) => finding('wrong', { path: 'a', line: line + 1 }));
    const lines = refusal('test/refused', 'Cannot do it.', [...many, ...many]).why?.split('\n');
    expect(lines).toHaveLength(21);
    expect(lines?.at(-1)).toBe('and 40 more');
  });
});

test('findings are sorted by path, place, rule and message', () => {
  const sorted = [
    finding('x', { path: 'a' }),
    finding('x', { path: 'a', line: 2 }),
    finding('x', { path: 'a', line: 10 }),
    finding('x', { path: 'a', line: 10, rule: 'test/b-rule' }),
    finding('y', { path: 'a', line: 10, rule: 'test/b-rule' }),
    finding('x', { path: 'b' }),
  ];
  expect([...sorted].reverse().sort(compareFindings)).toEqual(sorted);
  expect(sorted.map(findingText).slice(0, 2)).toEqual(['a: x', 'a:2: x']);
});
