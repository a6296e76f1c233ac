import { expect, test } from 'vitest';
import { misspeltFlag, splitInputs } from '../../../src/cli/inputs.ts';

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

test.each([
  ['--kidn agent --name x', 'Flag --kidn is unknown.', 'Did you mean --kind?'],
  ['--knd a --jsn', 'Flags --knd, --jsn are unknown.', 'Did you mean --kind?'],
])('%s has a misspelt flag', (argv, message, suggestion) => {
  const error = misspeltFlag('scaffold', splitInputs(argv.split(' '), known), known);
  expect(error).toMatchObject({ code: 'unknown-flag', message });
  expect(error?.suggestions).toContain(suggestion);
});

test('an input that is close to no flag is none', () => {
  expect(misspeltFlag('scaffold', splitInputs(['--service', 'x'], known), known)).toBeUndefined();
});
