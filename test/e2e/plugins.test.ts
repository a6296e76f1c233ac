import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Call, installPacked, type Packed } from '../support/packed.ts';
import { documentedPlugin, packageFolder, publishPlugin } from '../support/plugin-user.ts';
import { startVerdaccio, type Verdaccio } from '../support/services/verdaccio.ts';

let cli: Packed;
let registry: Verdaccio;
const base = mkdtempSync(join(tmpdir(), 'plugins-'));

beforeAll(async () => {
  [cli, registry] = await Promise.all([installPacked(), startVerdaccio()]);
});
afterAll(async () => {
  await Promise.all([registry.stop(), cli[Symbol.asyncDispose]()]);
  rmSync(base, { recursive: true, force: true });
});

const HELLO = `import { args, BaseCommand, flags, PrimitiveError } from '@ameide/primitive/plugin';
export default class Hello extends BaseCommand {
  static summary = 'Greet somebody.';
  static args = { who: args.string({ description: 'Whom.', required: true }) };
  static flags = { fail: flags.boolean({ summary: 'Fail.' }), report: flags.report('markdown'), events: flags.events() };
  async run() {
    const { args, flags } = await this.parse(Hello);
    return this.act(flags, async (session) => {
      session.emit({ type: 'step', step: 'greet', message: 'Greeting' });
      if (flags.fail) throw new PrimitiveError('greeting-refused', 'Cannot greet.', { suggestions: ['Ask again.'], exit: 3 });
      const text = \`hello \${args.who}\`;
      return {
        document: { schema: 'acme.hello/v1', text },
        text: (style) => \`\${style.bold(text)}\\n\`,
        exit: 0,
        reports: { markdown: () => \`# \${text}\\n\` },
      };
    });
  }
}
`;

/** A plugin with one command; `pjson` is merged into its package.json. */
function helloPlugin(name: string, pjson: object = {}, word = 'acme'): string {
  return packageFolder(base, {
    'package.json': {
      name,
      version: '1.0.0',
      type: 'module',
      oclif: { commands: './commands', topics: { [word]: { description: 'Things of Acme' } } },
      primitive: { api: '0.1' },
      ...pjson,
    },
    [`commands/${word}/hello.js`]: HELLO,
  });
}

/** A user with a home of their own, whose npm asks the registry on loopback. */
function user(): { readonly home: string; readonly run: (...args: string[]) => Promise<Call> } {
  const home = mkdtempSync(join(base, 'home-'));
  writeFileSync(join(home, '.npmrc'), `registry=${registry.url}\n`);
  return { home, run: (...args) => cli.run(args, { cwd: home, env: { HOME: home } }) };
}

const publish = (folder: string) => publishPlugin(cli, registry, folder);

/** Files and folders of a home, but for npm's own cache. */
function leftIn(home: string): readonly string[] {
  return readdirSync(home, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.split('/')[0] !== '.npm')
    .sort();
}

describe('a plugin from a registry', () => {
  test('is installed, listed, run, updated and uninstalled with nothing left', async () => {
    const folder = helloPlugin('@acme/hello');
    await publish(folder);
    const { home, run } = user();
    const before = leftIn(home);

    expect(await run('plugins', 'list')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('No plugins.'),
    });
    const installed = await run('plugins', 'install', '@acme/hello@^1', '--json');
    expect(installed).toMatchObject({ code: 0 });
    const [{ action, plugin }] = JSON.parse(installed.stdout).plugins;
    expect({ action, plugin }).toEqual({
      action: 'installed',
      plugin: expect.objectContaining({
        name: '@acme/hello',
        version: '1.0.0',
        spec: '@acme/hello@^1',
        integrity: expect.stringMatching(/^sha512-/),
        commands: ['acme hello'],
      }),
    });
    expect((await run('plugins', 'list')).stdout).toMatch(/@acme\/hello\s+1\.0\.0\s+1 command/);
    expect((await run('plugins', 'inspect', '@acme/hello')).stdout).toMatch(/from\s+http:\/\/127\.0\.0\.1/);

    expect(await run('acme', 'hello', 'world')).toEqual({
      code: 0,
      stdout: 'hello world\n',
      stderr: '==> Greeting\n',
    });
    const json = await run('acme', 'hello', 'world', '--json');
    expect(JSON.parse(json.stdout)).toEqual({ schema: 'acme.hello/v1', text: 'hello world' });
    await run('acme', 'hello', 'world', '--report', 'markdown=a.md', '--report', 'json=a.json');
    expect(readFileSync(join(home, 'a.md'), 'utf8')).toBe('# hello world\n');
    expect(JSON.parse(readFileSync(join(home, 'a.json'), 'utf8'))).toMatchObject({ text: 'hello world' });
    rmSync(join(home, 'a.md'));
    rmSync(join(home, 'a.json'));
    const events = await run('acme', 'hello', 'world', '--events', 'ndjson');
    expect(JSON.parse(events.stderr)).toMatchObject({ schema: 'primitive.event/v1', step: 'greet' });
    expect((await run('--help')).stdout).toMatch(/^ {2}acme\s+Things of Acme$/m);
    expect((await run('acme', 'hello', '--help')).stdout).toContain('--fail');

    writeFileSync(
      join(folder, 'package.json'),
      readFileSync(join(folder, 'package.json'), 'utf8').replace('1.0.0', '1.1.0'),
    );
    await publish(folder);
    expect((await run('plugins', 'update')).stdout).toMatch(/^updated\s+@acme\/hello\s+1\.0\.0 -> 1\.1\.0/);
    expect((await run('plugins', 'update', '@acme/hello')).stdout).toMatch(/^unchanged/);

    expect((await run('plugins', 'uninstall', '@acme/hello')).code).toBe(0);
    expect(leftIn(home).filter((path) => !before.includes(path))).toEqual(['.local', '.local/share']);
    expect(await run('acme', 'hello', 'world')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('[unknown-command]'),
    });
  });

  test('fails as our commands do', async () => {
    await publish(helloPlugin('failing-plugin'));
    const { run } = user();
    await run('plugins', 'install', 'failing-plugin');
    const failed = await run('acme', 'hello', 'world', '--fail', '--json');
    expect(failed.code).toBe(3);
    expect(JSON.parse(failed.stdout)).toMatchObject({
      schema: 'primitive.error/v1',
      code: 'greeting-refused',
      exit: 3,
    });
    expect(await run('acme', 'hello', 'world', '--fial')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Did you mean --fail?'),
    });
    expect(await run('acme', 'hello')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('[missing-argument]'),
    });
    expect(await run('acme', 'helo', 'you')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Did you mean primitive acme hello?'),
    });
  });
});

describe('nothing of a package runs when it is installed', () => {
  test('neither its scripts nor its programs, and no .npmrc of a checkout counts', async () => {
    const { home, run } = user();
    const trap = join(home, 'trapped');
    const folder = helloPlugin('trap-plugin', {
      scripts: { preinstall: `touch ${trap}`, install: `touch ${trap}`, postinstall: `touch ${trap}` },
      bin: { npm: './trap.js', primitive: './trap.js' },
    });
    writeFileSync(join(folder, 'trap.js'), `#!/bin/sh\ntouch ${trap}\n`, { mode: 0o755 });
    await publish(folder);
    const checkout = mkdtempSync(join(base, 'checkout-'));
    writeFileSync(join(checkout, '.npmrc'), 'registry=http://127.0.0.1:1/\nignore-scripts=false\n');
    writeFileSync(join(checkout, 'package.json'), '{ "name": "checkout" }');
    const installed = await cli.run(['plugins', 'install', 'trap-plugin'], {
      cwd: checkout,
      env: { HOME: home },
    });
    expect(installed).toMatchObject({ code: 0 });
    // As npm itself sets them for what it starts in that checkout.
    const npm = {
      npm_command: 'exec',
      npm_config_registry: 'http://127.0.0.1:1/',
      npm_config_ignore_scripts: '',
    };
    const again = await cli.run(['plugins', 'install', 'trap-plugin'], {
      cwd: checkout,
      env: { HOME: home, ...npm },
    });
    expect(again).toMatchObject({ code: 0 });
    await run('acme', 'hello', 'world');
    expect(existsSync(trap)).toBe(false);
  });

  test.each([
    './folder',
    'https://example.com/a.tgz',
    'git+ssh://git@example.com/a.git',
    '--registry=x',
    'a/b',
    '@acme/a@npm:b',
  ])('%s is not a package of a registry', async (spec) => {
    const { run } = user();
    expect(await run('plugins', 'install', '--', spec)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('[plugin-spec]'),
    });
  });
});

describe('what cannot be used is refused, and the CLI still works', () => {
  const cases: readonly (readonly [what: string, name: string, pjson: object, word: string, code: string])[] =
    [
      ['a command of ours', 'clash-plugin', {}, 'publish', 'plugin-clash'],
      [
        'another version of the interface',
        'newer-plugin',
        { primitive: { api: '9.0' } },
        'acme',
        'plugin-api',
      ],
      [
        'a broken manifest',
        'broken-plugin',
        { primitive: { api: '0.1', hook: {} } },
        'acme',
        'plugin-unknown-key',
      ],
      ['a package that is no plugin', 'no-plugin', { primitive: undefined }, 'acme', 'plugin-none'],
    ];
  test.each(cases)('%s', async (_, name, pjson, word, code) => {
    const folder = helloPlugin(name, pjson, word);
    // Of the others not even the manifest of the commands can be made.
    await (code === 'plugin-clash' ? publish(folder) : registry.publish(folder));
    const { home, run } = user();
    expect(await run('plugins', 'install', name)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`[${code}]`),
    });
    expect(leftIn(home)).toEqual(['.local', '.local/share', '.npmrc']);
    expect((await run('--help')).code).toBe(0);
  });

  test('two plugins with one command: the second is refused', async () => {
    await publish(helloPlugin('first-plugin'));
    await publish(helloPlugin('second-plugin'));
    const { run } = user();
    await run('plugins', 'install', 'first-plugin');
    const { code, stderr } = await run('plugins', 'install', 'second-plugin');
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('[plugin-clash]') });
    expect((await run('acme', 'hello', 'you')).stdout).toBe('hello you\n');
  });

  test('one that was broken later is named on stderr, and all else goes on', async () => {
    await publish(helloPlugin('rotten-plugin'));
    const { home, run } = user();
    await run('plugins', 'install', 'rotten-plugin');
    const record = '.local/share/primitive/plugins/rotten-plugin.json';
    writeFileSync(
      join(home, record),
      readFileSync(join(home, record), 'utf8').replace('"api": "0.1"', '"api": "0.0"'),
    );
    const help = await run('--help');
    expect(help).toMatchObject({ code: 0, stderr: expect.stringContaining('[plugin-api]') });
    expect(await run('acme', 'hello', 'you')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('[plugin-api]'),
    });
    writeFileSync(join(home, record), '{');
    expect((await run('plugins', 'list')).stdout).toContain('[plugin-record]');
    expect((await run('plugins', 'uninstall', 'rotten-plugin')).code).toBe(0);
    expect(leftIn(home)).toEqual(['.local', '.local/share', '.npmrc']);
  });

  test('a package that the registry does not have', async () => {
    const { run } = user();
    expect(await run('plugins', 'install', 'nobody-made-this')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('[plugin-not-found]'),
    });
  });

  test('a registry that cannot be reached', async () => {
    const { home, run } = user();
    writeFileSync(join(home, '.npmrc'), 'registry=http://127.0.0.1:1/\nfetch-retries=0\n');
    const { code, stdout } = await run('plugins', 'install', 'first-plugin', '--json');
    expect(code).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({ code: 'npm-failed', retryable: true });
    expect(leftIn(home)).toEqual(['.local', '.local/share', '.npmrc']);
  });
});

describe('installs', () => {
  test('two at once: both plugins are there, or one of two versions of the same', async () => {
    await publish(helloPlugin('at-once-a', {}, 'worda'));
    await publish(helloPlugin('at-once-b', {}, 'wordb'));
    const { home, run } = user();
    const results = await Promise.all([
      run('plugins', 'install', 'at-once-a'),
      run('plugins', 'install', 'at-once-b'),
      run('plugins', 'install', 'at-once-a'),
    ]);
    expect(results.map(({ code }) => code)).toEqual([0, 0, 0]);
    expect((await run('worda', 'hello', 'a')).stdout).toBe('hello a\n');
    expect((await run('wordb', 'hello', 'b')).stdout).toBe('hello b\n');
    await run('plugins', 'uninstall', 'at-once-a', 'at-once-b');
    expect(leftIn(home)).toEqual(['.local', '.local/share', '.npmrc']);
  });

  test.each([50, 400, 800, 1200])('killed after %i ms, and run again', async (milliseconds) => {
    await publish(helloPlugin(`killed-${milliseconds}`));
    const { home, run } = user();
    const child = spawn(
      process.execPath,
      [join(cli.folder, 'bin/run.js'), 'plugins', 'install', `killed-${milliseconds}`],
      { cwd: home, env: { PATH: process.env.PATH, HOME: home }, stdio: 'ignore' },
    );
    // It may be done by then.
    const closed = new Promise((done) => child.once('close', done));
    await new Promise((done) => setTimeout(done, milliseconds));
    child.kill('SIGKILL');
    await closed;
    expect((await run('--help')).code).toBe(0);
    expect((await run('plugins', 'install', `killed-${milliseconds}`)).code).toBe(0);
    expect((await run('acme', 'hello', 'you')).stdout).toBe('hello you\n');
    await run('plugins', 'uninstall', `killed-${milliseconds}`);
    expect(leftIn(home)).toEqual(['.local', '.local/share', '.npmrc']);
  });
});

test('a linked plugin is read anew each time and needs no manifest', async () => {
  const folder = helloPlugin('linked-plugin');
  const { run } = user();
  expect((await run('plugins', 'link', folder)).code).toBe(0);
  expect((await run('acme', 'hello', 'you')).stdout).toBe('hello you\n');
  writeFileSync(join(folder, 'commands/acme/hello.js'), HELLO.replace('hello $', 'goodbye $'));
  expect((await run('acme', 'hello', 'you')).stdout).toBe('goodbye you\n');
  await run('plugins', 'uninstall', 'linked-plugin');
  expect(existsSync(join(folder, 'package.json'))).toBe(true);
});

test('the documented plugin does what its page says', async () => {
  await publish(documentedPlugin(base));
  const { run } = user();
  expect(await run('plugins', 'install', '@acme/primitive-rust')).toMatchObject({ code: 0 });
  const { code, stdout } = await run('rust', 'toolchain', '--json');
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toEqual({ schema: 'acme.toolchain/v1', version: expect.any(String) });
});
