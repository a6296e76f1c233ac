import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { attempt } from '../../support/services/run.ts';
import type { GoSource } from '../../tools/catalogue.ts';
import { buildGo } from '../../tools/go.ts';
import { tool } from '../../tools/locate.ts';

const MAIN = 'package main\n\nimport "example.com/dep"\n\nfunc main() { print(dep.Text) }\n';
const NEEDS = 'module example.com/tool\n\ngo 1.24\n\nrequire example.com/dep v1.0.0\n';
const DEP = { 'go.mod': 'module example.com/dep\n', 'dep.go': 'package dep\n\nconst Text = "released"\n' };

const DEP_SUMS = [
  'example.com/dep v1.0.0 h1:YoGtbc5DMObp7g06juZwF0n+eFMo3+hAdwQ0l9SuqFw=',
  'example.com/dep v1.0.0/go.mod h1:mhh2qvuaNXbD3WzHShoyLc7Bf3qxrveNlTFLAYg2RJ8=',
  '',
].join('\n');

const TOOL = { 'go.mod': NEEDS, 'go.sum': DEP_SUMS, 'main.go': MAIN };
const source: GoSource = {
  kind: 'go',
  module: 'example.com/tool',
  version: '1.0.0',
  pin: 'h1:1yWC/wIkbMQ8VQb8jqLSeXyhtty64bUnB7mj9wKgZJM=',
  seconds: 1,
};

let folder: string;
let output: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'primitive-go-modules-'));
  output = join(folder, 'tool');
  vi.stubEnv('GOPROXY', `file://${join(folder, 'proxy')}`);
  // A machine where nobody asks a checksum database.
  vi.stubEnv('GONOSUMDB', '*');
  forget();
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

/** Another module cache, as a machine has that never downloaded these modules. */
function forget(): void {
  const cache = mkdtempSync(join(folder, 'modules-'));
  vi.stubEnv('GOMODCACHE', cache);
}

/** Offers version 1.0.0 of a module on the proxy. */
function offer(module: string, files: Readonly<Record<string, string>>): void {
  const versions = join(folder, 'proxy', module, '@v');
  mkdirSync(versions, { recursive: true });
  writeFileSync(join(versions, 'v1.0.0.mod'), files['go.mod'] ?? '');
  writeFileSync(join(versions, 'v1.0.0.info'), '{"Version":"v1.0.0"}');
  const script = `import json, sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w") as zip:
    for path, text in json.loads(sys.argv[3]).items():
        zip.writestr(zipfile.ZipInfo(sys.argv[2] + "@v1.0.0/" + path), text)`;
  const args = [join(versions, 'v1.0.0.zip'), module, JSON.stringify(files)];
  execFileSync(tool('python3'), ['-c', script, ...args]);
}

const build = () => buildGo(tool('go'), source, output);

test('a program is built from its own module and what that depends on', async () => {
  offer('example.com/tool', TOOL);
  offer('example.com/dep', DEP);
  await build();
  const { stderr } = await attempt(output, []);
  expect(stderr).toBe('released');
});

const changed = { ...DEP, 'dep.go': 'package dep\n\nconst Text = "changed"\n' };

test('a dependency that was changed after its release is refused', async () => {
  offer('example.com/tool', TOOL);
  offer('example.com/dep', changed);
  await expect(build()).rejects.toThrow(/example.com\/dep@v1.0.0: checksum mismatch/);
  expect(existsSync(output)).toBe(false);
});

test('a module that was changed after its release is refused, also with hashes that fit its dependencies', async () => {
  offer('example.com/tool', { ...TOOL, 'main.go': MAIN.replace('dep.Text', '"changed"') });
  offer('example.com/dep', DEP);
  await expect(build()).rejects.toThrow(`example.com/tool@v1.0.0 is h1:`);
  offer('example.com/tool', { ...TOOL, 'go.sum': '' });
  forget();
  await expect(build()).rejects.toThrow(`not the pinned ${source.pin}: it was changed after its release`);
  expect(existsSync(output)).toBe(false);
});

test('a go.mod beside the module that names other dependencies than the one in it is refused', async () => {
  offer('example.com/tool', TOOL);
  offer('example.com/dep', DEP);
  const beside = join(folder, 'proxy/example.com/tool/@v/v1.0.0.mod');
  writeFileSync(beside, NEEDS.replace('go 1.24', 'go 1.25'));
  await expect(build()).rejects.toThrow(/example.com\/tool@v1.0.0\/go.mod: checksum mismatch/);
  expect(existsSync(output)).toBe(false);
});
