import { execFileSync } from 'node:child_process';
import { chmod, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openRepository } from '../../../src/adapters/git.ts';
import { createProcesses } from '../../../src/adapters/process.ts';
import { writeContext } from '../../../src/repository/context.ts';
import { listFiles } from '../../../src/repository/folders.ts';
import {
  type FileContent,
  gitEnvironment,
  gitRepo,
  type TestRepository,
  temporaryFolder,
} from '../../support/git.ts';
import { folderListing } from '../../support/listing.ts';
import { oneComponent, openWorkspace, refusal } from '../../support/workspace.ts';

const ORDERS = 'primitives/domain/orders';

const inputsOf = async (root: string) => (await openWorkspace(root)).contexts();

async function pathsOf(root: string): Promise<readonly string[] | undefined> {
  return (await inputsOf(root))[0]?.entries.map(({ path }) => path);
}

describe('a dirty work tree', () => {
  const dirt: [string, (repo: TestRepository) => Promise<unknown> | unknown, string][] = [
    [
      'modified',
      (repo) => repo.write({ [`${ORDERS}/main.go`]: 'changed\n' }),
      'main.go (modified; domain/orders)',
    ],
    [
      'staged',
      (repo) => repo.write({ [`${ORDERS}/main.go`]: 'x\n' }).then(() => repo.git('add', '.')),
      'main.go (modified',
    ],
    ['new', (repo) => repo.write({ [`${ORDERS}/new.go`]: 'x' }), 'new.go (untracked; domain/orders)'],
    [
      'new and staged',
      (repo) => repo.write({ [`${ORDERS}/new.go`]: 'x' }).then(() => repo.git('add', '.')),
      'new.go (added',
    ],
    ['deleted', (repo) => rm(join(repo.root, ORDERS, 'main.go')), 'main.go (deleted'],
    ['deleted and staged', (repo) => repo.git('rm', '--quiet', `${ORDERS}/main.go`), 'main.go (deleted'],
    ['renamed', (repo) => repo.git('mv', `${ORDERS}/main.go`, `${ORDERS}/other.go`), 'other.go (added'],
    ['made executable', (repo) => chmod(join(repo.root, ORDERS, 'main.go'), 0o755), 'main.go (modified'],
    [
      'an odd name',
      (repo) => repo.write({ [`${ORDERS}/a\nb "c"`]: 'x' }),
      '"primitives/domain/orders/a\\nb \\"c\\"" (untracked',
    ],
    [
      'the config',
      (repo) => repo.write({ 'primitive.config.yaml': 'registry: ghcr.io/acme # x\n' }),
      'primitive.config.yaml (modified; config)',
    ],
    [
      'the manifest',
      (repo) => repo.write({ [`${ORDERS}/primitive.yaml`]: 'kind: domain\nname: orders\n\n' }),
      'primitive.yaml (modified',
    ],
    [
      'a repository inside',
      async (repo) => {
        await mkdir(join(repo.root, ORDERS, 'nested'));
        execFileSync('git', ['init', '--quiet', join(repo.root, ORDERS, 'nested')]);
        await repo.write({ [`${ORDERS}/nested/file`]: 'x' });
      },
      `${ORDERS}/nested/ (untracked`,
    ],
  ];

  test.each(dirt)('%s: refused by name', async (_, change, shown) => {
    await using repo = await gitRepo(oneComponent({ 'main.go': 'package main\n' }));
    await change(repo);
    const error = await refusal(inputsOf(repo.root));
    expect(error).toMatchObject({ code: 'inputs-dirty', exit: 2 });
    expect(error.message).toContain(shown);
  });

  test('what is no input may be as it likes', async () => {
    const files = oneComponent({ 'main.go': 'x', 'notes/a.md': 'x' }, '{ inputs: ["**", "!notes/**"] }');
    await using repo = await gitRepo({ ...files, 'README.md': 'x' });
    await repo.write({
      'README.md': 'y',
      TODO: 'z',
      [`${ORDERS}/notes/b.md`]: 'new',
      [`${ORDERS}/notes/a.md`]: 'changed',
    });
    expect(await pathsOf(repo.root)).toEqual(['Dockerfile', 'main.go', 'primitive.yaml']);
  });

  test('a merge that is not finished', async () => {
    await using repo = await gitRepo(oneComponent({ 'main.go': 'one\n' }));
    repo.git('switch', '--quiet', '--create', 'other');
    await repo.commit({ [`${ORDERS}/main.go`]: 'two\n' });
    repo.git('switch', '--quiet', 'main');
    await repo.commit({ [`${ORDERS}/main.go`]: 'three\n' });
    expect(() => repo.git('merge', 'other')).toThrow();
    expect((await refusal(inputsOf(repo.root))).message).toContain('main.go (conflicted');
  });

  test('the list is bounded', async () => {
    await using repo = await gitRepo(oneComponent());
    await repo.write(
      Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`${ORDERS}/new/file-${i}`, 'x'])),
    );
    const { message } = await refusal(inputsOf(repo.root));
    expect(message).toContain('and 480 more');
    expect(message.length).toBeLessThan(2000);
  });

  test('a config that git ignores', async () => {
    await using repo = await gitRepo({ ...oneComponent(), '.gitignore': 'primitive.config.yaml\n' });
    expect(await refusal(inputsOf(repo.root))).toMatchObject({ code: 'config-uncommitted', exit: 2 });
  });
});

describe('submodules', () => {
  const withSubmodule = async (build = '') => {
    const repo = await gitRepo(oneComponent({ 'main.go': 'x' }, build));
    const other = await gitRepo({ 'lib.go': 'x' });
    repo.git('submodule', '--quiet', 'add', `file://${other.root}`, `${ORDERS}/third_party/lib`);
    await repo.commit({});
    await other[Symbol.asyncDispose]();
    return repo;
  };

  test('are refused as inputs', async () => {
    await using repo = await withSubmodule();
    const error = await refusal(inputsOf(repo.root));
    expect(error).toMatchObject({
      code: 'inputs-submodule',
      message: 'The input third_party/lib of domain/orders is a git submodule.',
    });
    expect(error.suggestions[0]).toContain('inputs: ["**", "!third_party/lib"]');
  });

  test('are no matter where they are left out as the message says', async () => {
    await using repo = await withSubmodule('{ inputs: ["**", "!third_party/lib"] }');
    expect(await pathsOf(repo.root)).toEqual(['Dockerfile', 'main.go', 'primitive.yaml']);
  });
});

describe('symbolic links', () => {
  test.each<[string, Record<string, FileContent>]>([
    ['absolute', { evil: { link: '/etc/passwd' } }],
    ['upwards', { evil: { link: '../../../primitive.config.yaml' } }],
    ['upwards from below', { 'a/b/evil': { link: '../../../x' } }],
    ['upwards through another link', { here: { link: '.' }, evil: { link: 'here/../x' } }],
    [
      'upwards through a folder that is a link',
      { 'a/b/c/file': 'x', deep: { link: 'a/b' }, evil: { link: 'deep/../../../x' } },
    ],
    ['to a link that is absolute', { bin: { link: '/bin' }, evil: { link: 'bin/sh' } }],
  ])('that lead out are refused: %s', async (_, files) => {
    await using repo = await gitRepo(oneComponent(files));
    const error = await refusal(inputsOf(repo.root));
    expect(error).toMatchObject({ code: 'inputs-link-escapes', exit: 2 });
  });

  test('that stay inside are written as they are, also to nothing and in a circle', async () => {
    const files: Record<string, FileContent> = {
      'a/b/file': 'x',
      'a/up': { link: '../a/b/../b/file' },
      deep: { link: 'a/b' },
      through: { link: 'deep/../b/file' },
      nothing: { link: 'no/such/file' },
      one: { link: 'two' },
      two: { link: 'one' },
      self: { link: 'self/..' },
    };
    await using repo = await gitRepo(oneComponent(files));
    const workspace = await openWorkspace(repo.root);
    const [inputs] = await workspace.contexts();
    await using folder = await temporaryFolder();
    if (inputs) await writeContext(workspace.tree, inputs, join(folder.path, 'context'));
    const listing = await folderListing(join(folder.path, 'context'));
    for (const [path, content] of Object.entries(files)) {
      if (typeof content === 'object' && 'link' in content)
        expect(listing[path]?.endsWith(` ${content.link}`)).toBe(true);
    }
  });
});

describe('Git LFS', () => {
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'a'.repeat(64)}\nsize 12345\n`;

  test('pointers are refused by name, wherever the attributes are', async () => {
    for (const attributes of ['.gitattributes', `${ORDERS}/.gitattributes`]) {
      await using repo = await gitRepo({
        [attributes]: '*.onnx filter=lfs diff=lfs merge=lfs -text\n',
        ...oneComponent({ 'model.onnx': pointer, 'main.go': 'x' }),
      });
      const error = await refusal(inputsOf(repo.root));
      expect(error).toMatchObject({ code: 'inputs-lfs-pointer', exit: 2 });
      expect(error.message).toContain('domain/orders: primitives/domain/orders/model.onnx');
      expect(error.message).not.toContain('main.go');
    }
  });

  test.each<[string, Record<string, FileContent>]>([
    [
      'a file with the attribute that git itself holds',
      { '.gitattributes': '*.onnx filter=lfs\n', 'model.onnx': 'real' },
    ],
    ['a pointer without the attribute is a text like any other', { 'pointer.txt': pointer }],
    [
      'a file that was exempted',
      { '.gitattributes': '*.onnx filter=lfs\nx.onnx -filter\n', 'x.onnx': pointer },
    ],
  ])('is no matter: %s', async (_, files) => {
    await using repo = await gitRepo(oneComponent(files));
    expect(await inputsOf(repo.root)).toHaveLength(1);
  });

  test('attributes that were changed and not committed cannot hide one', async () => {
    await using repo = await gitRepo({
      '.gitattributes': '*.onnx filter=lfs\n',
      ...oneComponent({ 'model.onnx': pointer }),
    });
    await repo.write({ '.gitattributes': '\n' });
    repo.git('add', '.gitattributes');
    expect((await refusal(inputsOf(repo.root))).code).toMatch(/inputs-(dirty|lfs-pointer)/);
  });
});

describe('names', () => {
  const ODD = [
    'two\nlines',
    '-dash',
    '--help',
    'quote"d',
    "it's",
    'back\\slash',
    ' space ',
    'tab\t',
    '*?[x]',
    '$(touch pwned)',
    'caf\u00e9',
    'cafe\u0301',
    '\ufb01ligature',
    '\u{1f600}',
    '\uffee',
    '~',
    '.hidden/.file',
    'x'.repeat(200),
    'Makefile',
    'makefile',
  ];

  test('however odd, arrive as they are', async () => {
    await using repo = await gitRepo(oneComponent(Object.fromEntries(ODD.map((name) => [name, name]))));
    const workspace = await openWorkspace(repo.root);
    const [inputs] = await workspace.contexts();
    if (!inputs) throw new Error('no component');
    const paths = inputs.entries.map(({ path }) => path);
    expect(paths).toEqual([...ODD, 'Dockerfile', 'primitive.yaml'].sort());
    await using folder = await temporaryFolder();
    await writeContext(workspace.tree, inputs, join(folder.path, 'context'));
    const listing = await folderListing(join(folder.path, 'context'));
    for (const name of ODD)
      expect(listing[name]?.split(' ').at(-1), name).toBe(Buffer.from(name).toString('base64'));
  });

  test('that are not UTF-8 are refused where they are inputs, and no matter elsewhere', async () => {
    await using repo = await gitRepo(oneComponent({ 'main.go': 'x' }));
    const blob = repo.gitWithInput('x', 'hash-object', '-w', '--stdin');
    const add = (folder: string) => {
      const record = Buffer.concat([Buffer.from(`100644 ${blob}\t${folder}/caf`), Buffer.from([0xe9, 0])]);
      repo.gitWithInput(record, 'update-index', '-z', '--index-info');
      repo.git('commit', '--quiet', '--message=An odd name');
    };
    add('docs');
    execFileSync('sh', ['-c', 'mkdir -p docs && printf x > "docs/$(printf "caf\\351")"'], { cwd: repo.root });
    expect(await pathsOf(repo.root)).toEqual(['Dockerfile', 'main.go', 'primitive.yaml']);
    add(ORDERS);
    execFileSync('sh', ['-c', 'printf x > "$0/$(printf "caf\\351")"', ORDERS], { cwd: repo.root });
    const error = await refusal(inputsOf(repo.root));
    expect(error).toMatchObject({ code: 'inputs-name', why: 'its name is not UTF-8' });
    expect(error.message).toContain('caf\\\\xe9');
  });

  test.each(['..', '.git', '.GIT', '.'])('that no checkout would write are refused: %s', async (name) => {
    await using repo = await gitRepo(oneComponent({ 'main.go': 'x' }));
    // Made by hand, as a hostile server could: git's own commands refuse to.
    const object = (type: string, content: string | Uint8Array) =>
      repo.gitWithInput(content, 'hash-object', '-w', '--literally', '-t', type, '--stdin');
    const record = (mode: string, file: string, id: string) =>
      Buffer.concat([Buffer.from(`${mode} ${file}\0`), Buffer.from(id, 'hex')]);
    const evil = object('tree', record('100644', 'passwd', object('blob', 'evil')));
    let tree = evil;
    let child = name;
    for (const folder of [ORDERS, 'primitives/domain', 'primitives', '']) {
      const siblings = repo
        .git('ls-tree', `HEAD:${folder}`)
        .split('\n')
        .flatMap((line) => {
          const [, mode = '', id = '', file = ''] = /^0?(\d+) \w+ ([0-9a-f]+)\t(.*)$/.exec(line) ?? [];
          return file === child ? [] : [record(mode, file, id)];
        });
      tree = object('tree', Buffer.concat([record('40000', child, tree), ...siblings]));
      child = folder.slice(folder.lastIndexOf('/') + 1);
    }
    repo.git('update-ref', 'refs/heads/main', repo.git('commit-tree', tree, '-m', 'evil'));
    const workspace = await openWorkspace(repo.root);
    const [component] = workspace.components;
    if (!component) throw new Error('no component');
    const files = await listFiles(workspace.tree, [{ path: '', object: workspace.tree.head.tree }]);
    const paths = files.map(({ path }) => path);
    expect(paths).toContain(`${ORDERS}/${name}/passwd`);
    expect(await refusal(workspace.contexts())).toMatchObject({ exit: 2 });
  });

  test('the writer itself stays in its folder', async () => {
    await using repo = await gitRepo(oneComponent());
    const { tree, components } = await openWorkspace(repo.root);
    const [component] = components;
    if (!component) throw new Error('no component');
    const object = repo.gitWithInput('evil', 'hash-object', '-w', '--stdin');
    for (const path of ['../evil', 'a/../../evil', '/evil', 'a//evil', './evil']) {
      await using folder = await temporaryFolder();
      const files = { entries: [{ path, mode: '100644' as const, object }] };
      const inputs = { component, inputDigest: '', files };
      const error = await refusal(writeContext(tree, inputs, join(folder.path, 'context')));
      expect(error.code).toBe('context-name-refused');
      expect(Object.keys(await folderListing(folder.path))).toEqual(['/']);
    }
  });

  test('a link cannot be written through', async () => {
    await using repo = await gitRepo(oneComponent());
    const { tree, components } = await openWorkspace(repo.root);
    const [component] = components;
    if (!component) throw new Error('no component');
    await using folder = await temporaryFolder();
    const blob = (text: string) => repo.gitWithInput(text, 'hash-object', '-w', '--stdin');
    const entries = [
      { path: 'out', mode: '120000' as const, object: blob('..') },
      { path: 'out/evil', mode: '100644' as const, object: blob('evil') },
    ];
    const error = await refusal(
      writeContext(tree, { component, inputDigest: '', files: { entries } }, join(folder.path, 'context')),
    );
    expect(error).toMatchObject({
      code: 'context-name-clash',
      message: 'Two inputs have the same name on this file system.',
    });
    expect(Object.keys(await folderListing(folder.path))).toEqual(['/']);
  });
});

describe('places where there is nothing to publish', () => {
  const open = (folder: string) => openRepository(createProcesses(gitEnvironment), folder);

  test('no repository', async () => {
    await using folder = await temporaryFolder();
    expect(await refusal(open(folder.path))).toMatchObject({ code: 'git-not-a-repository', exit: 2 });
  });

  test('a bare repository, and the inside of .git', async () => {
    await using folder = await temporaryFolder();
    execFileSync('git', ['init', '--quiet', '--bare', folder.path]);
    expect(await refusal(open(folder.path))).toMatchObject({ code: 'git-bare-repository', exit: 2 });
    await using repo = await gitRepo({ a: 'x' });
    expect(await refusal(open(join(repo.root, '.git')))).toMatchObject({ code: 'git-bare-repository' });
  });

  test('no commit yet', async () => {
    await using repo = await gitRepo();
    const error = await refusal(open(repo.root));
    expect(error).toMatchObject({ code: 'git-no-commit', exit: 2, suggestions: ['git add . && git commit'] });
  });

  test('a repository of somebody else', async () => {
    await using repo = await gitRepo({ a: 'x' });
    const environment = { ...gitEnvironment, GIT_TEST_ASSUME_DIFFERENT_OWNER: '1' };
    const error = await refusal(openRepository(createProcesses(environment), repo.root));
    expect(error).toMatchObject({ code: 'git-unsafe-folder', exit: 2 });
    expect(error.suggestions[0]).toContain('safe.directory');
  });

  test('no git', async () => {
    await using repo = await gitRepo({ a: 'x' });
    const error = await refusal(openRepository(createProcesses({ PATH: '/nowhere' }), repo.root));
    expect(error).toMatchObject({ code: 'tool-not-found', exit: 3 });
  });
});

describe('a damaged object store', () => {
  const objectFile = (repo: TestRepository, path: string) => {
    const id = repo.git('rev-parse', `HEAD:${path}`);
    return join(repo.root, '.git/objects', id.slice(0, 2), id.slice(2));
  };
  const write = async (repo: TestRepository) => {
    const workspace = await openWorkspace(repo.root);
    const [inputs] = await workspace.contexts();
    if (!inputs) throw new Error('no component');
    await using folder = await temporaryFolder();
    const context = join(folder.path, 'context');
    const error = await refusal(writeContext(workspace.tree, inputs, context));
    expect(Object.keys(await folderListing(folder.path)), 'nothing is left').toEqual(['/']);
    return error;
  };

  test('a file that is missing', async () => {
    await using repo = await gitRepo(oneComponent({ 'main.go': 'x' }));
    await rm(objectFile(repo, `${ORDERS}/main.go`), { force: true });
    expect(await write(repo)).toMatchObject({ code: 'git-object-missing', exit: 3 });
  });

  test('a folder that is missing is no matter until its files are needed', async () => {
    await using repo = await gitRepo(oneComponent({ 'cmd/main.go': 'x' }));
    const { tree, inputs, contexts } = await openWorkspace(repo.root);
    await rm(objectFile(repo, `${ORDERS}/cmd`), { force: true });
    // Git itself looks at folders to see whether anything was changed.
    tree.changes = async () => [];
    expect(await inputs()).toHaveLength(1);
    expect(await refusal(contexts())).toMatchObject({ code: 'git-object-missing', exit: 3 });
  });

  test('a folder whose content was exchanged', async () => {
    await using repo = await gitRepo(oneComponent({ 'good/a': 'x', 'evil/b': 'y' }));
    const { contexts } = await openWorkspace(repo.root);
    const target = objectFile(repo, `${ORDERS}/good`);
    execFileSync('cp', ['--remove-destination', objectFile(repo, `${ORDERS}/evil`), target]);
    expect(await refusal(contexts())).toMatchObject({
      code: expect.stringMatching(/^git-(object-corrupt|object-missing|failed)$/),
      exit: 3,
    });
  });

  test('a file whose content was exchanged', async () => {
    await using repo = await gitRepo(oneComponent({ 'main.go': 'good', 'other.go': 'evil' }));
    const target = objectFile(repo, `${ORDERS}/main.go`);
    execFileSync('cp', ['--remove-destination', objectFile(repo, `${ORDERS}/other.go`), target]);
    expect(await write(repo)).toMatchObject({
      code: expect.stringMatching(/^git-(object-corrupt|object-missing|failed)$/),
      exit: 3,
    });
  });
});
