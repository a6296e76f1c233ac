import { expect, test } from 'vitest';
import { misspeltFlag, rethrow, splitInputs } from '../../../src/cli/inputs.ts';
import { PrimitiveError } from '../../../src/core/errors.ts';

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
  const error = misspeltFlag('scaffold', splitInputs(argv.split(' '), known).inputs, known);
  expect(error).toMatchObject({ code: 'unknown-flag', message });
  expect(error?.suggestions).toContain(suggestion);
});

test('an input that is close to no flag is none', () => {
  expect(misspeltFlag('scaffold', { service: 'x' }, known)).toBeUndefined();
});

test('an input that the kind does not have is the flag that it is close to', () => {
  const unknown = new PrimitiveError('input-unknown', 'Kind domain has no input --dry-rnu.');
  const slip = misspeltFlag('scaffold', { 'dry-rnu': '' }, { ...known, 'dry-run': { type: 'boolean' } });
  expect(() => rethrow(slip)(unknown)).toThrow('Flag --dry-rnu is unknown.');
  expect(() => rethrow(undefined)(unknown)).toThrow(unknown);
  const other = new PrimitiveError('name-clash', 'Name orders is too similar to order.');
  expect(() => rethrow(slip)(other)).toThrow(other);
});
