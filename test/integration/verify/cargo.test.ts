import { delimiter, dirname } from 'node:path';
import { expect, test } from 'vitest';
import { tool } from '../../tools/locate.ts';
import { environment, type Files, found, type Options, verifySuites } from './workbench.ts';

const ECHO = 'primitives/crate/echo';
const TESTS = `
#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn adds() {
        print!("noise");
        assert_eq!(add(1, 2), 3);
    }
    #[test]
    #[should_panic]
    fn overflows() {
        add(i32::MAX, 1);
    }
}
`;
const LIB = `/// \`\`\`
/// assert_eq!(echo::add(1, 2), 3);
/// \`\`\`
pub fn add(a: i32, b: i32) -> i32 {
    a + b
}
${TESTS}`;
const LOCK = `version = 3

[[package]]
name = "echo"
version = "0.1.0"
`;
const MANIFEST = '[package]\nname = "echo"\nversion = "0.1.0"\nedition = "2021"\n';
const WHOLE = '#[test]\nfn from_outside() {\n    assert_eq!(echo::add(2, 2), 4);\n}\n';

/** What verify says of a crate whose suite `cargo test` runs. */
function cargo(more: Files = {}, { args = '[]', ...options }: Options & { readonly args?: string } = {}) {
  const files = {
    '../kinds/crate/kind.yaml': `schema: primitive.kind/v1
kind: crate
version: 1
language: other
names: { pattern: "^[a-z]+$" }
suites: [{ id: unit, runner: cargo-test, args: ${args}, required: true }]
build: { context: ".", dockerfile: Dockerfile }
`,
    [`${ECHO}/.gitignore`]: 'target\n',
    [`${ECHO}/Dockerfile`]: 'FROM scratch\n',
    [`${ECHO}/Cargo.toml`]: MANIFEST,
    [`${ECHO}/Cargo.lock`]: LOCK,
    [`${ECHO}/src/lib.rs`]: LIB,
    [`${ECHO}/tests/whole.rs`]: WHOLE,
    ...more,
  };
  return verifySuites('crate/echo', files, {
    variables: { PATH: [dirname(tool('cargo')), environment.PATH].join(delimiter) },
    ...options,
  });
}

test('cases of units, of files in tests/ and of documentation are evidence', async () => {
  const { document } = await cargo();
  expect(document).toMatchObject({
    findings: [],
    suites: [{ suite: 'unit', passed: 4, failed: 0, skipped: 0 }],
  });
  expect(document.run.evidence).toMatchObject([{ suite: 'unit', digest: expect.stringMatching(/^sha256:/) }]);
});

test('what fails is told apart, with its place', async () => {
  const fails = LIB.replace('add(1, 2), 3);\n    }', 'add(1, 2), 4);\n    }');
  const wrong = await cargo({ [`${ECHO}/src/lib.rs`]: fails });
  expect(found(wrong)).toEqual([`TEST-002 ${ECHO}/src/lib.rs`]);
  expect(wrong.document.findings).toMatchObject([{ line: 14 }]);
  // A file that fails ends none after it.
  expect(wrong.document.suites).toMatchObject([{ passed: 3, failed: 1 }]);
  const broken = await cargo({ [`${ECHO}/tests/whole.rs`]: WHOLE.replace('2, 2', '"2"') });
  expect(found(broken)).toContain(`TEST-004 ${ECHO}/tests/whole.rs`);
  const aborts = await cargo({
    [`${ECHO}/tests/whole.rs`]: WHOLE.replace('assert_eq!', 'std::process::exit(0); assert_eq!'),
  });
  expect(found(aborts)).toEqual([`TEST-006 ${ECHO}`]);
  const hangs = WHOLE.replace(
    'assert_eq!',
    'loop { std::thread::park(); } #[allow(unreachable_code)] assert_eq!',
  );
  expect(found(await cargo({ [`${ECHO}/tests/whole.rs`]: hangs }, { limit: 20_000 }))).toEqual([
    `TEST-007 ${ECHO}`,
  ]);
});

test('a suite without a case is a finding, and what was left out is not checked', async () => {
  const none = await cargo({
    [`${ECHO}/src/lib.rs`]: 'pub fn add(a: i32, b: i32) -> i32 { a + b }\n',
    [`${ECHO}/tests/whole.rs`]: '',
  });
  expect(found(none)).toEqual([`TEST-001 ${ECHO}`]);
  const skips = await cargo({
    [`${ECHO}/Cargo.toml`]: `${MANIFEST}autotests = false\n`,
    [`${ECHO}/src/lib.rs`]: LIB.replace('#[test]\n    fn adds', '#[test]\n    #[ignore]\n    fn adds'),
  });
  expect(found(skips)).toEqual([]);
  expect(skips.document.verdict).toBe('partial');
  expect(skips.document.unchecked).toEqual(
    expect.arrayContaining([
      { what: `${ECHO}/tests/whole.rs`, why: expect.stringContaining('cargo test does not run it') },
      { what: 'crate/echo unit', why: 'skipped: tests::adds' },
    ]),
  );
  const filtered = await cargo({}, { args: '[outside]' });
  expect(filtered.document.unchecked).toContainEqual({
    what: 'crate/echo unit',
    why: expect.stringContaining('left out by its arguments'),
  });
});

test('the lock file is what counts, nothing is downloaded, and no other program is started', async () => {
  const added = await cargo({ [`${ECHO}/Cargo.toml`]: `${MANIFEST}[dependencies]\nno-such-crate = "1"\n` });
  expect(found(added)).toEqual([`TEST-011 ${ECHO}/Cargo.lock`]);
  const missing = await cargo({
    [`${ECHO}/Cargo.toml`]: `${MANIFEST}[dependencies]\nno-such-crate = "1"\n`,
    [`${ECHO}/Cargo.lock`]: `version = 3

[[package]]
name = "echo"
version = "0.1.0"
dependencies = [
 "no-such-crate",
]

[[package]]
name = "no-such-crate"
version = "1.0.0"
source = "registry+https://github.com/rust-lang/crates.io-index"
checksum = "${'0'.repeat(64)}"
`,
  });
  expect(found(missing)).toEqual([`INT-003 ${ECHO}`]);
  expect(missing.document.findings[0]?.fix).toMatchObject({ text: `cd ${ECHO} && cargo fetch --locked` });
  for (const args of [
    '["--config=a"]',
    '["--manifest-path=b"]',
    '[--, --nocapture]',
    '[-Zunstable]',
    '[../c]',
  ])
    await expect(cargo({}, { args })).rejects.toMatchObject({ code: 'kind-invalid' });
});
