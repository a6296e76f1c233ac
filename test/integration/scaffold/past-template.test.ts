import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestRepository, temporaryFolder } from '../../support/git.ts';
import { scaffold, scaffoldRepo } from '../../support/scaffold-world.ts';
import { integrityOf, type NpmRegistry, startNpmRegistry } from '../../support/services/npm-registry.ts';
import { attempt, devCli, run } from '../../support/services/run.ts';

const PACKAGE = 'node_modules/@acme/kinds';
const TEMPLATE = `${PACKAGE}/kinds/widget/files/src/[snake].ts.eta`;
const SOURCE = 'primitives/widget/order-lines/src/order_lines.ts';
const LINES = ['one', 'two', 'three', 'four', 'five', 'six', 'seven'];
const text = (lines: readonly string[]) => `${lines.join('\n')}\n`;

let registry: NpmRegistry;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  [registry, folder] = await Promise.all([startNpmRegistry([]), temporaryFolder()]);
});
afterAll(async () => {
  await registry?.stop();
  await folder?.[Symbol.asyncDispose]();
});

/** Edited since it was scaffolded by version 1.0.0 of the package, and of a history that does not have that; 1.1.0 is installed. */
async function cutOff(): Promise<TestRepository> {
  const repo = await scaffoldRepo();
  await writeFile(join(repo.root, TEMPLATE), text(LINES));
  await run('npm', ['pack', '--silent', '--ignore-scripts', join(repo.root, PACKAGE)], { cwd: folder.path });
  const tarball = await readFile(join(folder.path, 'acme-kinds-1.0.0.tgz'));
  registry.replace({ name: '@acme/kinds', version: '1.0.0', tarball });
  const entry = { version: '1.0.0', integrity: integrityOf(tarball) };
  const lock = { lockfileVersion: 3, packages: { [PACKAGE]: entry } };
  await repo.write({ 'package-lock.json': JSON.stringify(lock) });
  await scaffold(repo.root);
  await repo.write({
    [SOURCE]: text(LINES.with(5, 'mine')),
    [`${PACKAGE}/package.json`]: '{ "name": "@acme/kinds", "version": "1.1.0" }\n',
    [TEMPLATE]: text(LINES.with(1, 'TWO')),
  });
  await rm(join(repo.root, '.git'), { recursive: true });
  repo.git('init', '--quiet', '--initial-branch=main');
  await repo.commit({}, 'Begin anew');
  return repo;
}

function update(repo: TestRepository) {
  const env = {
    ...process.env,
    NPM_CONFIG_REGISTRY: registry.url,
    npm_config_cache: join(folder.path, 'cache'),
  };
  const args = ['scaffold', '--kind', 'widget', '--name', 'order-lines', '--update', '--json'];
  return attempt(devCli, args, { cwd: repo.root, env: env as Record<string, string> });
}

describe('the base of a merge that is not in the history', () => {
  test('is rendered from the recorded version of the package, which is fetched', async () => {
    await using repo = await cutOff();
    const { code, stdout } = await update(repo);
    expect([code, JSON.parse(stdout).template.behind]).toEqual([0, []]);
    expect(await readFile(join(repo.root, SOURCE), 'utf8')).toBe(text(LINES.with(1, 'TWO').with(5, 'mine')));
    expect(registry.requests).toContain('/@acme/kinds/-/package-1.0.0.tgz');
  });

  test('is not taken from other bytes of that version', async () => {
    await using repo = await cutOff();
    const other = await readFile(join(folder.path, 'acme-kinds-1.0.0.tgz'));
    registry.replace({
      name: '@acme/kinds',
      version: '1.0.0',
      tarball: Buffer.concat([other, Buffer.from([0])]),
    });
    await rm(join(folder.path, 'cache'), { recursive: true, force: true });
    const { code, stdout, stderr } = await update(repo);
    expect([code, JSON.parse(stdout).template.behind]).toEqual([1, ['src/order_lines.ts']]);
    expect(stderr).toContain('Cannot fetch @acme/kinds@1.0.0.');
    expect(await readFile(join(repo.root, SOURCE), 'utf8')).toBe(text(LINES.with(5, 'mine')));
  });
});
