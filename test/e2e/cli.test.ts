import { spawn } from 'node:child_process';
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { dirname, join, relative } from 'node:path';
import { Check } from 'typebox/schema';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { helpSchema } from '../../src/cli/help-document.ts';
import { versionSchema } from '../../src/cli/version-document.ts';
import { errorSchema } from '../../src/core/error-document.ts';
import { doctorSchema } from '../../src/features/doctor/document.ts';
import { listSchema } from '../../src/features/list/document.ts';
import { allKinds, BUNDLED_KINDS, bundledKinds, OWN_KINDS, openKinds } from '../../src/kinds/kind.ts';
import { collect, installPacked, type Packed } from '../support/packed.ts';
import { attempt, run } from '../support/services/run.ts';

let cli: Packed;
let repository: string;

beforeAll(async () => {
  cli = await installPacked();
  repository = folder('repository-');
  await commit(repository, {
    'primitive.config.yaml': 'registry: 127.0.0.1:1/acme\nplatforms: [linux/amd64]\n',
    'primitives/domain/orders/primitive.yaml': 'kind: domain\nname: orders\n',
    'primitives/domain/orders/Dockerfile': 'FROM scratch\nCOPY . /\n',
  });
});
afterAll(() => cli[Symbol.asyncDispose]());

function folder(prefix: string): string {
  return mkdtempSync(join(cli.home, prefix));
}

async function commit(cwd: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(cwd, path, '..'), { recursive: true });
    writeFileSync(join(cwd, path), text);
  }
  const git = (...args: string[]) =>
    run('git', ['-c', 'user.name=test', '-c', 'user.email=test@example.com', ...args], { cwd });
  await git('init', '--quiet', '--initial-branch=main');
  await git('add', '.');
  await git('commit', '--quiet', '-m', 'first');
}

describe('the package', () => {
  test('depends on nothing at run time', () => {
    const scope = join(cli.folder, '..');
    expect(readdirSync(scope)).toEqual(['primitive']);
    expect(readdirSync(join(scope, '..')).filter((name) => !name.startsWith('.'))).toEqual(['@ameide']);
  });

  test('holds what is needed and no source', () => {
    expect(readdirSync(cli.folder)).toEqual(
      expect.arrayContaining([
        'bin',
        'dist',
        'oclif.manifest.json',
        'schemas',
        'templates',
        'THIRD-PARTY-NOTICES.txt',
        'LICENSE',
      ]),
    );
    expect(globSync('{src/**/*.ts,test,.ci,bin/dev.js,dist/**/*.ts}', { cwd: cli.folder })).toEqual([]);
    expect(readFileSync(join(cli.folder, 'THIRD-PARTY-NOTICES.txt'), 'utf8')).toMatch(
      /^@oclif\/core \S+ \(MIT\)$/m,
    );
  });

  test('holds every file of the kinds: npm leaves some out by their names or by ignore files among them', () => {
    const filesIn = (folder: string) =>
      readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
        .sort();
    expect(filesIn(join(cli.folder, 'templates'))).toEqual(
      filesIn(join(import.meta.dirname, '../../templates')),
    );
  });

  test('has the kinds as their kind.yaml says', async () => {
    const kinds = await allKinds(await openKinds({ [OWN_KINDS]: bundledKinds() }));
    const said = kinds.map(({ folder: _folder, source: _source, ...kind }) => kind);
    const bundled = JSON.parse(readFileSync(join(cli.folder, 'dist', BUNDLED_KINDS), 'utf8'));
    expect(said).not.toEqual([]);
    expect(Object.values(bundled)).toEqual(said);
  });

  test('the manifest names the commands that are there, and no flag is read from the environment', () => {
    const { commands } = JSON.parse(readFileSync(join(cli.folder, 'oclif.manifest.json'), 'utf8'));
    const built = globSync('dist/commands/**/*.js', { cwd: cli.folder }).sort();
    expect(
      Object.values(commands)
        .map((command) => (command as { relativePath: string[] }).relativePath.join('/'))
        .sort(),
    ).toEqual(built);
    // `env` is also the name of a flag; a variable is a string.
    expect(JSON.stringify(commands)).not.toMatch(/"env":"/);
  });
});

describe('version and help', () => {
  test.each([['--version'], ['-v'], ['--version', 'list']])('%s %s', async (...args) => {
    const { version } = JSON.parse(readFileSync(join(cli.folder, 'package.json'), 'utf8'));
    const { code, stdout, stderr } = await cli.run(args);
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: `primitive ${version} (node ${process.versions.node}, ${process.platform}-${process.arch})\n`,
      stderr: '',
    });
  });

  test('version, the command, says the same', async () => {
    expect(await cli.run(['version'])).toEqual(await cli.run(['--version']));
    expect(await cli.run(['version', '--json'])).toEqual(await cli.run(['--version', '--json']));
  });

  test('--version --json', async () => {
    expect(Check(versionSchema, JSON.parse((await cli.run(['--version', '--json'])).stdout))).toBe(true);
  });

  test.each([[[]], [['--help']], [['-h']], [['help']]])('%j shows the commands', async (args) => {
    const { code, stdout, stderr } = await cli.run(args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const command of ['doctor', 'list', 'publish'])
      expect(stdout).toMatch(new RegExp(`^  ${command} `, 'm'));
    expect(stdout).toMatch(/^EXAMPLES$[\s\S]*\$ primitive init --ci github$/m);
    expect(stdout).toMatch(/^LEARN MORE\n {2}https:\S+\/docs\/reference\.md$/m);
  });

  test('every command has help, for people and for programs', async () => {
    const { stdout } = await cli.run(['--help', '--json']);
    const document = JSON.parse(stdout);
    expect(Check(helpSchema, document)).toBe(true);
    const pages = new Set(readdirSync(join(import.meta.dirname, '../../docs')));
    for (const { command, summary, docs, documents } of document.commands) {
      expect(pages).toContain(docs.replace(/^.*\/docs\/([^#]*).*$/, '$1'));
      for (const name of documents)
        expect(existsSync(join(cli.folder, 'schemas', `${name.replace('/', '.')}.json`))).toBe(true);
      const { code, stdout: text } = await cli.run([...command.split(' '), '--help']);
      expect(code).toBe(0);
      expect(text).toContain(summary.slice(0, 40));
      expect(text).toContain('--json');
      // No place in the usage line is empty.
      expect(text).not.toMatch(/[|\s]\]/);
    }
  });
});

test('help for programs has negations, defaults, exclusions, inputs of kinds and schemas', async () => {
  const { commands } = JSON.parse((await cli.run(['--help', '--json'])).stdout);
  const find = (name: string) => commands.find(({ command }: { command: string }) => command === name);
  const flagOf = (command: string, name: string) =>
    find(command).flags.find((flag: { name: string }) => flag.name === name);
  expect(flagOf('verify', '--tests')).toMatchObject({ negated: '--no-tests', default: true });
  expect(flagOf('gitops scaffold', '--wait')).toMatchObject({ default: 'pr', value: ['none', 'run', 'pr'] });
  expect(flagOf('publish', '--keep-going').exclusive).toEqual(['--seal-only']);
  expect(flagOf('publish', '--seal-only').exclusive).toEqual(['--keep-going']);
  expect(flagOf('list', '--quiet').exclusive).toEqual([]);
  expect(flagOf('scaffold', '--all').dependsOn).toEqual(['--update']);
  expect(find('scaffold').inputs).toContainEqual({
    kind: 'process',
    inputs: [
      expect.objectContaining({ name: '--source', type: 'primitive', required: false }),
      expect.objectContaining({ name: '--bpmn', type: 'path', required: false }),
    ],
  });
  expect(find('publish').documents).toEqual([
    'primitive.publish/v1',
    'primitive.publish-plan/v1',
    'primitive.error/v1',
  ]);
  expect(find('publish').examples[0].command).toBe('primitive publish');
});

test('every document that a command can print is in its help', async () => {
  const { commands } = JSON.parse((await cli.run(['--help', '--json'])).stdout);
  const listed = new Set(commands.flatMap(({ documents }: { documents: string[] }) => documents));
  // Read or stored, or printed by no command of its own: events on stderr, and help.
  const others = [
    'advisories',
    'baseline',
    'config',
    'event',
    'help',
    'kind',
    'kit',
    'kit-installed',
    'primitive',
    'release',
    'suppressions',
  ];
  const all = readdirSync(join(cli.folder, 'schemas')).map((file) =>
    file.replace(/^primitive\.(.+)\.v1\.json$/, '$1'),
  );
  expect(all.filter((name) => !others.includes(name) && !listed.has(`primitive.${name}/v1`))).toEqual([]);
});

test('--quiet prints the result alone', async () => {
  const answers = ['--repository', 'acme/app', '--registry', 'ghcr.io/acme', '--branch', 'main'];
  const [loud, quiet] = await Promise.all(
    [
      ['init', ...answers],
      ['-q', 'init', ...answers],
    ].map(async (args) => {
      const cwd = folder('quiet-');
      await commit(cwd, { 'README.md': 'app\n' });
      return cli.run(args, { cwd });
    }),
  );
  expect(loud).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(/^warning: [\s\S]*^==> Writing primitive\.config\.yaml$/m),
  });
  expect(quiet).toEqual({ ...loud, stderr: '' });
  expect(await cli.run(['list', '--quiet', '--kind'], { cwd: repository })).toMatchObject({
    code: 2,
    stdout: '',
  });
  const both = await cli.run(['publish', '--quiet', '--verbose'], { cwd: repository });
  expect(both).toMatchObject({ code: 2, stderr: expect.stringContaining('[invalid-flag]') });
});

/** Every way to fail before anything is done: arguments, code, exit code, and a word of the text. */
const failures: readonly (readonly [args: readonly string[], code: string, exit: number, says: RegExp])[] = [
  [['pubish'], 'unknown-command', 2, /Did you mean primitive publish\?/],
  [['--frob'], 'unknown-flag', 2, /--frob/],
  [['publish', '--dryrun'], 'unknown-flag', 2, /Did you mean --dry-run\?/],
  [['publish', '--kind'], 'invalid-flag', 2, /expects a value/],
  [['publish', '--events', 'xml'], 'invalid-flag', 2, /one of: ndjson/],
  [['publish', '--kind', 'a', '--kind', 'b'], 'invalid-flag', 2, /only be specified once/],
  [['publish', '--seal-only', '--keep-going'], 'invalid-flag', 2, /cannot also be provided/],
  [['doctor', 'stray'], 'unexpected-argument', 2, /stray/],
  [['doctor', '--report', 'xml=a'], 'report-invalid', 2, /FORMAT=FILE/],
  [['doctor', '--report', 'json=no/such/folder/a'], 'report-unwritable', 2, /mkdir -p/],
  [['-C', 'no-such-folder', 'doctor'], 'directory-not-found', 2, /no-such-folder/],
  [['list'], 'config-not-found', 2, /primitive\.config\.yaml/],
  [['publish', '--dry-run'], 'config-not-found', 2, /primitive\.config\.yaml/],
];

describe('a failure', () => {
  test.each(failures)('%j is %s', async (args, code, exit, says) => {
    const text = await cli.run(args);
    expect(text).toMatchObject({ code: exit, stdout: '' });
    expect(text.stderr).toMatch(/^Error: /m);
    expect(text.stderr).toContain(`[${code}]`);
    expect(text.stderr).toMatch(says);
    expect(text.stderr).not.toMatch(/^\s+at /m);

    const json = await cli.run([...args, '--json']);
    expect(json.code).toBe(exit);
    expect(json.stderr).not.toContain('Error:');
    const document = JSON.parse(json.stdout);
    expect(Check(errorSchema, document)).toBe(true);
    expect(document).toMatchObject({ code, exit });
  });

  test('is in the JSON report, too', async () => {
    const cwd = folder('failed-');
    writeFileSync(join(cwd, 'list.json'), '{}');
    const { code, stdout } = await cli.run(['list', '--json', '--report', 'json=list.json'], { cwd });
    expect([code, JSON.parse(stdout).code]).toEqual([2, 'config-not-found']);
    expect(readFileSync(join(cwd, 'list.json'), 'utf8')).toBe(stdout);
  });

  test.each([
    ['broken YAML', 'registry: [\n', /primitive\.config\.yaml:\d+:\d+/],
    ['an unknown key', 'registry: ghcr.io/acme\nplatfroms: []\n', /platforms/],
    ['no registry', 'image: x\n', /registry/],
    ['an empty file', '', /registry|empty/],
  ])('a config with %s is refused with its place', async (_, text, says) => {
    const cwd = folder('config-');
    await commit(cwd, { 'primitive.config.yaml': text });
    const { code, stdout } = await cli.run(['list', '--json'], { cwd });
    const document = JSON.parse(stdout);
    expect(code).toBe(2);
    expect(Check(errorSchema, document)).toBe(true);
    expect(JSON.stringify(document)).toMatch(says);
  });

  test('of ours says so, and tells the stack only when asked', async () => {
    const preload = join(folder('bug-'), 'bug.cjs');
    writeFileSync(
      preload,
      `JSON.parse = new Proxy(JSON.parse, { apply() { throw new TypeError('a bug for this test'); } });`,
    );
    const node = ['--require', preload];
    const { code, stdout, stderr } = await cli.run(['list', '--json'], { node });
    const document = JSON.parse(stdout);
    expect(Check(errorSchema, document)).toBe(true);
    expect(document).toMatchObject({ code: 'internal-error', exit: 70 });
    expect({ code, stderr }).toEqual({ code: 70, stderr: '' });
    const debug = await cli.run(['list'], { node, env: { PRIMITIVE_DEBUG: '1' } });
    expect(debug.stderr).toMatch(/^TypeError: a bug for this test\n {4}at /m);
  });

  test.each([
    ['a rejection that nobody handles', `setTimeout(() => Promise.reject(new Error('late')), 200);`],
    ['an exception in a callback', `setTimeout(() => { throw new Error('late'); }, 200);`],
  ])('%s is told like any other', async (_, source) => {
    const preload = join(folder('late-'), 'late.cjs');
    writeFileSync(preload, source);
    using server = await silentServer();
    const cwd = await repositoryFor(server.port);
    const { code, stdout } = await cli.run(['doctor', '--json'], { cwd, node: ['--require', preload] });
    expect(code).toBe(70);
    expect(JSON.parse(stdout)).toMatchObject({ schema: 'primitive.error/v1', code: 'internal-error' });
  });

  test('without a home folder, as in a container with an arbitrary user, says so', async () => {
    const preload = join(folder('home-'), 'home.cjs');
    // Where the tests run there is a user: this is what os.homedir() throws where there is none.
    writeFileSync(
      preload,
      `require('node:os').homedir = () => { throw new Error('uv_os_homedir returned ENOENT'); };
      require('node:module').syncBuiltinESMExports();`,
    );
    const { code, stdout } = await cli.run(['list', '--json'], { node: ['--require', preload] });
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ code: 'home-missing', exit: 2 });
  });

  test('in a folder that is gone says so', async () => {
    const command = `cd "$(mktemp -d)" && rmdir "$PWD" && exec "$NODE" "$CLI" list --json`;
    const env = { NODE: process.execPath, CLI: join(cli.folder, 'bin/run.js') };
    const { code, stdout } = await attempt('bash', ['-c', command], { env, cwd: cli.home });
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ code: 'directory-not-found', exit: 2 });
  });

  test.each([['18.20.0'], ['20.20.2'], ['22.11.0']])('Node %s is refused in words', async (version) => {
    const preload = join(folder('node-'), 'version.cjs');
    writeFileSync(preload, `Object.defineProperty(process.versions, 'node', { value: '${version}' });`);
    const node = ['--require', preload];
    const text = await cli.run(['publish'], { node });
    expect(text).toMatchObject({ code: 3, stdout: '' });
    expect(text.stderr).toContain(`needs Node 22.12 or newer; this is ${version}`);
    const { stdout, code } = await cli.run(['publish', '--json'], { node });
    expect(code).toBe(3);
    expect(Check(errorSchema, JSON.parse(stdout))).toBe(true);
  });
});

test('what an error quotes is no command to GitHub Actions', async () => {
  const hostile = ['list', 'domain/\n::set-output name=digest::evil'];
  const run = (env: Record<string, string>) => cli.run(hostile, { cwd: repository, env });
  expect((await run({})).stderr).toMatch(/^ *::set-output/m);
  expect((await run({ GITHUB_ACTIONS: 'true' })).stderr).toMatch(/^ *\\::set-output/m);
});

describe('secrets in the environment', () => {
  const canary = 'canary-9f86d081884c7d65';
  const env = {
    GITHUB_TOKEN: canary,
    COSIGN_PASSWORD: canary,
    SIGSTORE_ID_TOKEN: canary,
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: canary,
    PRIMITIVE_TOKEN: canary,
    PRIMITIVE_JSON: canary,
  };

  test('are in no output of any failure', async () => {
    for (const [args] of failures) {
      for (const more of [[], ['--json']]) {
        const { stdout, stderr } = await cli.run([...args, ...more], {
          env: { ...env, PRIMITIVE_DEBUG: '1' },
        });
        expect(stdout + stderr).not.toContain(canary);
      }
    }
  });

  test('are in no output of doctor', async () => {
    const { stdout, stderr } = await cli.run(['doctor', '--json'], { cwd: repository, env });
    expect(stdout).toContain('primitive.doctor/v1');
    expect(stdout + stderr).not.toContain(canary);
  });

  test('a variable that shares its text with a reference does not change the reference', async () => {
    const shared = '127.0.0.1:1/acme';
    const outputs = join(folder('outputs-'), 'output');
    for (const name of ['AUTH_URL', 'MY_TOKEN']) {
      const { stdout } = await cli.run(['list', '--json', '--report', 'json=masked.json'], {
        cwd: repository,
        env: { [name]: shared, GITHUB_ACTIONS: 'true', GITHUB_OUTPUT: outputs },
      });
      expect(JSON.parse(stdout).primitives[0].image).toBe(`${shared}/domain-orders`);
      expect(readFileSync(join(repository, 'masked.json'), 'utf8')).toBe(stdout);
      expect((await cli.run(['list'], { cwd: repository, env: { [name]: shared } })).stdout).toContain(
        shared,
      );
    }
  });

  test('are masked also where they come from elsewhere', async () => {
    const { stdout, stderr } = await cli.run(['-C', canary, 'list'], { env });
    expect(stderr).toContain('Cannot change to ***');
    expect(stdout + stderr).not.toContain(canary);
  });
});

describe('code in the home folder', () => {
  test.each([{}, { NODE_ENV: 'development' }, { NODE_ENV: 'test' }])('is not run (%j)', async (more) => {
    const data = folder('data-');
    const marker = join(data, 'was-run');
    const plugin = join(data, '@ameide/primitive');
    mkdirSync(plugin, { recursive: true });
    writeFileSync(
      join(plugin, 'hook.cjs'),
      `module.exports = () => require('node:fs').writeFileSync(${JSON.stringify(marker)}, '');`,
    );
    const oclif = {
      hooks: { init: './hook.cjs', prerun: './hook.cjs' },
      plugins: [{ type: 'link', name: 'evil', root: plugin }],
    };
    writeFileSync(join(plugin, 'package.json'), JSON.stringify({ name: 'evil', version: '1.0.0', oclif }));
    const env = { XDG_DATA_HOME: data, XDG_CONFIG_HOME: data, XDG_CACHE_HOME: data, ...more };
    const { code } = await cli.run(['list'], { cwd: repository, env });
    expect(code).toBe(0);
    expect(existsSync(marker)).toBe(false);

    // The same folder with oclif's own settings: the hook would have been run.
    const control = `import { run } from '@oclif/core/run'; await run(['--help'], ${JSON.stringify({ root: cli.folder })});`;
    const script = join(import.meta.dirname, `../../node_modules/.control-${process.pid}.mjs`);
    writeFileSync(script, control);
    try {
      await attempt(process.execPath, [script], { env: { ...env, NODE_ENV: '' } });
      expect(existsSync(marker)).toBe(true);
    } finally {
      await run('rm', [script]);
    }
  });
});

describe('pipes and signals', () => {
  test.each([['--help'], ['--help --json'], ['list --nope']])(
    'a reader that leaves early is no failure (%s)',
    async (args) => {
      const command = `set -o pipefail; "$NODE" "$CLI" ${args} 2>&1 | head -c 1 >/dev/null; echo "\${PIPESTATUS[0]}"`;
      const env = { NODE: process.execPath, CLI: join(cli.folder, 'bin/run.js') };
      const { stdout, stderr } = await attempt('bash', ['-c', command], { env, cwd: cli.home });
      expect({ stdout, stderr }).toEqual({ stdout: args === 'list --nope' ? '2\n' : '0\n', stderr: '' });
    },
  );

  test.each(['list', 'list --json'])('output that could not be written is a failure (%s)', async (args) => {
    const env = { NODE: process.execPath, CLI: join(cli.folder, 'bin/run.js') };
    const command = `"$NODE" "$CLI" ${args} >/dev/full`;
    const { code, stderr } = await attempt('bash', ['-c', command], { env, cwd: repository });
    expect({ code, stderr }).toEqual({ code: 3, stderr: expect.stringContaining('[output-lost]') });
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 143],
  ] as const)('%s ends with %i and one document', async (signal, exit) => {
    using server = await silentServer();
    const cwd = await repositoryFor(server.port);
    const child = cli.start(['doctor', '--json'], { cwd });
    server.onConnection(() => child.kill(signal));
    const { code, stdout } = await collect(child);
    expect(code).toBe(exit);
    expect(JSON.parse(stdout)).toMatchObject({ schema: 'primitive.error/v1', code: 'interrupted', exit });
  });
});

describe('on a terminal', () => {
  // `script` of util-linux gives its child a terminal; that of macOS takes other arguments.
  test.skipIf(process.platform !== 'linux')('an interrupted live view gives the cursor back', async () => {
    using server = await silentServer();
    const cwd = folder('live-');
    await commit(cwd, {
      'primitive.config.yaml': `registry: 127.0.0.1:${server.port}/acme\nsigning: { trusted: [{ issuer: "https://issuer.example.com", identity: someone }] }\n`,
      'primitives/domain/orders/primitive.yaml': 'kind: domain\nname: orders\n',
      'primitives/domain/orders/Dockerfile': 'FROM scratch\nCOPY . /\n',
    });
    const command = `stty cols 80 rows 24; exec ${process.execPath} ${join(cli.folder, 'bin/run.js')} publish --dry-run`;
    const terminal = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
      cwd,
      env: { PATH: process.env.PATH, HOME: cli.home, TERM: 'xterm', SHELL: '/bin/sh' },
    });
    server.onConnection(() => terminal.stdin.write('\u0003'));
    const { code, stdout } = await collect(terminal, undefined);
    expect(stdout).toContain('Stopping and cleaning up');
    expect(stdout).toContain('[interrupted]');
    expect(code).toBe(130);
    const sequences = stdout.split('\u001b').map((text) => text.slice(0, 5));
    const cursor = sequences.filter((text) => text.startsWith('[?25'));
    expect([cursor[0], cursor.at(-1)]).toEqual(['[?25l', '[?25h']);
  });
});

describe('commands', () => {
  test('list: the inventory, the same as a report', async () => {
    const { code, stdout } = await cli.run(['list', '--json', '--report', 'json=list.json'], {
      cwd: repository,
    });
    const document = JSON.parse(stdout);
    expect(code).toBe(0);
    expect(Check(listSchema, document)).toBe(true);
    expect(document.primitives).toMatchObject([
      {
        kind: 'domain',
        name: 'orders',
        path: 'primitives/domain/orders',
        image: '127.0.0.1:1/acme/domain-orders',
        state: 'committed',
      },
    ]);
    expect(readFileSync(join(repository, 'list.json'), 'utf8')).toBe(stdout);
    const text = await cli.run(['-C', repository, 'list', 'domain/orders']);
    expect(text.stdout).toMatch(
      /^PRIMITIVE +LANGUAGE +TEMPLATE +INPUTS +IMAGE\ndomain\/orders +go +- +[0-9a-f]{12} +127\.0\.0\.1:1\/acme\/domain-orders\n$/,
    );
  });

  test('list: through a link to the folder, by `.` and by path', async () => {
    const link = join(dirname(repository), 'link');
    symlinkSync(repository, link);
    for (const [folder, selector] of [
      [link, '.'],
      [join(link, 'primitives/domain/orders'), '.'],
      [link, 'primitives/domain'],
    ] as const) {
      const { code, stdout } = await cli.run(['-C', folder, 'list', selector]);
      expect([code, stdout]).toEqual([0, expect.stringContaining('domain/orders')]);
    }
  });

  test('doctor: every check with its fix, 3 where a tool or the network fails', async () => {
    const { code, stdout, stderr } = await cli.run(['doctor', '--json'], {
      cwd: repository,
      env: { PATH: '/nowhere' },
    });
    expect(stderr, 'a registry that refuses connections is told at once').not.toContain('trying again');
    const document = JSON.parse(stdout);
    expect(Check(doctorSchema, document)).toBe(true);
    expect(code).toBe(3);
    const failed = document.checks.filter(({ state }: { state: string }) => state === 'fail');
    expect(failed.length).toBeGreaterThan(2);
    for (const { fix, code: id } of failed) expect(fix.length, id).toBeGreaterThan(0);
  });

  test('colour only where it is wanted', async () => {
    const plain = await cli.run(['list'], { cwd: repository });
    const colored = await cli.run(['list'], { cwd: repository, env: { FORCE_COLOR: '1' } });
    const refused = await cli.run(['list'], { cwd: repository, env: { FORCE_COLOR: '1', NO_COLOR: '1' } });
    expect([plain, colored, refused].map(({ stdout }) => stdout.includes('\u001b['))).toEqual([
      false,
      true,
      false,
    ]);
    const failed = async (env: Record<string, string>) =>
      (await cli.run(['lst'], { env })).stderr.includes('\u001b[');
    expect(
      await Promise.all([{}, { FORCE_COLOR: '1' }, { NO_COLOR: '1', FORCE_COLOR: '1' }].map(failed)),
    ).toEqual([false, true, false]);
  });
});

/** A server that takes connections and never answers: what talks to it waits until it is stopped. */
async function silentServer(): Promise<
  Disposable & { port: number; onConnection(listener: () => void): void }
> {
  const server: Server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  const sockets = new Set<import('node:net').Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    onConnection: (listener) => server.once('connection', listener),
    [Symbol.dispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

async function repositoryFor(port: number): Promise<string> {
  const cwd = folder('silent-');
  await commit(cwd, { 'primitive.config.yaml': `registry: 127.0.0.1:${port}/acme\n` });
  return cwd;
}
