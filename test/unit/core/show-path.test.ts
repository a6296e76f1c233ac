import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { shellWord } from '../../../src/core/show-path.ts';

describe('shellWord', () => {
  test.each([
    ['primitives/domain/orders', 'primitives/domain/orders'],
    ['/home/my code', "'/home/my code'"],
    ["it's", "'it'\\''s'"],
    ['~/a', "'~/a'"],
    ['a$(touch b)', "'a$(touch b)'"],
    ['', "''"],
  ])('%s is advised as %s, which a shell reads as the same path', (path, word) => {
    expect(shellWord(path)).toBe(word);
    expect(execFileSync('sh', ['-c', `printf %s ${word}`]).toString()).toBe(path);
  });
});
