import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Check } from 'typebox/schema';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DoctorReport } from '../../src/features/doctor/document.ts';
import { verifySchema } from '../../src/features/verify/document.ts';
import { gitRepo } from '../support/git.ts';
import { type Call, installPacked, type Packed } from '../support/packed.ts';
import { documentedPlugin, packageFolder, publishPlugin } from '../support/plugin-user.ts';
import { type App, type PublishLab, pullRequest, startPublishLab } from '../support/publish-lab.ts';
import { run } from '../support/services/run.ts';
import { startVerdaccio, type Verdaccio } from '../support/services/verdaccio.ts';

const base = mkdtempSync(join(tmpdir(), 'plugins-at-work-'));
const NAME = '@acme/primitive-rust';
let cli: Packed;
let registry: Verdaccio;

beforeAll(async () => {
  cli = await installPacked();
  registry = await startVerdaccio();
  await publishPlugin(cli, registry, documentedPlugin(base));
});
afterAll(async () => {
  await registry?.stop();
  await cli?.[Symbol.asyncDispose]();
  rmSync(base, { recursive: true, force: true });
});

/** A home whose npm asks the registry on loopback. */
function homeOf(): string {
  const home = mkdtempSync(join(base, 'home-'));
  writeFileSync(join(home, '.npmrc'), `registry=${registry.url}\n`);
  return home;
}

describe('a developer with the documented plugin', () => {
  test('scaffolds its kind, verifies by its rule, and has nothing of it left', async () => {
    await using repo = await gitRepo({ 'primitive.config.yaml': 'registry: ghcr.io/acme\n' });
    const home = homeOf();
    const primitive = (...args: string[]): Promise<Call> =>
      cli.run(args, { cwd: repo.root, env: { HOME: home } });
    expect(await primitive('plugins', 'install', NAME)).toMatchObject({ code: 0 });
    expect(await primitive('scaffold', '--kind', 'rust', '--name', 'hello')).toMatchObject({ code: 0 });
    const folder = join(repo.root, 'primitives/rust/hello');
    // It is real: it compiles, and its test passes.
    await run('cargo', ['test', '--offline', '--quiet'], {
      cwd: folder,
      env: { CARGO_TARGET_DIR: join(home, 'target') },
    });
    rmSync(join(folder, 'Cargo.lock'), { force: true });
    await repo.commit({});

    const clean = JSON.parse((await primitive('verify', '--json')).stdout);
    expect(Check(verifySchema, clean)).toBe(true);
    expect(clean).toMatchObject({
      plugins: [{ name: NAME, version: '1.0.0', rules: ['RUST-001'] }],
      findings: [],
    });
    expect(clean.account.checked.flatMap(({ families }: { families: string[] }) => families)).toContain(
      'RUST',
    );

    await repo.write({ 'primitives/rust/hello/src/raw.rs': 'pub fn f() {\n    unsafe { g() }\n}\n' });
    const { code, stdout } = await primitive(
      'verify',
      '--json',
      '--report',
      'sarif=out.sarif',
      '--report',
      'junit=out.xml',
    );
    const [finding, ...others] = JSON.parse(stdout).findings;
    expect({ code, finding, others }).toEqual({
      code: 1,
      finding: {
        rule: 'RUST-001',
        plugin: `${NAME}@1.0.0`,
        level: 'error',
        message: 'The code is unsafe.',
        path: 'primitives/rust/hello/src/raw.rs',
        line: 2,
        fingerprint: expect.any(String),
      },
      others: [],
    });
    expect(readFileSync(join(repo.root, 'out.sarif'), 'utf8')).toContain(`"plugin": "${NAME}@1.0.0"`);
    expect(readFileSync(join(repo.root, 'out.xml'), 'utf8')).toContain(
      `RUST-001 Unsafe code (${NAME}@1.0.0)`,
    );
    expect((await primitive('verify', '--only', 'SEC')).code).toBe(0);
    expect((await primitive('verify', '--only', 'rust')).code).toBe(1);
    expect((await primitive('explain', 'RUST-001')).stdout).toContain('is not checked by the compiler');
    expect((await primitive('explain')).stdout).toMatch(
      /RUST-001 .*Unsafe code \(@acme\/primitive-rust@1\.0\.0\)/,
    );
    await repo.write({
      'primitive.suppressions.yaml':
        'schema: primitive.suppressions/v1\nsuppressions:\n  - { rule: RUST-001, path: primitives/rust/hello/src/raw.rs, reason: It is reviewed, owner: us }\n',
    });
    expect((await primitive('verify')).code).toBe(0);

    expect((await primitive('plugins', 'uninstall', NAME)).code).toBe(0);
    expect(existsSync(join(home, '.local/share/primitive'))).toBe(false);
    expect((await primitive('explain', 'RUST-001')).code).toBe(2);
    expect((await primitive('scaffold', '--kind', 'rust', '--name', 'again')).code).toBe(2);
  });

  test('a rule that fails makes the verdict incomplete, by plugin and version', async () => {
    const folder = packageFolder(base, {
      'package.json': {
        name: 'bad-rule',
        version: '3.2.1',
        type: 'module',
        primitive: {
          api: '0.1',
          rules: [
            { id: 'BAD-001', level: 'error', title: 'Bad', subject: 'primitive', module: './a.js' },
            { id: 'BAD-002', level: 'error', title: 'Fine', subject: 'primitive', module: './b.js' },
          ],
        },
      },
      'a.js':
        "import fs from 'node:fs';\nexport default () => [{ message: fs.readFileSync('/etc/hostname', 'utf8') }];\n",
      'b.js': 'export default () => [];\n',
      'BAD-001.md': '# BAD-001\n',
      'BAD-002.md': '# BAD-002\n',
    });
    await using repo = await gitRepo({
      'primitive.config.yaml': 'registry: ghcr.io/acme\n',
      'primitives/domain/orders/primitive.yaml': 'kind: domain\nname: orders\n',
    });
    const env = { HOME: homeOf() };
    await cli.run(['plugins', 'link', folder], { env });
    const { code, stdout } = await cli.run(['verify', '--no-tests', '--only', 'BAD', '--json'], {
      cwd: repo.root,
      env,
    });
    const document = JSON.parse(stdout);
    expect({ code, verdict: document.verdict, findings: document.findings }).toEqual({
      code: 3,
      verdict: 'incomplete',
      findings: [
        expect.objectContaining({
          rule: 'INT-008',
          path: 'primitives/domain/orders',
          message: expect.stringMatching(
            /is not checked by BAD-001 of bad-rule@3\.2\.1: a rule cannot import "node:fs"/,
          ),
        }),
      ],
    });
  });
});

/** A plugin whose hook and command would show that they ran. */
function trapPlugin(name: string, version: string, trap: string): string {
  const touch = `import { writeFileSync } from 'node:fs';\nexport default () => writeFileSync(${JSON.stringify(trap)}, '');\n`;
  return packageFolder(base, {
    'package.json': {
      name,
      version,
      type: 'module',
      scripts: { postinstall: `touch ${trap}` },
      primitive: { api: '0.1', hooks: { before: './hook.js', plan: './hook.js' } },
    },
    'hook.js': touch,
  });
}

describe('CI', () => {
  let lab: PublishLab;
  beforeAll(async () => {
    lab = await startPublishLab({ cli, lightSyft: true });
  });
  afterAll(() => lab?.[Symbol.asyncDispose]());

  /** An app whose main names a plugin, as its maintainers have merged it. */
  async function appNaming(name: string): Promise<{ app: App; env: Record<string, string>; home: string }> {
    const home = homeOf();
    const event = join(home, 'event.json');
    writeFileSync(event, JSON.stringify({ repository: { default_branch: 'main' } }));
    const app = await lab.app({
      sources: { 'domain/orders': 'v1' },
      config: `plugins: ["${name}"]`,
      files: { '.gitignore': 'node_modules\n', 'package.json': '{ "private": true }' },
    });
    await pin(app, home, `${name}@1.0.0`);
    await app.repo.commit({});
    app.repo.git('update-ref', 'refs/remotes/origin/main', 'HEAD');
    return { app, home, env: { HOME: home, GITHUB_EVENT_PATH: event } };
  }

  /** The same with the documented plugin, and a primitive of its kind. */
  async function appWithPlugin(): ReturnType<typeof appNaming> {
    const { app, env, home } = await appNaming(NAME);
    const kind = await cli.run(['scaffold', '--kind', 'rust', '--name', 'hello'], {
      cwd: app.repo.root,
      env: { HOME: home },
    });
    expect(kind).toMatchObject({ code: 0 });
    await app.repo.commit({});
    app.repo.git('update-ref', 'refs/remotes/origin/main', 'HEAD');
    return { app, home, env };
  }

  /** Installs packages in the repository as a developer does, with the lock file. */
  async function pin(app: App, home: string, ...specs: string[]): Promise<void> {
    const flags = [
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--save-dev',
      '--save-exact',
      '--userconfig',
      join(home, '.npmrc'),
    ];
    await run('npm', ['install', ...flags, ...specs], { cwd: app.repo.root });
  }

  const install = (app: App, env: Record<string, string>, as?: ReturnType<typeof pullRequest>) =>
    cli.run(['plugins', 'install', '--json'], {
      cwd: app.repo.root,
      // npm of this machine, for which the lab has no link.
      env: { ...app.environment(as ? { as } : {}), PATH: process.env.PATH ?? '', ...env },
    });

  /** Verdict of doctor, and the codes of what it found. */
  async function doctorOf(app: App, env: Record<string, string>) {
    const { stdout } = await cli.run(['doctor', '--json'], {
      cwd: app.repo.root,
      env: { ...app.environment(), ...env },
    });
    const { ok, checks }: DoctorReport = JSON.parse(stdout);
    return { ok, codes: checks.flatMap(({ state, code }) => (state === 'fail' ? (code ?? []) : [])) };
  }

  test('publishes with the plugin of main, and not without it', async () => {
    const { app, env } = await appWithPlugin();
    await using _ = app;
    const refused = await app.publish({ env });
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('[plugin-not-installed]') });
    expect(refused.stderr).toContain('primitive plugins install');
    expect(await doctorOf(app, env)).toMatchObject({ ok: false, codes: ['plugin-not-installed'] });

    const installed = await install(app, env);
    expect(installed).toMatchObject({ code: 0 });
    expect(JSON.parse(installed.stdout).plugins).toMatchObject([
      { action: 'installed', plugin: { name: NAME, pinned: true } },
    ]);
    expect(JSON.parse((await install(app, env)).stdout).plugins).toMatchObject([{ action: 'unchanged' }]);
    const report = await app.report({ env });
    expect(report.components.map(({ kind, name, action }) => [kind, name, action])).toEqual([
      ['domain', 'orders', 'built'],
      ['rust', 'hello', 'built'],
    ]);

    // Its hook of the plan refuses, before anything is done.
    await cli.run(['scaffold', '--kind', 'rust', '--name', 'experimental1'], { cwd: app.repo.root, env });
    await app.repo.commit({});
    app.repo.git('update-ref', 'refs/remotes/origin/main', 'HEAD');
    lab.proxy.reset();
    const hooked = await app.publish({ env, args: ['--json'] });
    expect(hooked.code).toBe(2);
    expect(JSON.parse(hooked.stdout)).toMatchObject({
      code: expect.stringContaining('rust-experimental'),
      why: expect.stringMatching(/hook `plan` of @acme\/primitive-rust 1\.0\.0/),
    });
    expect(lab.proxy.requests.filter(({ method }) => method !== 'GET' && method !== 'HEAD')).toEqual([]);
    const { ok, codes } = await doctorOf(app, env);
    expect({ ok, codes }).toEqual({ ok: false, codes: [JSON.parse(hooked.stdout).code] });
  });

  test('hooks are called in their order, with what has happened', async () => {
    const log = join(base, 'hooks.jsonl');
    const events = ['after', 'before', 'plan', 'published', 'sealed', 'verified'];
    const hook = (event: string) =>
      `import { appendFileSync } from 'node:fs';\nexport default (data, { version }) => appendFileSync(${JSON.stringify(log)}, JSON.stringify({ event: '${event}', version, data }) + '\\n');\n`;
    const name = 'hook-log';
    await registry.publish(
      packageFolder(base, {
        'package.json': {
          name,
          version: '1.0.0',
          type: 'module',
          primitive: {
            api: '0.1',
            hooks: Object.fromEntries(events.map((event) => [event, `./${event}.js`])),
          },
        },
        ...Object.fromEntries(events.map((event) => [`${event}.js`, hook(event)])),
      }),
    );
    const { app, env } = await appNaming(name);
    await using _ = app;
    expect(await install(app, env)).toMatchObject({ code: 0 });
    const calls = () => {
      const lines = readFileSync(log, 'utf8').trim().split('\n');
      rmSync(log);
      return lines.map((line) => JSON.parse(line));
    };

    const report = await app.report({ env });
    const published = calls();
    expect(published.map(({ event }) => event)).toEqual(['before', 'plan', 'sealed', 'published', 'after']);
    const [before, plan, sealed, release, after] = published.map(({ data }) => data);
    const { digest, ref } = report.components[0] ?? {};
    const orders = { kind: 'domain', name: 'orders' };
    expect(before).toEqual({ command: 'publish' });
    expect(plan).toMatchObject({
      commit: app.head,
      tier: 'trusted',
      dryRun: false,
      components: [{ ...orders, action: 'build' }],
    });
    expect(sealed).toMatchObject({ commit: app.head, components: [{ ...orders, digest }] });
    expect(release).toMatchObject({
      commit: app.head,
      record: expect.stringMatching(new RegExp(`primitive-releases:${app.head}@sha256:`)),
      components: [{ ...orders, ref }],
    });
    expect(after).toMatchObject({
      command: 'publish',
      exit: 0,
      document: { schema: 'primitive.publish/v1' },
    });

    // Nothing is sealed by a dry run.
    expect(await app.publish({ env, args: ['--dry-run'] })).toMatchObject({ code: 0 });
    expect(calls().map(({ event }) => event)).toEqual(['before', 'plan', 'after']);

    await cli.run(['verify', '--no-tests', '--only', 'SEC'], {
      cwd: app.repo.root,
      env: { ...app.environment({}), ...env },
    });
    const verified = calls();
    expect(verified.map(({ event }) => event)).toEqual(['before', 'verified', 'after']);
    expect(verified[1].data).toMatchObject({
      verdict: 'partial',
      primitives: ['domain/orders'],
      findings: [],
    });
  });

  test('a pull request brings no plugin that runs: neither a new one, nor a newer one, nor one less', async () => {
    const { app, env, home } = await appWithPlugin();
    await using _ = app;
    const trap = join(home, 'trapped');
    await registry.publish(trapPlugin('evil-plugin', '1.0.0', trap));
    await registry.publish(trapPlugin(NAME, '6.6.6', trap));
    await install(app, env);

    // What the author of a pull request can change, all at once.
    app.repo.git('switch', '--quiet', '-c', 'topic');
    await pin(app, home, 'evil-plugin@1.0.0', `${NAME}@6.6.6`);
    const config = await app.repo.read('primitive.config.yaml');
    await app.repo.commit({
      'primitive.config.yaml': config.replace(`["${NAME}"]`, `["${NAME}", "evil-plugin"]`),
      '.npmrc': 'registry=http://127.0.0.1:1/\nignore-scripts=false\n',
    });
    // The kind comes with the package of the pull request, which has none; that is its own loss.
    app.repo.git('rm', '-r', '--quiet', 'primitives/rust');
    await app.repo.commit({});
    const as = pullRequest(app.head);
    const installed = await install(app, env, as);
    expect(JSON.parse(installed.stdout).plugins).toMatchObject([
      { action: 'unchanged', plugin: { version: '1.0.0' } },
    ]);
    const published = await app.publish({
      as: { run: as.run },
      env: { ...env, ...(await eventOf(as, home)) },
    });
    expect(published).toMatchObject({ code: 0 });
    expect(published.stderr).toMatch(/evil-plugin is not loaded: this change names it/);
    expect(published.stderr).toMatch(/primitive-rust counts as 1\.0\.0 of the merge base/);
    const verified = await cli.run(['verify', '--no-tests', '--json'], {
      cwd: app.repo.root,
      env: { ...app.environment({ as }), ...env },
    });
    expect(JSON.parse(verified.stdout).unchecked).toContainEqual(
      expect.objectContaining({ what: 'plugin evil-plugin' }),
    );
    expect(existsSync(trap)).toBe(false);

    // One less: it counts all the same.
    await app.repo.commit({ 'primitive.config.yaml': config.replace(`plugins: ["${NAME}"]`, '') });
    const less = await cli.run(['verify', '--no-tests', '--json'], {
      cwd: app.repo.root,
      env: { ...app.environment({ as }), ...env },
    });
    expect(JSON.parse(less.stdout).plugins).toMatchObject([{ name: NAME, version: '1.0.0' }]);
    expect(less.stderr).toMatch(/primitive-rust counts: the merge base names it/);

    // The trap works: merged and installed, the hook runs.
    await app.repo.commit({ 'primitive.config.yaml': config.replace(`["${NAME}"]`, '["evil-plugin"]') });
    app.repo.git('update-ref', 'refs/remotes/origin/main', 'HEAD');
    rmSync(join(app.repo.root, '.npmrc'));
    await install(app, env, as);
    await cli.run(['list'], { cwd: app.repo.root, env: { ...app.environment({ as }), ...env } });
    expect(existsSync(trap)).toBe(true);
  });

  /** The event file of a pull request, with the default branch. */
  async function eventOf(
    { event }: ReturnType<typeof pullRequest>,
    home: string,
  ): Promise<Record<string, string>> {
    const path = join(home, 'pull-event.json');
    writeFileSync(path, JSON.stringify({ ...(event as object), repository: { default_branch: 'main' } }));
    return { GITHUB_EVENT_PATH: path };
  }

  test('a clone without main, and a plugin of the user, count for nothing', async () => {
    const { app, env, home } = await appWithPlugin();
    await using _ = app;
    app.repo.git('update-ref', '-d', 'refs/remotes/origin/main');
    const as = pullRequest(app.head);
    const trap = join(home, 'trapped');
    await cli.run(['plugins', 'link', trapPlugin('own-plugin', '1.0.0', trap)], { env: { HOME: home } });
    const { code, stderr } = await app.publish({
      as: { run: as.run },
      env: { ...env, ...(await eventOf(as, home)) },
    });
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('[plugin-base-unknown]') });
    expect(existsSync(trap)).toBe(false);
    // Outside of CI it runs.
    await cli.run(['list'], { cwd: app.repo.root, env: { HOME: home } });
    expect(existsSync(trap)).toBe(true);
  });
});
