import { join } from 'node:path';
import { grantedTo, type SuiteRunner, start } from '../runner.ts';
import { isFailure, tail } from '../test-case.ts';
import { CARGO_ENVIRONMENT } from './lock.ts';
import { compileCases, readCargoTest, targetsOf } from './test-output.ts';

/** A report of more characters is not read: a suite that prints so much is broken. */
const MAX_OUTPUT = 64 * 1024 * 1024;

/** `cargo test` with all targets, whichever fail; libtest prints a line for each case. */
export const cargoTest: SuiteRunner['run'] = async (primitive, suite, ports, { tool: cargo }) => {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const output = await start(
    cargo,
    ['test', '--locked', '--offline', '--no-fail-fast', ...suite.args],
    ports,
    {
      cwd: join(ports.tree.root, primitive.path),
      env: { ...grantedTo(suite, ports), ...CARGO_ENVIRONMENT, RUST_BACKTRACE: '0' },
      stdout: (chunk) => {
        length += chunk.length;
        if (length <= MAX_OUTPUT) chunks.push(chunk);
      },
    },
  );
  const { stderr, exitCode, timedOut } = output;
  if (/but --offline was specified|using offline mode/.test(stderr)) {
    const [, why = 'a crate is missing'] = /^error: (.*)$/m.exec(stderr) ?? [];
    return { cause: 'dependencies-missing', why };
  }
  const toolchain = /^error: (toolchain .* is not installed.*|.*custom toolchain .*)$/m.exec(stderr)?.[1];
  if (toolchain !== undefined) return { cause: 'tool-failed', why: toolchain };
  const { cases, isWhole } = readCargoTest(Buffer.concat(chunks).toString(), primitive);
  const targets = targetsOf(stderr);
  const compiled = compileCases(stderr, primitive);
  const all = [...cases, ...compiled];
  const isExplained = isWhole && !timedOut && length <= MAX_OUTPUT;
  const hasFailed = all.some(({ outcome }) => isFailure(outcome));
  if (!isExplained || (exitCode !== 0 && !hasFailed)) {
    const why = timedOut
      ? 'The time limit ended it.'
      : `It ended with exit code ${exitCode}, and its output does not say why.`;
    const outcome = timedOut ? 'timeout' : 'panic';
    return { cases: [...all, { id: 'cargo test', group: '', outcome, output: tail(`${why}\n${stderr}`) }] };
  }
  return {
    cases: all,
    ...(compiled.length > 0
      ? {}
      : {
          leftOut: {
            files: primitive.files
              .filter((file) => /^tests\/[^/]+\.rs$/.test(file) && !targets.has(file))
              .map((file) => `${primitive.path}/${file}`),
            why: 'cargo test does not run it: its target is left out, or lacks features',
          },
        }),
    // Tests of other languages in the primitive, no suite has run.
    reach: { files: new Set<string>(), ran: new Set<string>(), left: [] },
  };
};
