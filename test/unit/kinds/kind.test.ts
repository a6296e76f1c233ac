import { mkdir, mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openKinds } from '../../../src/kinds/kind.ts';

test('the folders of a package are its kinds, and a file beside them is none', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'kinds-'));
  await mkdir(join(folder.path, 'widget/kind.yaml'), { recursive: true });
  await writeFile(join(folder.path, 'README.md'), '');
  const kinds = await openKinds({ '@acme/kinds': folder.path });
  expect(kinds.names).toEqual(['widget']);
  await expect(kinds.get('widget')).rejects.toMatchObject({
    code: 'kind-invalid',
    why: expect.stringContaining('EISDIR'),
  });
});

const KIND = `schema: primitive.kind/v1
kind: widget
version: 1
language: go
names: { pattern: "^[a-z]+$" }
build: { context: ".", dockerfile: Dockerfile }
run: { port: 8080, live: /livez, ready: /readyz, drainSeconds: 10 }
`;

async function readKind(more: string) {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'kinds-'));
  await mkdir(join(folder.path, 'widget'));
  await writeFile(join(folder.path, 'widget/kind.yaml'), KIND + more);
  const kinds = await openKinds({ '@acme/kinds': folder.path });
  return await kinds.get('widget');
}

const suite = (runner: string, args: readonly string[]) =>
  `suites: [{ id: unit, runner: ${runner}, args: ${JSON.stringify(args)} }]\n`;

test.each([
  ['go-test', ['-tags=integration', '-race', '--short', '-run=^TestA$', './...', './internal/store/...']],
  ['pytest', ['tests', '-q', '-m=not slow', '--strict-markers', '--import-mode=importlib']],
  ['node-test', ['test/*.test.ts', '--test-name-pattern=a', '--experimental-strip-types']],
  ['vitest', ['--project=unit', 'src']],
  ['cargo-test', ['--workspace', '--features=tls,echo/json', 'orders']],
])('a suite of %s takes %j', async (runner, args) => {
  expect(await readKind(suite(runner, args))).toMatchObject({ suites: [{ args }] });
});

test.each([
  ['go-test', '-exec=sh evil.sh'],
  ['go-test', '-exec'],
  ['go-test', '--exec=x'],
  ['go-test', '-toolexec=sh'],
  ['go-test', '-modfile=evil.mod'],
  ['go-test', '-overlay=evil.json'],
  ['go-test', '-ldflags=-extld=sh'],
  ['go-test', '-C=..'],
  ['go-test', '-args'],
  ['go-test', '../../domain/billing/...'],
  ['go-test', '/etc/...'],
  ['pytest', '-p'],
  ['pytest', '-pevil'],
  ['pytest', '-qp'],
  ['pytest', '-c'],
  ['pytest', '--rootdir=/'],
  ['pytest', '--override-ini=python_files=evil.py'],
  ['pytest', '-oaddopts=-pevil'],
  ['pytest', '@arguments'],
  ['node-test', '--import=./evil.js'],
  ['node-test', '--require'],
  ['node-test', '-r'],
  ['node-test', '--experimental-loader=./evil.js'],
  ['node-test', '--env-file=.env'],
  ['node-test', '--test-reporter=./evil.js'],
  ['node-test', '--test-global-setup=./evil.js'],
  ['node-test', '-e'],
  ['vitest', '--config=evil.ts'],
  ['vitest', '--root=/'],
  ['vitest', '--globalSetup=evil.ts'],
  ['vitest', '--reporter=./evil.ts'],
  ['vitest', ''],
  ['cargo-test', '--config=evil.toml'],
  ['cargo-test', '--manifest-path=evil/Cargo.toml'],
  ['cargo-test', '--'],
])('a suite of %s refuses %j', async (runner, argument) => {
  await expect(readKind(suite(runner, [argument]))).rejects.toMatchObject({
    code: 'kind-invalid',
    message: expect.stringContaining('is no argument of a suite'),
  });
});

test('suites of one kind are of one language', async () => {
  const two = ['go-test', 'cargo-test'].map((runner, i) => `{ id: s${i}, runner: ${runner}, args: [] }`);
  await expect(readKind(`suites: [${two.join(', ')}]\n`)).rejects.toMatchObject({
    message: expect.stringContaining('`suites` are of several languages: go, rust'),
  });
});

test.each([
  'files: [{ path: "*a*a*a*a*b", owner: impl }]\n',
  'imports: { infra: ["**/a/**/a/**/a/**/b"] }\n',
  `generators: [{ id: a, run: buf, version: 1.0.0, reads: ["${'{a,aa}'.repeat(20)}b"], writes: gen }]\n`,
  'inputs: { source: { type: path, match: "*a*a*a*a*b", help: a file } }\n',
])('a pattern that would take a matcher for ever is refused: %s', async (more) => {
  await expect(readKind(more)).rejects.toMatchObject({
    code: 'kind-invalid',
    message: expect.stringContaining('more than three'),
  });
});

test.each([
  [
    'nothing that serves',
    'processes: { work: { args: [work] } }\n',
    'needs a long-running process named serve',
  ],
  ['a serve that ends', 'processes: { serve: { once: true } }\n', 'needs a long-running process named serve'],
  [
    'a setting of no process',
    'processes: { serve: {} }\nsettings: { A_URL: { of: [dispatch], help: a } }\n',
    '`settings.A_URL.of` is not a process: "dispatch"',
  ],
  [
    'a pattern that cannot be read',
    'processes: { serve: {} }\nsettings: { A_URL: { pattern: "(", help: a } }\n',
    '`settings.A_URL.pattern` is not a regular expression: "("',
  ],
])('%s is refused', async (_, more, message) => {
  await expect(readKind(more)).rejects.toMatchObject({
    code: 'kind-invalid',
    message: expect.stringContaining(message),
  });
});
