import { execFileSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../../..');

test('the rules of gitleaks are what its config says, translated by the parser of Go', {
  timeout: 300_000,
}, () => {
  const program = join(ROOT, '.ci/gitleaks/rules.ts');
  expect(() => execFileSync(process.execPath, [program, '--check'], { stdio: 'pipe' })).not.toThrow();
});
