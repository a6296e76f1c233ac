import { expect, test } from 'vitest';
import { splitInputs } from '../../../src/cli/inputs.ts';

const known = { kind: { type: 'option' }, json: { type: 'boolean' }, directory: { type: 'option' } };

test.each([
  ['--kind a --json', '--kind a --json', {}],
  ['--kind a --service x.proto --json', '--kind a --json', { service: 'x.proto' }],
  ['--service=x=y --kind=a', '--kind=a', { service: 'x=y' }],
  ['--service --json', '--json', { service: '' }],
  ['--service', '', { service: '' }],
  ['--kind --service', '--kind --service', {}],
  ['-C dir --color red', '-C dir', { color: 'red' }],
  ['--json -- --service x', '--json -- --service x', {}],
])('%s', (argv, rest, inputs) => {
  const words = (text: string) => text.split(' ').filter((word) => word !== '');
  expect(splitInputs(words(argv), known)).toEqual({ rest: words(rest), inputs });
});
