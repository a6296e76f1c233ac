import { chmod, mkdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Event } from '../../../src/core/events.ts';
import type { FileContent } from '../../support/git.ts';
import { gitRepo, temporaryFolder } from '../../support/git.ts';
import { type Asked, CONFIG, prepare, scaffold, scaffoldRepo, WIDGET } from '../../support/scaffold-world.ts';
import { attempt, attemptUnprivileged, devCli } from '../../support/services/run.ts';
import { contentOf } from '../../support/tree.ts';

const support = join(import.meta.dirname, '../../support');
const folder = 'primitives/widget/order-lines';
const KIND = 'node_modules/@acme/kinds/kinds/widget/kind.yaml';

interface Refusal {
  readonly what: string;
  readonly files?: Readonly<Record<string, FileContent>>;
  readonly asked?: Asked;
  readonly code: string;
  readonly says: string | RegExp;
}

const REFUSALS: readonly Refusal[] = [
  { what: 'an unknown kind', asked: { kind: 'domian' }, code: 'kind-unknown', says: 'Did you mean domain?' },
  { what: 'a kind that is a path', asked: { kind: '../x' }, code: 'kind-unknown', says: 'Kinds: ' },
  {
    what: 'a kind without a template',
    files: {
      'node_modules/@acme/kinds/kinds/bare/kind.yaml':
        'schema: primitive.kind/v1\nkind: bare\nversion: 1\nlanguage: go\nnames: { pattern: ".*" }\nbuild: { context: ".", dockerfile: Dockerfile }\nrun: { port: 1, live: /l, ready: /r, drainSeconds: 1 }\n',
    },
    asked: { kind: 'bare' },
    code: 'kind-not-scaffolded',
    says: 'no folder files/',
  },
  {
    what: 'a name with capitals',
    asked: { name: 'OrderLines' },
    code: 'name-invalid',
    says: /upper-case.*--name order-lines/s,
  },
  { what: 'an empty name', asked: { name: '' }, code: 'name-invalid', says: 'does not match' },
  { what: 'a name that leads out', asked: { name: '../../x' }, code: 'name-invalid', says: 'does not match' },
  { what: 'a keyword', asked: { name: 'class' }, code: 'name-invalid', says: 'a word that ts reserves' },
  { what: 'a device of Windows', asked: { name: 'con' }, code: 'name-invalid', says: 'device' },
  {
    what: 'a name that is too long',
    asked: { name: 'a'.repeat(64) },
    code: 'name-invalid',
    says: 'more than a label may have',
  },
  {
    what: 'a name that is easily confused with another',
    files: { 'primitives/widget/orderlines/primitive.yaml': 'x' },
    code: 'name-clash',
    says: 'orderlines',
  },
  {
    what: 'an image that another kind has',
    files: {
      'primitive.config.yaml': `image: "{name}"\n${CONFIG}`,
      'primitives/other/order-lines/primitive.yaml': 'x',
    },
    code: 'image-clash',
    says: 'other/order-lines',
  },
  {
    what: 'no entry for the language',
    files: { 'primitive.config.yaml': 'registry: r.io/x\nplugins: ["@acme/kinds"]\n' },
    code: 'languages-missing',
    says: 'ts: { scope:',
  },
  {
    what: 'no entry for proto',
    files: { 'primitive.config.yaml': 'registry: r.io/x\nlanguages: { go: { module: a.b/c } }\n' },
    asked: { kind: 'domain' },
    code: 'languages-missing',
    says: 'proto: { package:',
  },
  {
    what: 'a folder with foreign files',
    files: { [`${folder}/notes.txt`]: 'mine' },
    code: 'scaffold-conflict',
    says: `${folder}/notes.txt`,
  },
  {
    what: 'a primitive that a person wrote',
    files: {
      [`${folder}/primitive.yaml`]: 'kind: widget\nname: order-lines\n',
      [`${folder}/Dockerfile`]: 'FROM scratch\n',
    },
    code: 'scaffold-conflict',
    says: `${folder}/Dockerfile`,
  },
  {
    what: 'a primitive.yaml of another name',
    files: { [`${folder}/primitive.yaml`]: 'kind: widget\nname: other\ntemplate: { version: 1 }\n' },
    code: 'scaffold-mismatch',
    says: 'widget/other',
  },
  {
    what: 'a primitive.yaml that is none',
    files: { [`${folder}/primitive.yaml`]: 'kind: [' },
    code: 'primitive-syntax',
    says: `${folder}/primitive.yaml:1`,
  },
  {
    what: 'a file where the folder must be',
    files: { [folder]: 'x' },
    code: 'scaffold-blocked',
    says: 'primitives/widget/order-lines is a file, and scaffold needs a folder there',
  },
  {
    what: 'a file where the folder of the kind must be',
    files: { 'primitives/widget': 'x' },
    code: 'scaffold-blocked',
    says: 'primitives/widget is a file, and scaffold needs a folder there',
  },
  {
    what: 'a link out of the repository',
    files: { primitives: { link: '/tmp' } },
    code: 'scaffold-blocked',
    says: 'a link can lead out',
  },
  {
    what: 'a link that leads nowhere',
    files: { [folder]: { link: '../nowhere' } },
    code: 'scaffold-blocked',
    says: 'primitives/widget/order-lines is a link, and scaffold needs a folder there',
  },
  {
    what: 'an input that the kind does not have',
    asked: { inputs: { colour: 'red' } },
    code: 'input-unknown',
    says: 'Did you mean --color?',
  },
  {
    what: 'an input that every object of JavaScript has',
    asked: { inputs: { constructor: 'x' } },
    code: 'input-unknown',
    says: '--color',
  },
  {
    what: 'an input file that is not there',
    asked: { inputs: { model: 'a.model' } },
    code: 'input-invalid',
    says: 'the file is missing',
  },
  {
    what: 'an input file of another make',
    asked: { inputs: { model: 'primitive.config.yaml' } },
    code: 'input-invalid',
    says: 'must match *.model',
  },
  {
    what: 'an input file outside of the repository',
    asked: { inputs: { model: '/etc/hostname' } },
    code: 'input-invalid',
    says: 'it is not below',
  },
  {
    what: 'an input link that leads outside',
    files: { 'x.model': { link: '/etc/hostname' } },
    asked: { inputs: { model: 'x.model' } },
    code: 'input-invalid',
    says: 'it is not below',
  },
  {
    what: 'a package of kinds that is not installed',
    files: { 'primitive.config.yaml': `${CONFIG.replace('plugins:', '# ')}plugins: ["@acme/none"]\n` },
    code: 'plugin-missing',
    says: 'npm ci',
  },
  {
    what: 'a package whose name is a path',
    files: { 'primitive.config.yaml': `${CONFIG.replace('plugins:', '# ')}plugins: ["../evil"]\n` },
    code: 'plugin-invalid',
    says: 'npm package',
  },
  {
    what: 'a package that lies elsewhere',
    files: {
      'node_modules/elsewhere': { link: '/usr' },
      'primitive.config.yaml': `${CONFIG.replace('plugins:', '# ')}plugins: [elsewhere]\n`,
    },
    code: 'plugin-invalid',
    says: 'outside of the repository',
  },
  {
    what: 'a package whose shared folder lies elsewhere',
    files: {
      'node_modules/@acme/kinds/shared': { link: '/usr' },
      [KIND]: String(WIDGET[KIND]).replace('language: ts', 'language: ts\nshared: [share]'),
    },
    code: 'kind-invalid',
    says: 'shared is a link',
  },
  {
    what: 'a package whose kinds lie elsewhere',
    files: {
      'node_modules/linked/package.json': '{}',
      'node_modules/linked/kinds': { link: '../@acme/kinds/kinds' },
      'primitive.config.yaml': `${CONFIG.replace('plugins:', '# ')}plugins: [linked]\n`,
    },
    code: 'kind-invalid',
    says: 'kinds is a link',
  },
  {
    what: 'a package with a kind of ours',
    files: {
      'node_modules/@acme/kinds/kinds/domain/kind.yaml':
        'schema: primitive.kind/v1\nkind: domain\nversion: 1\nlanguage: go\nnames: { pattern: ".*" }\nbuild: { context: ".", dockerfile: Dockerfile }\nrun: { port: 1, live: /l, ready: /r, drainSeconds: 1 }\n',
    },
    code: 'kind-clash',
    says: 'primitive itself',
  },
  ...[
    ['generator that writes outside of the primitive', 'writes: gen', 'writes: ../../../.github/actions'],
    ['generator that writes the whole primitive', 'writes: gen', 'writes: .'],
    ['generator that writes anywhere', 'writes: gen', 'writes: /tmp'],
    ['generator that writes to git', 'writes: gen', 'writes: x/.git/hooks'],
    ['generator that reads outside', 'reads: [model.txt]', 'reads: [../../../secret]'],
    ['generator whose id is a path', 'id: model,', 'id: ../../evil,'],
    ['file pattern that leads outside', 'path: gen/**', 'path: ../**'],
    ['shared folder outside of its package', 'language: ts', 'language: ts\nshared: [../../../secret]'],
  ].map(([what, from = '', to = '']) => ({
    what: `a ${what}`,
    files: { [KIND]: String(WIDGET[KIND]).replace(from, to) },
    code: 'kind-invalid',
    says: 'is not a path in the primitive',
  })),
  {
    what: 'an image that another primitive says is its own',
    files: {
      'primitives/widget/other/primitive.yaml': 'kind: widget\nname: other\nimage: widget-order-lines\n',
    },
    code: 'image-clash',
    says: 'widget/other already has the image widget-order-lines',
  },
  {
    what: 'a template that would run code',
    files: { 'node_modules/@acme/kinds/kinds/widget/files/evil.eta': '<% process.exit(9) %>\n' },
    code: 'kind-template-invalid',
    says: 'widget/files/evil.eta:1',
  },
  {
    what: 'a template with a link',
    files: { 'node_modules/@acme/kinds/kinds/widget/files/passwd': { link: '/etc/passwd' } },
    code: 'kind-template-invalid',
    says: 'neither a file nor a folder',
  },
];

describe('refused before anything is written', () => {
  test.each(REFUSALS)('$what', async ({ files = {}, asked = {}, code, says }) => {
    await using repo = await scaffoldRepo();
    await Promise.all(Object.keys(files).map((path) => rm(join(repo.root, path), { force: true })));
    await repo.write(files);
    const before = await contentOf(repo.root, ['.git']);
    const error = await scaffold(repo.root, asked).then(
      () => undefined,
      (thrown) => thrown,
    );
    expect(error).toMatchObject({ code, exit: 2 });
    const { message, why, suggestions } = error;
    expect([message, why, ...suggestions].join('\n')).toMatch(says);
    expect(await contentOf(repo.root, ['.git'])).toEqual(before);
  });

  test('no config: says primitive init', async () => {
    await using repo = await gitRepo({ 'a.txt': 'x' });
    await expect(scaffold(repo.root)).rejects.toMatchObject({
      code: 'config-not-found',
      suggestions: expect.arrayContaining(['primitive init']),
    });
  });

  test('no git repository', async () => {
    await using repo = await scaffoldRepo();
    await rm(join(repo.root, '.git'), { recursive: true });
    await expect(scaffold(repo.root)).rejects.toMatchObject({
      code: 'git-not-a-repository',
      suggestions: ['git init'],
    });
  });

  test('another input than the first time', async () => {
    await using repo = await scaffoldRepo();
    await scaffold(repo.root, { inputs: { color: 'red' } });
    await expect(scaffold(repo.root, { inputs: { color: 'blue' } })).rejects.toMatchObject({
      code: 'input-changed',
    });
    const plan = await scaffold(repo.root);
    expect([plan.inputs, new Set(plan.files.map(({ action }) => action))]).toEqual([
      { color: 'red' },
      new Set(['unchanged']),
    ]);
  });
});

describe('a primitive that is there', () => {
  test.each([
    [
      'a folder in the place of a file',
      async (root: string) => {
        await rm(join(root, folder, 'gen/model.ts'));
        await mkdir(join(root, folder, 'gen/model.ts'));
      },
    ],
    [
      'a link in the place of a file',
      async (root: string) => {
        await rm(join(root, folder, 'gen/model.ts'));
        await symlink('/etc/hostname', join(root, folder, 'gen/model.ts'));
      },
    ],
    [
      'a link in the place of a folder',
      async (root: string) => {
        await rm(join(root, folder, 'gen'), { recursive: true });
        await symlink('/tmp', join(root, folder, 'gen'));
      },
    ],
  ] as const)('%s is in the way', async (_, change) => {
    await using repo = await scaffoldRepo();
    await scaffold(repo.root);
    await change(repo.root);
    const before = await contentOf(repo.root, ['.git']);
    await expect(scaffold(repo.root)).rejects.toMatchObject({
      code: 'scaffold-conflict',
      exit: 2,
      why: `${folder}/gen/model.ts`,
    });
    expect(await contentOf(repo.root, ['.git'])).toEqual(before);
  });
});

// Linux has users and small disks of one's own; the rights of root have no bounds elsewhere.
const linux = process.platform === 'linux' && process.getuid?.() === 0;

describe.skipIf(!linux)('what the system refuses', () => {
  test('a folder that is read-only', async () => {
    await using repo = await scaffoldRepo({ 'primitives/.gitkeep': '' });
    await chmod(join(repo.root, 'primitives'), 0o555);
    const { code, stdout } = await attemptUnprivileged(join(support, 'scaffold-run.ts'), [repo.root]);
    expect([code, JSON.parse(stdout)]).toEqual([3, { code: 'not-writable', exit: 3 }]);
    expect(Object.keys(await contentOf(join(repo.root, 'primitives')))).toEqual(['.gitkeep']);
  });

  test('a folder that is read-only, for init', async () => {
    await using repo = await gitRepo();
    await chmod(repo.root, 0o555);
    const args = ['init', '--repository', 'acme/app', '--registry', 'r.io/acme', '--json'];
    const { code, stdout } = await attemptUnprivileged(devCli, args, { cwd: repo.root });
    expect([code, JSON.parse(stdout)]).toMatchObject([
      3,
      {
        code: 'not-writable',
        message: 'Cannot write primitive.config.yaml: no permission.',
        why: `${repo.root}: permission denied. Nothing was changed.`,
        suggestions: [expect.stringContaining('write access')],
      },
    ]);
  });

  test('a disk that is full: nothing is left behind', async () => {
    await using repo = await scaffoldRepo({ 'primitives/.gitkeep': '' });
    await repo.write({
      'node_modules/@acme/kinds/kinds/widget/files/large.bin': Buffer.alloc(1024 * 1024, 7),
    });
    const script = [
      'mount -t tmpfs -o size=256k tmpfs "$1/primitives"',
      '"$2" "$3" "$1"',
      'code=$?',
      'find "$1/primitives" -mindepth 1',
      'exit $code',
    ].join('\n');
    const args = [
      '--mount',
      'sh',
      '-c',
      script,
      'sh',
      repo.root,
      process.execPath,
      join(support, 'scaffold-run.ts'),
    ];
    const { code, stdout } = await attempt('unshare', args);
    expect([code, stdout]).toEqual([3, JSON.stringify({ code: 'disk-full', exit: 3 })]);
  });

  test('no network is needed', async () => {
    await using repo = await scaffoldRepo();
    await using other = await scaffoldRepo();
    const { code } = await attempt('unshare', [
      '--net',
      process.execPath,
      join(support, 'scaffold-run.ts'),
      repo.root,
    ]);
    expect(code).toBe(0);
    await scaffold(other.root);
    expect(await contentOf(repo.root, ['.git'])).toEqual(await contentOf(other.root, ['.git']));
  });
});

describe('a folder that a scaffold works in', () => {
  const staging = 'primitives/widget/.order-lines.scaffold';

  test('keeps another one out while its process lives', async () => {
    await using repo = await scaffoldRepo({ [`${staging}/owner`]: `${process.pid}\n` });
    await expect(scaffold(repo.root)).rejects.toMatchObject({
      code: 'scaffold-busy',
      exit: 2,
      retryable: true,
    });
    expect(Object.keys(await contentOf(join(repo.root, 'primitives')))).toEqual([
      'widget/.order-lines.scaffold/owner',
    ]);
    await scaffold(repo.root, { name: 'another' });
  });

  test('is removed when its process is gone, also where there is nothing to write', async () => {
    const gone = (await attempt('sh', ['-c', 'echo $$'])).stdout;
    await using repo = await scaffoldRepo();
    for (const left of [staging, `${staging}-${gone.trim()}`]) {
      await repo.write({ [`${staging}/owner`]: gone, [`${left}/new/a`]: 'x' });
      await scaffold(repo.root);
      const names = Object.keys(await contentOf(join(repo.root, 'primitives/widget')));
      expect(names.filter((name) => name.startsWith('.'))).toEqual([]);
    }
  });
});

describe('the place makes no difference', () => {
  test('from a folder below the config, the same paths', async () => {
    await using repo = await scaffoldRepo({ 'a/b/x.model': 'm' });
    const { plan } = await prepare(repo.root, { cwd: join(repo.root, 'a/b'), inputs: { model: 'x.model' } });
    expect([plan.path, plan.inputs]).toEqual([folder, { model: 'a/b/x.model' }]);
  });

  test.each([
    { TZ: 'Pacific/Kiritimati', LC_ALL: 'C', umask: '077' },
    { TZ: 'America/Adak', LC_ALL: 'tr_TR.UTF-8', umask: '000' },
  ])('%j', async ({ umask, ...env }) => {
    await using repo = await scaffoldRepo();
    await using other = await scaffoldRepo();
    await using home = await temporaryFolder();
    await scaffold(repo.root);
    const command = `umask ${umask} && exec "$0" "$@"`;
    const args = ['-c', command, process.execPath, join(support, 'scaffold-run.ts'), other.root];
    expect((await attempt('sh', args, { env: { ...env, HOME: home.path } })).code).toBe(0);
    expect(await contentOf(other.root, ['.git'])).toEqual(await contentOf(repo.root, ['.git']));
    // Git sees the same, too: bytes and the one bit of a mode that it keeps.
    for (const { git } of [repo, other]) git('add', '--all');
    expect(other.git('write-tree')).toBe(repo.git('write-tree'));
  });
});

test('what git ignores is warned about: some files, or all of them', async () => {
  for (const [ignored, says] of [
    ['gen/', `Git ignores ${folder}/gen/model.ts:`],
    ['primitives/', `Git ignores ${folder}:`],
  ] as const) {
    await using repo = await scaffoldRepo({ '.gitignore': `node_modules\n${ignored}\n` });
    const events: Event[] = [];
    await scaffold(repo.root, {}, undefined, (event) => events.push(event));
    expect(events.filter(({ type }) => type === 'warning')).toEqual([
      { type: 'warning', code: 'scaffold-ignored', message: expect.stringContaining(says) },
    ]);
  }
});
