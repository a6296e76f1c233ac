import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { BuildRequest } from '../../../src/builders/builder.ts';
import { BuildLog, buildFailed, csvField, prepare } from '../../../src/builders/prepare.ts';

describe('BuildLog', () => {
  const log = (...lines: string[]) => {
    const seen: string[] = [];
    const build = new BuildLog((line) => seen.push(line));
    for (const line of lines) build.add(line);
    return { seen, build };
  };

  test('keeps the last 30 lines and passes all on', () => {
    const { seen, build } = log(...Array.from({ length: 100 }, (_, index) => `line ${index}`));
    expect(seen).toHaveLength(100);
    expect(build.tail.split('\n')).toEqual(seen.slice(-30));
  });

  test.each([
    ['colours', '\u001b[31mred\u001b[0m', 'red'],
    ['a window title', '\u001b]0;title\u0007text', 'text'],
    ['a bell and backspaces', 'a\u0007b\u0008c', 'abc'],
    ['the C1 form of an escape sequence', 'a\u009b31mb', 'ab'],
    ['carriage returns', '10%\r20%\r', '10%20%'],
    ['a tab stays', 'a\tb', 'a\tb'],
  ])('takes out %s', (_name, line, expected) => {
    expect(log(line).seen).toEqual([expected]);
  });

  test('no line can steer a terminal', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (line) => {
        for (const seen of log(line).seen) expect(seen).not.toMatch(/[^\P{Cc}\t]/u);
      }),
    );
  });

  test('passes over empty lines', () => {
    expect(log('', '  ', '\u001b[0m').seen).toEqual([]);
  });
});

test.each([
  ['plain', 'plain'],
  ['a,b', '"a,b"'],
  ['a"b', '"a""b"'],
  ['', ''],
])('csvField(%j)', (text, field) => {
  expect(csvField(text)).toBe(field);
});

test('a failed build names no component: it is shown beside the one that failed', () => {
  const log = new BuildLog(undefined);
  expect(buildFailed('exit code: 1', log).message).toBe('The build failed: exit code: 1');
  expect(buildFailed(undefined, log).message).toBe('The build failed');
});

test.each([
  ['write /layer: no space left on device', 'Free space, or set TMPDIR to a larger disk.'],
  ['error: unknown flag', 'Fix the failed step; the log shows its output.'],
])('a build that ends with %j is advised: %s', (line, advice) => {
  const log = new BuildLog(undefined);
  log.add(line);
  expect(buildFailed(undefined, log).suggestions).toEqual([advice]);
});

test.each<[Partial<BuildRequest>, string]>([
  [{ args: { SOURCE_DATE_EPOCH: '1' } }, 'The build argument SOURCE_DATE_EPOCH is set by primitive'],
  [{ secrets: [{ id: 'token', source: { env: 'NOT_SET' } }] }, 'Build secret token not found'],
])('what cannot be built names no component either: %j', async (asked, message) => {
  const request = { args: {}, secrets: [], ...asked } as unknown as BuildRequest;
  await expect(prepare(request, {})).rejects.toMatchObject({ message });
});
