import { appendFileSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { attempt, run } from '../../support/services/run.ts';

const root = join(import.meta.dirname, '../../..');

/** A checkout of its own, with a commit, whose template is changed after it. */
let checkout: string;
beforeAll(async () => {
  checkout = mkdtempSync(join(tmpdir(), 'primitive-goldens-'));
  for (const path of ['.ci', 'src', 'templates', 'test/support', 'test/goldens.sha256', 'package.json']) {
    cpSync(join(root, path), join(checkout, path), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(checkout, 'node_modules'));
  const git = (...args: string[]) =>
    run('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], { cwd: checkout });
  await git('init', '--quiet');
  await git('add', '.ci', 'src', 'templates', 'test', 'package.json');
  await git('commit', '--quiet', '--message', 'Before');
  appendFileSync(join(checkout, 'templates/kinds/uisurface/files/tsconfig.json.eta'), '// changed\n');
});
afterAll(() => rmSync(checkout, { recursive: true, force: true }));

const goldens = (...args: string[]) =>
  attempt(process.execPath, ['.ci/goldens.ts', ...args], { cwd: checkout });

test('--against prints how the files differ from those of a commit, and writes nothing', async () => {
  const list = readFileSync(join(checkout, 'test/goldens.sha256'));
  const { code, stdout, stderr } = await goldens('--against', 'HEAD');
  expect([code, stderr, stdout]).toEqual([0, '', expect.stringMatching(/^\+\/\/ changed$/m)]);
  expect(stdout.match(/^diff .*$/gm)).toEqual([
    'diff --git before/uisurface/primitive.yaml after/uisurface/primitive.yaml',
    'diff --git before/uisurface/tsconfig.json after/uisurface/tsconfig.json',
  ]);
  expect(readFileSync(join(checkout, 'test/goldens.sha256'))).toEqual(list);
  expect(existsSync(join(checkout, 'goldens'))).toBe(false);
});

test('--against a commit that is not there names it', async () => {
  const { code, stderr } = await goldens('--against', 'nowhere');
  expect([code, stderr]).toEqual([1, expect.stringContaining('git has no commit nowhere here')]);
});

test('without it the files and their digests are written, and the changed ones named', async () => {
  const before = readFileSync(join(checkout, 'test/goldens.sha256'), 'utf8').split('\n');
  const { code, stdout } = await goldens();
  expect(code).toBe(0);
  expect(stdout.split('\n').slice(0, 2)).toEqual([
    'changed uisurface/primitive.yaml',
    'changed uisurface/tsconfig.json',
  ]);
  const after = readFileSync(join(checkout, 'test/goldens.sha256'), 'utf8').split('\n');
  expect(after.filter((line) => !before.includes(line)).map((line) => line.split(' ')[2])).toEqual([
    'uisurface/primitive.yaml',
    'uisurface/tsconfig.json',
  ]);
  expect(readFileSync(join(checkout, 'goldens/uisurface/tsconfig.json'), 'utf8')).toMatch(/\/\/ changed\n$/);
});
