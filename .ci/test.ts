/**
 * `npm test`: installs the tools that the tests need, builds what is published, and runs every test. Arguments go to
 * vitest: `npm test -- test/unit`.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { choice } from '../test/support/sample.ts';

const root = join(import.meta.dirname, '..');
const vitest = join(root, 'node_modules/vitest/vitest.mjs');
const steps: readonly (readonly [string, ...string[]])[] = [
  ['tools', join(root, 'test/tools/install.ts')],
  ['build', join(root, '.ci/build.ts')],
  ['tests', vitest, 'run', ...process.argv.slice(2)],
];

const started = performance.now();
console.log(`Cases of long lists by ${choice}`);
for (const [name, ...args] of steps) {
  console.log(`\n== ${name}`);
  const { status, signal, error } = spawnSync(process.execPath, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (status !== 0) {
    const how = error?.message ?? (signal === null ? `exit code ${status}` : `ended by ${signal}`);
    console.error(`\nnpm test: ${name} failed (${how})`);
    process.exit(status ?? 1);
  }
}
const seconds = Math.round((performance.now() - started) / 1000);
console.log(`\nnpm test: all passed in ${Math.floor(seconds / 60)} min ${seconds % 60} s`);
