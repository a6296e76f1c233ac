import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type FileContent, gitRepo } from '../../support/git.ts';
import { verifyRepository } from '../../support/verify-repository.ts';

const base: Readonly<Record<string, FileContent>> = {
  'primitive.config.yaml': 'registry: ghcr.io/acme\nimports: { sdk: { go: [example.com/acme/sdk] } }\n',
  'go.work': 'go 1.26\n',
  'primitives/domain/orders/primitive.yaml': 'kind: domain\nname: orders\n',
  'primitives/domain/orders/go.mod':
    'module example.com/acme/orders\n\nrequire (\n\texample.com/rates v1.0.0\n\texample.com/acme/sdk v1.0.0\n)\n',
  'primitives/domain/orders/main.go':
    'package main\n\nimport (\n\t_ "example.com/rates"\n\t_ "example.com/acme/sdk/api"\n)\n',
  'primitives/uisurface/web/primitive.yaml': 'kind: uisurface\nname: web\n',
  'primitives/uisurface/web/package.json': '{ "name": "@acme/web", "dependencies": { "@neutral/lib": "*" } }',
  'primitives/uisurface/web/src/home.ts': "import '@neutral/lib';\n",
  'primitives/agent/helper/primitive.yaml': 'kind: agent\nname: helper\n',
  'primitives/agent/helper/pyproject.toml': '[project]\nname = "helper"\n',
  'primitives/agent/helper/src/helper/graph.py': 'import board\n',
  'primitives/projection/board/primitive.yaml': 'kind: projection\nname: board\n',
  'primitives/projection/board/package.json': '{ "name": "@acme/board" }',
  'primitives/projection/board/board.go': 'package board\n',
  'primitives/projection/board/lib/index.ts': '',
  'packages/sdk-go/go.mod': 'module example.com/acme/sdk\n',
  'packages/sdk-go/api/api.go': 'package api\n\nimport _ "example.com/acme/sdk/deep"\n',
  'packages/sdk-go/deep/deep.go': 'package deep\n',
  'README.md': '',
};

/** What a full run and one since `main` find of imports after a change, and what the latter checks. */
async function compare(change: Readonly<Record<string, FileContent>>, removed: readonly string[] = []) {
  await using repo = await gitRepo(base);
  repo.git('checkout', '--quiet', '-b', 'topic');
  for (const path of removed) await rm(join(repo.root, path));
  await repo.commit(change);
  const run = async (changedSince: string | undefined) =>
    (await verifyRepository(repo.root, { families: ['IMP'], changedSince })).document;
  const [full, since] = [await run(undefined), await run('main')];
  const shown = (findings: typeof full.findings) => findings.map(({ rule, path }) => `${rule} ${path}`);
  return { full: shown(full.findings), since: shown(since.findings), document: since };
}

describe('what changed code alters for unchanged code', () => {
  test('a copy of a proto file that has changed is checked', async () => {
    const api = 'syntax = "proto3";\npackage acme.v1;\n';
    const of = (kind: string, name: string, template: string) => ({
      [`primitives/${kind}/${name}/primitive.yaml`]: `kind: ${kind}\nname: ${name}\ntemplate:\n  version: 1\n${template}`,
    });
    const proto = 'primitives/domain/orders/proto/acme/v1/api.proto';
    await using repo = await gitRepo({
      'primitive.config.yaml': 'registry: ghcr.io/acme\n',
      ...of('domain', 'orders', `  files: |-\n    ${'a'.repeat(64)}  proto/acme/v1/api.proto\n`),
      [proto]: api,
      ...of('uisurface', 'web', '  inputs: { source: domain/orders }\n  files: {}\n'),
      'primitives/uisurface/web/proto/service.proto': api,
      ...of('uisurface', 'other', '  inputs: { source: domain/bills }\n  files: {}\n'),
      'primitives/uisurface/other/proto/service.proto': api,
    });
    repo.git('checkout', '--quiet', '-b', 'topic');
    await repo.commit({ [proto]: `${api}message Order {}\n` });
    const { document } = await verifyRepository(repo.root, { families: ['GEN'], changedSince: 'main' });
    expect(document.scope.primitives).toEqual(['domain/orders', 'uisurface/web']);
    expect(document.findings.filter(({ rule }) => rule === 'GEN-008').map(({ path }) => path)).toEqual([
      'primitives/uisurface/web/proto/service.proto',
    ]);
  });

  test.each([
    [
      'a replace in the root',
      { 'go.work': 'go 1.26\n\nreplace example.com/rates => ./primitives/projection/board\n' },
      'IMP-001 primitives/domain/orders/main.go',
      'domain/orders',
    ],
    [
      'a new name of a package',
      { 'primitives/projection/board/package.json': '{ "name": "@neutral/lib" }' },
      'IMP-001 primitives/uisurface/web/src/home.ts',
      'uisurface/web',
    ],
    [
      'a new package of Python',
      {
        'primitives/projection/board/pyproject.toml': '[project]\nname = "board"\n',
        'primitives/projection/board/src/board/__init__.py': '',
      },
      'IMP-001 primitives/agent/helper/src/helper/graph.py',
      'agent/helper',
    ],
    [
      'an SDK that leads on to a primitive',
      {
        'packages/sdk-go/deep/deep.go': 'package deep\n\nimport _ "example.com/acme/orders2"\n',
        'primitives/domain/orders2/go.mod': 'module example.com/acme/orders2\n',
      },
      'IMP-001 primitives/domain/orders/main.go',
      'domain/orders',
    ],
  ])('%s', async (_, change, finding, primitive) => {
    const { full, since, document } = await compare(change);
    expect(full).toContain(finding);
    expect(since).toEqual(full);
    expect(document.scope.primitives).toContain(primitive);
  });

  test('of a page nothing depends: the others are said to be left out, and nothing has passed', async () => {
    const { document } = await compare({ 'README.md': 'changed' });
    expect([document.verdict, document.scope.primitives]).toEqual(['partial', []]);
    const left = document.unchecked
      .filter(({ why }) => why === 'unchanged since main')
      .map(({ what }) => what);
    expect(left).toEqual(['agent/helper', 'domain/orders', 'projection/board', 'uisurface/web']);
  });

  test.each([
    ['of the context', '.dockerignore', undefined],
    ['of the Dockerfile', 'primitives/domain/orders/Dockerfile.dockerignore', undefined],
    ['of a Dockerfile elsewhere', 'build/orders.dockerfile.dockerignore', 'build/orders.dockerfile'],
  ])('a list of ignored files %s selects whose image it decides on', async (_, path, other) => {
    const dockerfile = other ?? 'primitives/domain/orders/Dockerfile';
    await using repo = await gitRepo({
      ...base,
      'primitives/domain/orders/primitive.yaml': `kind: domain
name: orders
build: { context: ., dockerfile: ${other === undefined ? 'Dockerfile' : `../../../${other}`}, inputs: ["primitives/domain/orders/**"] }
`,
      [dockerfile]: 'FROM scratch\n',
    });
    repo.git('checkout', '--quiet', '-b', 'topic');
    await repo.commit({ [path]: '**/*_test.go\n' });
    const { document } = await verifyRepository(repo.root, { families: ['IMP'], changedSince: 'main' });
    expect(document.scope.primitives).toEqual(['domain/orders']);
  });

  test('a file that is gone concerns whoever imported it', async () => {
    const { document } = await compare({}, ['packages/sdk-go/go.mod', 'packages/sdk-go/deep/deep.go']);
    expect(document.scope.primitives).toEqual(['domain/orders']);
  });
});
