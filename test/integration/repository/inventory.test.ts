import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openRepository } from '../../../src/adapters/git.ts';
import { createProcesses } from '../../../src/adapters/process.ts';
import { takeInventory } from '../../../src/features/list/inventory.ts';
import { bundledKinds, openKinds } from '../../../src/kinds/kind.ts';
import { loadConfig } from '../../../src/repository/config.ts';
import { findConfig } from '../../../src/repository/discovery.ts';
import { gitEnvironment, gitRepo, type TestRepository, temporaryFolder } from '../../support/git.ts';
import { attemptUnprivileged, devCli } from '../../support/services/run.ts';
import { oneComponent, openWorkspace } from '../../support/workspace.ts';

const ORDERS = 'primitives/domain/orders';
const FRESH = {
  'primitives/agent/fresh/primitive.yaml': 'kind: agent\nname: fresh\ntemplate: { version: 3 }\n',
  'primitives/agent/fresh/Dockerfile': 'FROM scratch\n',
};

/** With git unless told. */
async function inventory(cwd: string, committed = true) {
  const location = await findConfig({ cwd });
  const tree = committed ? await openRepository(createProcesses(gitEnvironment), location.root) : undefined;
  const [config, kinds] = await Promise.all([
    loadConfig(location, '1.0.0'),
    openKinds({ bundled: bundledKinds() }),
  ]);
  return takeInventory({ location, config, kinds }, tree);
}

/** `domain/orders committed`, with the digest where there is one. */
async function states(cwd: string, committed = true): Promise<readonly string[]> {
  const { primitives } = await inventory(cwd, committed);
  return primitives.map(({ id, state, inputDigest }) => [id, state, ...(inputDigest ? ['+'] : [])].join(' '));
}

describe('what is in front of people', () => {
  test('is listed with the digests of HEAD, the same as publish reads', async () => {
    await using repo = await gitRepo({ ...oneComponent(), ...FRESH });
    const { primitives } = await inventory(repo.root);
    const inputs = await (await openWorkspace(repo.root)).inputs();
    expect(primitives.map(({ inputDigest }) => inputDigest)).toEqual(
      inputs.map(({ inputDigest }) => inputDigest),
    );
    expect(primitives.map(({ path, manifest }) => [path, manifest?.provenance?.version])).toEqual([
      ['primitives/agent/fresh', 3],
      [ORDERS, undefined],
    ]);
  });

  test('before the first commit, and outside of git', async () => {
    await using repo = await gitRepo();
    await repo.write({ ...oneComponent(), ...FRESH });
    expect(await states(repo.root, false)).toEqual(['agent/fresh uncommitted', 'domain/orders uncommitted']);
    await using folder = await temporaryFolder();
    await mkdir(join(folder.path, ORDERS), { recursive: true });
    await writeFile(join(folder.path, 'primitive.config.yaml'), 'registry: ghcr.io/acme\n');
    await writeFile(join(folder.path, ORDERS, 'primitive.yaml'), 'kind: domain\nname: orders\n');
    expect(await states(folder.path, false)).toEqual(['domain/orders uncommitted']);
  });

  test('just scaffolded, beside one that was committed', async () => {
    await using repo = await gitRepo(oneComponent());
    await repo.write(FRESH);
    expect(await states(repo.root)).toEqual(['agent/fresh uncommitted', 'domain/orders committed +']);
    repo.git('add', '.');
    expect(await states(repo.root)).toEqual(['agent/fresh uncommitted', 'domain/orders committed +']);
  });

  const changes: [string, (repo: TestRepository) => unknown, string][] = [
    ['an input', (repo) => repo.write({ [`${ORDERS}/main.go`]: 'changed\n' }), 'domain/orders modified'],
    ['a new input', (repo) => repo.write({ [`${ORDERS}/new.go`]: 'x' }), 'domain/orders modified'],
    ['a deleted input', (repo) => rm(join(repo.root, ORDERS, 'main.go')), 'domain/orders modified'],
    ['no Dockerfile', (repo) => rm(join(repo.root, ORDERS, 'Dockerfile')), 'domain/orders modified'],
    [
      'its manifest',
      (repo) => repo.write({ [`${ORDERS}/primitive.yaml`]: 'kind: domain\nname: orders\nimage: other\n' }),
      'domain/orders modified',
    ],
    [
      'the config, an input of all',
      (repo) => repo.write({ 'primitive.config.yaml': 'registry: ghcr.io/other\n' }),
      'domain/orders modified',
    ],
    ['what is no input', (repo) => repo.write({ 'README.md': 'x' }), 'domain/orders committed +'],
    [
      'a manifest that cannot be read',
      (repo) => repo.write({ [`${ORDERS}/primitive.yaml`]: 'kind: [\n' }),
      'domain/orders invalid',
    ],
  ];
  test.each(changes)('while one works: %s', async (_, change, expected) => {
    await using repo = await gitRepo({ ...oneComponent({ 'main.go': 'x' }), ...FRESH });
    await change(repo);
    expect((await states(repo.root)).at(-1)).toBe(expected);
  });

  test('without what was deleted, with what a sparse checkout leaves out', async () => {
    await using repo = await gitRepo({ ...oneComponent(), ...FRESH });
    await rm(join(repo.root, 'primitives/agent'), { recursive: true });
    expect(await states(repo.root)).toEqual(['domain/orders committed +']);
    repo.git('checkout', '--quiet', '--', '.');
    repo.git('sparse-checkout', 'set', '--cone', 'primitives/domain');
    expect(await states(repo.root)).toEqual(['agent/fresh committed +', 'domain/orders committed +']);
  });

  test('in a workspace below the root of the repository', async () => {
    const files = Object.entries(oneComponent()).map(([path, text]) => [`apps/${path}`, text]);
    await using repo = await gitRepo(Object.fromEntries(files));
    expect((await inventory(join(repo.root, 'apps'))).primitives).toMatchObject([
      { path: `apps/${ORDERS}`, state: 'committed' },
    ]);
  });

  test('a config that git does not hold commits nothing', async () => {
    await using repo = await gitRepo({ ...oneComponent(), '.gitignore': 'primitive.config.yaml\n' });
    expect(await states(repo.root)).toEqual(['domain/orders uncommitted']);
  });
});

describe('what only publish would refuse', () => {
  test('is told with the primitive and hides no other', async () => {
    await using repo = await gitRepo({
      ...oneComponent(),
      'primitives/domain/Bad/primitive.yaml': 'kind: domain\nname: Bad\n',
      'primitives/domain/empty/primitive.yaml': 'kind: domain\nname: empty\nbuild: { inputs: ["no/**"] }\n',
      'primitives/odd/one/primitive.yaml': 'kind: odd\nname: one\n',
    });
    const { primitives } = await inventory(repo.root);
    expect(primitives.map(({ id, state }) => `${id} ${state}`)).toEqual([
      'domain/Bad invalid',
      'domain/empty invalid',
      'domain/orders committed',
      'odd/one invalid',
    ]);
    expect(primitives.map(({ fault }) => fault?.message)).toEqual([
      expect.stringContaining('primitives/domain/Bad/primitive.yaml:2:7: the name "Bad"'),
      expect.stringContaining('The input `no/**` of domain/empty matches no file'),
      undefined,
      expect.stringContaining('kind "odd" is unknown'),
    ]);
  });

  test('two with one image, a link that leads out', async () => {
    await using repo = await gitRepo({
      ...oneComponent({ out: { link: '/etc' } }),
      'primitive.config.yaml': 'registry: ghcr.io/acme\nimage: "{name}"\n',
      'primitives/process/orders/primitive.yaml': 'kind: process\nname: orders\n',
    });
    expect(await states(repo.root)).toEqual(['domain/orders committed +', 'process/orders committed +']);
  });

  test('a folder that looks like a primitive is named, and there may be none', async () => {
    await using repo = await gitRepo({
      'primitive.config.yaml': 'registry: ghcr.io/acme\n',
      'primitives/domain/legacy/Dockerfile': 'FROM scratch\n',
    });
    expect(await inventory(repo.root)).toEqual({
      primitives: [],
      warnings: [expect.objectContaining({ rule: 'primitive-undeclared', path: 'primitives/domain/legacy' })],
    });
  });
});

test.each(['list', 'generate --check'])('%s fails where a primitive cannot be read', async (command) => {
  await using repo = await gitRepo(oneComponent());
  await chmod(join(repo.root, 'primitives/domain/orders/primitive.yaml'), 0);
  const { code, stderr } = await attemptUnprivileged(devCli, command.split(' '), { cwd: repo.root });
  expect({ code, stderr }).toEqual({ code: 3, stderr: expect.stringContaining('EACCES') });
});
