import { expect, test } from 'vitest';
import { readCargoTest } from '../../../src/languages/rust/test-output.ts';

const primitive = { id: 'service/echo', path: 'primitives/service/echo', files: ['src/lib.rs'] };

/** What libtest prints of a case that passed after it printed something, and of one that failed. */
const printed = (panic: string, result = '1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out;') => `
running 2 tests
noisetest tests::adds ... ok
test tests::fails ... FAILED

failures:

---- tests::fails stdout ----
${panic}
test tests::adds ... ok

failures:
    tests::fails

test result: FAILED. ${result} finished in 0.00s
`;

test.each([
  ["thread 'tests::fails' (7) panicked at src/lib.rs:11:26:\nassertion `left == right` failed"],
  ["thread 'tests::fails' panicked at 'assertion failed: `(left == right)`\n  left: `3`', src/lib.rs:11:26"],
])('cases, and where one of them panicked: %j', (panic) => {
  const { cases, isWhole } = readCargoTest(printed(panic), primitive);
  expect(isWhole).toBe(true);
  expect(cases).toMatchObject([
    { id: 'tests::adds', outcome: 'passed' },
    {
      id: 'tests::fails',
      outcome: 'assertion',
      path: 'primitives/service/echo/src/lib.rs',
      line: 11,
      column: 26,
    },
  ]);
});

test('a report is whole only with a result for each program that agrees with its lines', () => {
  expect(
    readCargoTest(printed('', '2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out;'), primitive)
      .isWhole,
  ).toBe(false);
  expect(readCargoTest('running 2 tests\ntest a ... ok\n', primitive).isWhole).toBe(false);
  expect(readCargoTest(`${printed('')}\nrunning 1 test\n`, primitive).isWhole).toBe(false);
  expect(readCargoTest('', primitive)).toEqual({ cases: [], isWhole: true });
});
