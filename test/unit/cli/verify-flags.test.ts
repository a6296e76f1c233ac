import { Parser } from '@oclif/core';
import { expect, test } from 'vitest';
import { requestOf, verifyFlags } from '../../../src/cli/verify-flags.ts';

const requested = async (...argv: string[]) => {
  const { flags } = await Parser.parse(argv, { flags: verifyFlags });
  return requestOf({ selectors: [] }, flags as Parameters<typeof requestOf>[1]);
};

test('without --install nothing is installed; with it, packages run no scripts unless they are allowed to', async () => {
  expect((await requested()).install).toBe(false);
  expect((await requested('--install')).install).not.toBe(false);
  expect((await requested('--install')).install).not.toMatchObject({ scripts: true });
  expect((await requested('--install', '--install-scripts')).install).toEqual({ scripts: true });
});
