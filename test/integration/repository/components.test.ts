import { realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CONFIG_FILE, findConfig } from '../../../src/repository/discovery.ts';
import { type FileContent, gitRepo, temporaryFolder } from '../../support/git.ts';
import { oneComponent, openWorkspace, refusal } from '../../support/workspace.ts';

const ORDERS = 'primitives/domain/orders';
const DIGEST = `sha256:${'0'.repeat(64)}`;

/** The component of a repository whose files are those of `oneComponent` and these. */
async function componentOf(files: Record<string, FileContent>) {
  await using repo = await gitRepo({ ...oneComponent(), ...files });
  const [component] = (await openWorkspace(repo.root)).components;
  return component;
}

const manifest = (text: string) => ({ [`${ORDERS}/primitive.yaml`]: text });

describe('a component', () => {
  test('is what its kind and the config make of it', async () => {
    expect(await componentOf({})).toEqual({
      id: 'domain/orders',
      kind: 'domain',
      name: 'orders',
      path: ORDERS,
      image: 'domain-orders',
      repository: 'ghcr.io/acme/domain-orders',
      build: {
        context: ORDERS,
        dockerfile: 'Dockerfile',
        platforms: [
          { os: 'linux', architecture: 'amd64' },
          { os: 'linux', architecture: 'arm64' },
        ],
        args: {},
        bases: {},
        secrets: [],
      },
    });
  });

  test('adds to the config what its own file says', async () => {
    const component = await componentOf({
      'primitive.config.yaml': `registry: ghcr.io/acme
image: apps/{kind}/{name}
platforms: [linux/amd64]
build:
  args: { A: shared, B: shared }
  bases: { golang: "mirror.lan/golang@${DIGEST}" }
  secrets: [{ id: npm, env: NPM }, { id: pip, env: PIP }]
`,
      ...manifest(`# yaml-language-server: $schema=…
schema: primitive.primitive/v1
kind: domain
name: orders
template: { version: 1, files: { Dockerfile: "${DIGEST}" } }
image: shop/orders
build:
  context: .
  dockerfile: build/Dockerfile
  target: run
  inputs: [go.work, "pkg/**", "${ORDERS}/**"]
  platforms: [linux/s390x]
  args: { B: own }
  secrets: [{ id: pip, env: OWN_PIP }]
`),
      [`${ORDERS}/build/Dockerfile`]: 'FROM scratch\n',
      'go.work': 'go 1.26\n',
      'pkg/lib.go': 'package pkg\n',
    });
    expect(component).toMatchObject({
      image: 'shop/orders',
      repository: 'ghcr.io/acme/shop/orders',
      build: {
        context: '',
        dockerfile: `${ORDERS}/build/Dockerfile`,
        target: 'run',
        platforms: [{ os: 'linux', architecture: 's390x' }],
        args: { A: 'shared', B: 'own' },
        bases: { golang: `mirror.lan/golang@${DIGEST}` },
        secrets: [
          { id: 'npm', source: { env: 'NPM' } },
          { id: 'pip', source: { env: 'OWN_PIP' } },
        ],
      },
    });
  });

  test('of shared code takes in what its inputs name, and changes with that alone', async () => {
    const build = `{ context: ., inputs: ["go.work", "pkg/**", "!**/*_test.go", "${ORDERS}/**"] }`;
    await using repo = await gitRepo({
      ...oneComponent({ 'main.go': 'x', 'main_test.go': 'x' }, build),
      'go.work': 'go 1.26\n',
      'pkg/lib.go': 'x',
      'pkg/lib_test.go': 'x',
      'other/file': 'x',
      '.dockerignore': '**/*.md\n',
      [`${ORDERS}/Dockerfile.dockerignore`]: '**/*.txt\n',
    });
    const look = async () => {
      const [inputs] = await (await openWorkspace(repo.root)).contexts();
      return { digest: inputs?.inputDigest, paths: inputs?.entries.map(({ path }) => path) };
    };
    const before = await look();
    expect(before.paths).toEqual([
      '.dockerignore',
      'go.work',
      'pkg/lib.go',
      `${ORDERS}/Dockerfile`,
      `${ORDERS}/Dockerfile.dockerignore`,
      `${ORDERS}/main.go`,
      `${ORDERS}/main_test.go`,
      `${ORDERS}/primitive.yaml`,
    ]);
    await repo.commit({ 'other/file': 'y', 'pkg/lib_test.go': 'y', 'pkg/more_test.go': 'y' });
    expect(await look()).toEqual(before);
    for (const path of ['go.work', 'pkg/new.go', '.dockerignore', `${ORDERS}/Dockerfile.dockerignore`]) {
      const { digest } = await look();
      await repo.commit({ [path]: 'changed\n' });
      expect((await look()).digest, path).not.toBe(digest);
    }
  });

  test.each([
    ['./', '', `${ORDERS}/Dockerfile`],
    ['primitives/', 'primitives', 'domain/orders/Dockerfile'],
  ])('has a context that is written %s', async (given, context, dockerfile) => {
    const build = `build: { context: "${given}", inputs: ["**"] }`;
    const component = await componentOf(manifest(`kind: domain\nname: orders\n${build}\n`));
    expect(component?.build).toMatchObject({ context, dockerfile });
  });

  test('is in a workspace below the root of the repository', async () => {
    const files = oneComponent();
    await using repo = await gitRepo(
      Object.fromEntries(Object.entries(files).map(([path, text]) => [`apps/${path}`, text])),
    );
    const { components, contexts } = await openWorkspace(join(repo.root, 'apps'));
    expect(components).toMatchObject([
      { path: `apps/${ORDERS}`, build: { context: `apps/${ORDERS}`, dockerfile: 'Dockerfile' } },
    ]);
    expect((await contexts())[0]?.entries.map(({ path }) => path)).toEqual(['Dockerfile', 'primitive.yaml']);
  });
});

describe('a primitive.yaml that is wrong', () => {
  test.each([
    ['', 'primitive-invalid', '1:1', '`kind` is missing'],
    ['kind: domain\nname: [orders\n', 'primitive-syntax', '3:1', ''],
    ['kind: domain\nname: orders\nimmage: x\n', 'primitive-unknown-key', '3:1', 'unknown key `immage`'],
    ['kind: process\nname: orders\n', 'primitive-invalid', '1:7', 'the folder is that of a domain'],
    ['kind: domain\nname: order\n', 'primitive-invalid', '2:7', 'the folder is called orders'],
    ['kind: domian\nname: orders\n', 'primitive-invalid', '1:7', 'the folder is that of a domain'],
    ['kind: domain\nname: orders\nimage: Shop\n', 'primitive-invalid', '3:8', 'upper-case'],
    ['kind: domain\nname: orders\nimage: x:1\n', 'primitive-invalid', '3:8', 'cannot be used'],
    [
      'kind: domain\nname: orders\nbuild: { context: ../.. }\n',
      'primitive-invalid',
      '3:19',
      'leads out of the repository',
    ],
    [
      'kind: domain\nname: orders\nbuild: { context: /etc }\n',
      'primitive-invalid',
      '3:19',
      'leads out of the repository',
    ],
    [
      'kind: domain\nname: orders\nbuild: { context: . }\n',
      'primitive-invalid',
      '3:19',
      'needs `build.inputs`',
    ],
    [
      'kind: domain\nname: orders\nbuild: { context: primitives, inputs: [] }\n',
      'primitive-invalid',
      '3:39',
      'at least one',
    ],
    [
      'kind: domain\nname: orders\nbuild: { dockerfile: ../Dockerfile }\n',
      'primitive-invalid',
      '3:22',
      'not in the build context',
    ],
    [
      'kind: domain\nname: orders\nbuild: { context: docs, inputs: ["**"] }\n',
      'primitive-invalid',
      '3:8',
      'not in the build context',
    ],
    [
      'kind: domain\nname: orders\nbuild: { inputs: ["../x"] }\n',
      'primitive-invalid',
      '3:19',
      'leaves the context',
    ],
    [
      'kind: domain\nname: orders\nbuild: { platforms: [windows] }\n',
      'primitive-invalid',
      '3:22',
      'os/architecture',
    ],
    [
      'kind: domain\nname: orders\nbuild: { args: { "1": x } }\n',
      'primitive-invalid',
      '3:18',
      'name of a build argument',
    ],
    [
      'kind: domain\nname: orders\nbuild: { secrets: [{ id: a }] }\n',
      'primitive-invalid',
      '3:20',
      'must be { id, env }',
    ],
  ])('%j: %s at %s: %s', async (text, code, position, message) => {
    const error = await refusal(componentOf(manifest(text)));
    const lines = [error.message, ...(error.why ?? '').split('\n')];
    expect([error.code, error.exit]).toEqual([code, 2]);
    expect(
      lines.some(
        (line) => line.startsWith(`${ORDERS}/primitive.yaml:${position}: `) && line.includes(message),
      ),
      lines.join('\n'),
    ).toBe(true);
  });

  test.each([
    ['Orders', 'upper-case'],
    ['orders.api', 'does not match'],
    ['o', 'does not match'],
    ['1st', 'does not match'],
    ['-x', 'does not match'],
    ['func', 'reserves'],
    ['x'.repeat(200), '200 characters'],
  ])('the name %s: %s', async (name, why) => {
    await using repo = await gitRepo({
      'primitive.config.yaml': 'registry: ghcr.io/acme\n',
      [`primitives/domain/${name}/primitive.yaml`]: `kind: domain\nname: ${name}\n`,
      [`primitives/domain/${name}/Dockerfile`]: 'FROM scratch\n',
    });
    const error = await refusal(openWorkspace(repo.root));
    expect(error).toMatchObject({ code: 'primitive-invalid', exit: 2 });
    expect(error.message).toContain(why);
    expect(error.suggestions).toEqual([expect.stringMatching(/^mv .* primitives\/domain\/[a-z]+/)]);
  });

  test('a kind that there is not, in a folder of its own', async () => {
    await using repo = await gitRepo({
      'primitive.config.yaml': 'registry: ghcr.io/acme\n',
      'primitives/domian/orders/primitive.yaml': 'kind: domian\nname: orders\n',
    });
    const error = await refusal(openWorkspace(repo.root));
    expect(error.message).toContain('kind "domian" is unknown');
    expect(error.suggestions).toEqual(['Did you mean domain?']);
  });

  test('two components with one image', async () => {
    await using repo = await gitRepo({
      ...oneComponent(),
      'primitive.config.yaml': 'registry: ghcr.io/acme\nimage: "{name}"\n',
      'primitives/process/orders/primitive.yaml': 'kind: process\nname: orders\n',
    });
    const error = await refusal(openWorkspace(repo.root));
    expect(error).toMatchObject({
      code: 'image-clash',
      message: 'domain/orders and process/orders have the same image: ghcr.io/acme/orders',
    });
  });

  test('that is too large', async () => {
    const error = await refusal(componentOf(manifest(`# ${'x'.repeat(5 * 1024 * 1024)}\n`)));
    expect(error).toMatchObject({ code: 'git-file-too-large', exit: 2 });
  });

  test('that is a link', async () => {
    const error = await refusal(
      componentOf({ 'primitives/domain/x/primitive.yaml': { link: '../orders/primitive.yaml' } }),
    );
    expect(error).toMatchObject({ code: 'primitive-invalid', exit: 2 });
  });
});

describe('what looks like a component and is none', () => {
  test('is named by a warning', async () => {
    await using repo = await gitRepo({
      ...oneComponent(),
      'primitives/domain/legacy/Dockerfile': 'FROM scratch\n',
      'primitives/lonely/primitive.yaml': 'kind: domain\nname: lonely\n',
      'primitives/domain/group/nested/primitive.yaml': 'kind: domain\nname: nested\n',
    });
    await repo.write({ 'primitives/agent/fresh/primitive.yaml': 'kind: agent\nname: fresh\n' });
    const { components, warnings } = await openWorkspace(repo.root);
    expect(components.map(({ id }) => id)).toEqual(['domain/orders']);
    expect(warnings.map(({ rule, path }) => [rule, path])).toEqual([
      ['primitive-misplaced', 'primitives/domain/group/nested/primitive.yaml'],
      ['primitive-undeclared', 'primitives/domain/legacy'],
      ['primitive-misplaced', 'primitives/lonely/primitive.yaml'],
      ['primitive-uncommitted', 'primitives/agent/fresh'],
    ]);
  });

  test('where there is nothing else, the error says what was looked for, where, and what was there instead', async () => {
    await using repo = await gitRepo({
      'primitive.config.yaml': 'registry: ghcr.io/acme\n',
      'primitives/domain/legacy/Dockerfile': 'FROM scratch\n',
    });
    const error = await refusal(openWorkspace(repo.root));
    expect(error).toMatchObject({
      code: 'components-none',
      exit: 2,
      message: 'No primitive found at HEAD: no file primitives/<kind>/<name>/primitive.yaml.',
    });
    expect(error.why).toContain(`${repo.root}/primitive.config.yaml makes ${repo.root} the root`);
    expect(error.why).toContain('primitives/domain/legacy: ignored');
    expect(error.suggestions[0]).toContain('primitive scaffold');
  });
});

describe('inputs that are not there', () => {
  test.each<[string, Record<string, FileContent>, string, string]>([
    [
      'a glob that matches nothing',
      manifest('kind: domain\nname: orders\nbuild: { inputs: ["**", "srcs/**"] }\n'),
      'inputs-glob-empty',
      '`srcs/**`',
    ],
    [
      'a glob that names a folder',
      {
        ...manifest('kind: domain\nname: orders\nbuild: { inputs: ["cmd", "*"] }\n'),
        [`${ORDERS}/cmd/main.go`]: 'x',
      },
      'inputs-glob-empty',
      '`cmd`',
    ],
    [
      'a Dockerfile',
      manifest('kind: domain\nname: orders\nbuild: { dockerfile: Containerfile }\n'),
      'dockerfile-missing',
      `${ORDERS}/Containerfile`,
    ],
  ])('%s', async (_, files, code, named) => {
    await using repo = await gitRepo({ ...oneComponent(), ...files });
    const error = await refusal((await openWorkspace(repo.root)).contexts());
    expect([error.code, error.exit]).toEqual([code, 2]);
    expect(error.message).toContain(named);
  });

  test('a context without a file', async () => {
    await using repo = await gitRepo(
      oneComponent({}, '{ context: primitives/domain/orders/sub, dockerfile: sub/Dockerfile }'),
    );
    expect(await refusal((await openWorkspace(repo.root)).inputs())).toMatchObject({
      code: 'context-empty',
      exit: 2,
    });
  });
});

describe('the config', () => {
  test('is the nearest one up to the root of the repository, from any folder', async () => {
    await using repo = await gitRepo({
      [CONFIG_FILE]: 'registry: a.example\n',
      'sub/deep/file': 'x',
      [`sub/${CONFIG_FILE}`]: 'registry: b.example\n',
    });
    expect(await findConfig({ cwd: repo.root })).toEqual({
      path: join(repo.root, CONFIG_FILE),
      root: repo.root,
      repositoryRoot: repo.root,
      found: 'nearest',
    });
    expect((await findConfig({ cwd: join(repo.root, 'sub/deep') })).path).toBe(
      join(repo.root, 'sub', CONFIG_FILE),
    );
  });

  test('is a file of this repository where it is named', async () => {
    await using repo = await gitRepo({ a: 'x' });
    await using elsewhere = await temporaryFolder();
    const file = join(elsewhere.path, CONFIG_FILE);
    await writeFile(file, 'registry: a.example\n');
    const named = (configFile: string) => findConfig({ cwd: repo.root, configFile });
    await expect(named(repo.root)).rejects.toMatchObject({
      code: 'config-not-found',
      message: `Cannot find the file ${repo.root}.`,
    });
    await expect(named(file)).rejects.toMatchObject({
      code: 'config-outside-repository',
      message: `${file} is not in this repository.`,
      why: `It is in no repository; the current directory is in ${repo.root}.`,
    });
  });

  test('is not looked for above the repository', async () => {
    await using repo = await gitRepo({ a: 'x' });
    await writeFile(join(repo.root, '..', CONFIG_FILE), 'registry: a.example\n');
    const error = await refusal(findConfig({ cwd: repo.root }));
    expect(error).toMatchObject({ code: 'config-not-found', exit: 2 });
    expect(error.message).toContain(repo.root);
    expect(error.suggestions).toEqual([
      'primitive init',
      `Or create a minimal one: echo 'registry: ghcr.io/OWNER' > ${repo.root}/primitive.config.yaml`,
      'Or run in the repository: primitive -C DIR …',
    ]);
  });

  test('can be named', async () => {
    await using repo = await gitRepo({ 'ci/publish.yaml': 'registry: a.example\n' });
    const location = await findConfig({ cwd: '/', configFile: join(repo.root, 'ci/publish.yaml') });
    expect(location).toMatchObject({
      root: join(repo.root, 'ci'),
      repositoryRoot: repo.root,
      found: 'given',
    });
    expect((await refusal(findConfig({ cwd: '/', configFile: '/no/such.yaml' }))).message).toContain(
      '/no/such.yaml',
    );
  });

  test('of another repository is refused', async () => {
    await using repo = await gitRepo({ 'my ci/publish.yaml': 'registry: a.example\n' });
    await using other = await gitRepo({ a: 'x' });
    const configFile = join(repo.root, 'my ci/publish.yaml');
    expect(await refusal(findConfig({ cwd: other.root, configFile }))).toMatchObject({
      code: 'config-outside-repository',
      exit: 2,
      suggestions: [`primitive -C '${join(repo.root, 'my ci')}' …`],
    });
  });

  test('is found through a link to the folder', async () => {
    await using repo = await gitRepo({ [CONFIG_FILE]: 'registry: a.example\n' });
    await using folder = await temporaryFolder();
    await symlink(repo.root, join(folder.path, 'link'));
    expect((await findConfig({ cwd: join(folder.path, 'link') })).root).toBe(await realpath(repo.root));
  });

  test('in a folder that is gone', async () => {
    await using folder = await temporaryFolder();
    await rm(folder.path, { recursive: true });
    expect(await refusal(findConfig({ cwd: folder.path }))).toMatchObject({
      code: 'folder-not-found',
      exit: 2,
    });
  });
});
