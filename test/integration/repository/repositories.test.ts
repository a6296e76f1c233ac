import { execFileSync } from 'node:child_process';
import { chmod, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { writeContext } from '../../../src/repository/context.ts';
import {
  clone,
  type FileContent,
  gitEnvironment,
  gitRepo,
  openTestRepository,
  temporaryFolder,
} from '../../support/git.ts';
import { folderListing } from '../../support/listing.ts';
import { oneComponent, openWorkspace } from '../../support/workspace.ts';

const FILES: Record<string, FileContent> = oneComponent({
  'cmd/main.go': 'package main\n',
  'data.bin': Uint8Array.from({ length: 100_000 }, (_, i) => (i * 7) % 256),
  latest: { link: 'cmd/main.go' },
});

/** Digest and context of the one component of a work tree. */
async function observe(root: string, variables?: NodeJS.ProcessEnv) {
  const workspace = await openWorkspace(root, variables);
  const [inputs] = await workspace.inputs();
  if (inputs === undefined) throw new Error('no component');
  await using folder = await temporaryFolder();
  await writeContext(workspace.tree, inputs, join(folder.path, 'context'));
  return {
    digest: inputs.inputDigest,
    context: await folderListing(join(folder.path, 'context')),
    head: workspace.tree.head,
  };
}

describe('digest and context are the same however the repository was got', () => {
  test('a clone of depth 1, and one without files', async () => {
    await using origin = await gitRepo({ 'README.md': 'first\n' });
    origin.git('config', 'uploadpack.allowFilter', 'true');
    await origin.commit(FILES);
    const expected = await observe(origin.root);
    await using shallow = await clone(origin.root, '--depth=1');
    await using partial = await clone(origin.root, '--filter=blob:none', '--sparse');
    expect(partial.git('rev-list', '--objects', '--missing=print', 'HEAD')).toMatch(/^\?/m);
    await using treeless = await clone(origin.root, '--filter=tree:0', '--depth=1');
    for (const { root } of [shallow, partial, treeless]) {
      const { digest, context } = await observe(root);
      expect({ digest, context }).toEqual({ digest: expected.digest, context: expected.context });
    }
    expect((await observe(shallow.root)).head).toMatchObject({ shallow: true, branch: 'main' });
  });

  test('a partial clone asks for all that is missing at once', async () => {
    await using origin = await gitRepo(
      oneComponent(Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`file-${i}`, `content ${i}`]))),
    );
    origin.git('config', 'uploadpack.allowFilter', 'true');
    await using partial = await clone(origin.root, '--filter=blob:none', '--sparse');
    await using folder = await temporaryFolder();
    const log = join(folder.path, 'trace');
    const { tree, inputs } = await openWorkspace(partial.root, { ...gitEnvironment, GIT_TRACE2: log });
    const [component] = await inputs();
    if (component) await writeContext(tree, component, join(folder.path, 'context'));
    // One for primitive.yaml, one for the context.
    expect((await readFile(log, 'utf8')).match(/ start .* fetch .*--stdin/g)).toHaveLength(2);
    expect((await readFile(log, 'utf8')).match(/ child_start.*upload-pack/g)).toHaveLength(2);
  });

  test('a clone without folders gets them all at once', async () => {
    await using origin = await gitRepo({ ...FILES, 'primitives/domain/orders/a/b/c/d': 'x' });
    origin.git('config', 'uploadpack.allowFilter', 'true');
    await using partial = await clone(origin.root, '--filter=tree:0', '--no-checkout');
    await partial.write({ 'primitive.config.yaml': await origin.read('primitive.config.yaml') });
    await using folder = await temporaryFolder();
    const log = join(folder.path, 'trace');
    const opened = await openWorkspace(partial.root, { ...gitEnvironment, GIT_TRACE2: log });
    opened.tree.changes = async () => [];
    const [found] = await opened.contexts();
    const [expected] = await (await openWorkspace(origin.root)).contexts();
    expect(found).toEqual(expected);
    // All folders and nothing else, then primitive.yaml, then the target of the link.
    expect((await readFile(log, 'utf8')).match(/ child_start.*upload-pack/g)?.length).toBeLessThanOrEqual(3);
  });

  test('a linked worktree, a detached HEAD, packed objects', async () => {
    await using repo = await gitRepo(FILES);
    const expected = await observe(repo.root);
    await using other = await temporaryFolder();
    repo.git('worktree', 'add', '--quiet', '--detach', join(other.path, 'linked'));
    repo.git('gc', '--quiet');
    expect(await observe(join(other.path, 'linked', 'primitives'))).toEqual({
      ...expected,
      head: { commit: expected.head.commit, tree: expected.head.tree, objectFormat: 'sha1', shallow: false },
    });
  });

  test.each([['--cone'], ['--sparse-index'], ['--no-cone']])('a sparse checkout (%s)', async (option) => {
    await using repo = await gitRepo({
      ...FILES,
      'primitives/agent/helper/primitive.yaml': 'kind: agent\nname: helper\n',
      'primitives/agent/helper/Dockerfile': 'FROM scratch\n',
    });
    const before = (await (await openWorkspace(repo.root)).inputs()).map(({ inputDigest }) => inputDigest);
    repo.git('sparse-checkout', 'set', option, option === '--no-cone' ? '/primitive.config.yaml' : 'docs');
    expect(() => repo.git('ls-files', '--error-unmatch', '--deleted', 'primitives/agent')).toThrow();
    const after = (await (await openWorkspace(repo.root)).inputs()).map(({ inputDigest }) => inputDigest);
    expect(after).toEqual(before);
  });

  test('a repository with SHA-256 ids', async () => {
    await using repo = await gitRepo(FILES, { objectFormat: 'sha256' });
    await using sha1 = await gitRepo(FILES);
    const found = await observe(repo.root);
    const other = await observe(sha1.root);
    expect(found.head).toMatchObject({
      objectFormat: 'sha256',
      commit: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(found.context).toEqual(other.context);
    expect(found.digest).not.toBe(other.digest);
  });
});

describe('what the machine does to a work tree does not reach the image', () => {
  test('line endings, filters and export attributes', async () => {
    const attributes =
      '*.txt text eol=crlf\n*.id ident\nsecret.md export-ignore\nversion export-subst\n*.up filter=upper\n';
    const files = {
      'a.txt': 'one\ntwo\n',
      'b.id': '$Id$\n',
      'secret.md': 'x\n',
      version: '$Format:%H$\n',
      'c.up': 'low\n',
    };
    await using repo = await gitRepo();
    repo.git('config', 'core.autocrlf', 'true');
    // The user's own, because filters of the repository's configuration are not run.
    await using folder = await temporaryFolder();
    const userConfig = join(folder.path, 'gitconfig');
    const smudge = ['filter.upper.smudge', 'tr a-z A-Z'] as const;
    repo.git('config', '--file', userConfig, ...smudge);
    repo.git('config', '--file', userConfig, 'filter.upper.clean', 'tr A-Z a-z');
    await repo.commit(oneComponent({ '.gitattributes': attributes, ...files }));
    await rm(join(repo.root, 'primitives/domain/orders'), { recursive: true });
    repo.git('-c', smudge.join('='), 'checkout', '--quiet', '--', '.');
    expect(await repo.read('primitives/domain/orders/a.txt')).toBe('one\r\ntwo\r\n');
    expect(await repo.read('primitives/domain/orders/c.up')).toBe('LOW\r\n');
    const { context } = await observe(repo.root, { ...gitEnvironment, GIT_CONFIG_GLOBAL: userConfig });
    for (const [path, content] of Object.entries(files)) {
      const base64 = Buffer.from(content).toString('base64');
      expect(context[path]?.split(' '), path).toEqual(['file', '644', expect.any(String), base64]);
    }
  });

  test('changes that git was told not to see', async () => {
    await using repo = await gitRepo(FILES);
    const expected = await observe(repo.root);
    repo.git('update-index', '--assume-unchanged', 'primitives/domain/orders/cmd/main.go');
    repo.git('update-index', '--skip-worktree', 'primitives/domain/orders/Dockerfile');
    await repo.write({
      'primitives/domain/orders/cmd/main.go': 'evil\n',
      'primitives/domain/orders/Dockerfile': 'FROM evil\n',
    });
    expect(await observe(repo.root)).toEqual(expected);
  });

  test('ignored files, file times, and modes beyond the executable bit', async () => {
    await using repo = await gitRepo({ ...FILES, '.gitignore': '*.log\nnode_modules/\n' });
    const expected = await observe(repo.root);
    await repo.write({
      'primitives/domain/orders/debug.log': 'secret\n',
      'primitives/domain/orders/node_modules/x/index.js': 'secret\n',
    });
    await chmod(join(repo.root, 'primitives/domain/orders/Dockerfile'), 0o600);
    expect(await observe(repo.root)).toEqual(expected);
  });

  test('replaced objects', async () => {
    await using repo = await gitRepo(FILES);
    const expected = await observe(repo.root);
    const blob = repo.git('rev-parse', 'HEAD:primitives/domain/orders/cmd/main.go');
    const evil = repo.gitWithInput('evil\n', 'hash-object', '-w', '--stdin');
    repo.git('replace', blob, evil);
    expect(repo.git('show', 'HEAD:primitives/domain/orders/cmd/main.go')).toBe('evil');
    expect(await observe(repo.root)).toEqual(expected);
  });
});

describe('what a repository says of itself is not obeyed', () => {
  test('variables that a hook inherits lead to no other repository', async () => {
    await using repo = await gitRepo(FILES);
    await using other = await gitRepo({ 'primitive.config.yaml': 'registry: evil.example/x\n' });
    const { tree } = await openWorkspace(repo.root, {
      ...process.env,
      GIT_DIR: join(other.root, '.git'),
      GIT_WORK_TREE: other.root,
      GIT_INDEX_FILE: join(other.root, '.git/index'),
      GIT_OBJECT_DIRECTORY: join(other.root, '.git/objects'),
    });
    expect([tree.root, tree.head.commit]).toEqual([repo.root, repo.git('rev-parse', 'HEAD')]);
  });
});

test('two clones at other places, times, time zones and umasks: the same digest and the same bytes', async () => {
  await using origin = await gitRepo({
    ...FILES,
    'primitives/domain/orders/run.sh': '#!/bin/sh\n',
    'primitives/domain/orders/empty': '',
    'primitives/domain/orders/deep/er/and/deeper/file': 'x',
  });
  origin.git('update-index', '--chmod=+x', 'primitives/domain/orders/run.sh');
  origin.git('commit', '--quiet', '--message=Make it executable');
  origin.git('checkout', '--quiet', '--', '.');
  const found: unknown[] = [];
  for (const [umask, zone] of [
    ['000', 'Pacific/Kiritimati'],
    ['077', 'America/St_Johns'],
  ] as const) {
    await using copy = await clone(origin.root);
    await using folder = await temporaryFolder();
    const script = join(import.meta.dirname, '../../support/write-context.ts');
    const context = join(folder.path, zone.replace('/', ' '));
    const digest = execFileSync(
      'sh',
      ['-c', 'umask "$0" && exec "$@"', umask, process.execPath, script, copy.root, context],
      {
        env: { ...process.env, TZ: zone, LC_ALL: 'C', NODE_NO_WARNINGS: '1' },
        encoding: 'utf8',
      },
    );
    found.push({ digest, context: await folderListing(context) });
  }
  expect(found[0]).toEqual(found[1]);
  expect(found[0]).toMatchObject({
    digest: expect.stringMatching(/^[0-9a-f]{64}$/),
    context: {
      '/': 'folder 755 1980-01-01T00:00:00.000Z',
      'run.sh': expect.stringMatching(/^file 755 19[89]\d-/),
      latest: expect.stringMatching(/^link 19[89]\d-.* cmd\/main\.go$/),
      'deep/er/and/deeper/': 'folder 755 1980-01-01T00:00:00.000Z',
    },
  });
});

test('a file has another time when its content changes, and no other file has', async () => {
  await using repo = await gitRepo(FILES);
  const before = (await observe(repo.root)).context;
  await repo.commit({ 'primitives/domain/orders/cmd/main.go': 'package moon\n' });
  const after = (await observe(repo.root)).context;
  const time = (line = '') => line.split(' ')[2];
  const other = Object.keys(before).filter((path) => time(before[path]) !== time(after[path]));
  expect(other).toEqual(['cmd/main.go']);
});

test('a repository in a folder with an odd name', async () => {
  await using repo = await gitRepo(FILES);
  const expected = await observe(repo.root);
  const odd = join(dirname(repo.root), 'two\nlines "and" more');
  await rename(repo.root, odd);
  expect(await observe(odd)).toEqual(expected);
  await rename(odd, repo.root);
});

test('a worktree that was opened by a folder inside of it', async () => {
  await using repo = await gitRepo(FILES);
  await mkdir(join(repo.root, 'docs'));
  const { tree } = await openWorkspace(join(repo.root, 'docs'));
  expect(tree.root).toBe(openTestRepository(repo.root).root);
});
