import { chmodSync, existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { secretsOf } from '../../src/app/secrets.ts';
import { mainRun, type PublishLab, startPublishLab } from '../support/publish-lab.ts';
import { run } from '../support/services/run.ts';
import { tool } from '../tools/locate.ts';

let lab: PublishLab;
beforeAll(async () => {
  lab = await startPublishLab({ lightSyft: true });
});
afterAll(() => lab?.[Symbol.asyncDispose]());

const PEM = '-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nx\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----';
const SIGNING = { COSIGN_PASSWORD: 'ambient-password', COSIGN_PKCS11_PIN: 'ambient-pin', RELEASE_KEY: PEM };
const CACHE = {
  ACTIONS_CACHE_URL: 'http://127.0.0.1:9/',
  ACTIONS_RESULTS_URL: 'http://127.0.0.1:9/',
  ACTIONS_RUNTIME_TOKEN: 'ambient-runtime-token',
};
/** What a job may hold besides. */
const OTHERS = {
  AWS_SECRET_ACCESS_KEY: 'ambient-aws-secret',
  GH_TOKEN: 'ambient-gh-token',
  NODE_AUTH_TOKEN: 'ambient-npm-token',
  SSH_AUTH_SOCK: '/run/agent',
};
const isAmbient = (name: string) => /^(ACTIONS|COSIGN|SIGSTORE)_|^RELEASE_KEY$/.test(name);

/** Programs in front of the real ones that write down their environment; what each of them inherited, by name. */
async function watch(names: readonly string[]) {
  const [bin, log] = await Promise.all([lab.folder('watched'), lab.folder('log')]);
  for (const name of names) {
    const script = `#!/bin/sh\n/usr/bin/env -0 >'${log}/${name}.'$$\nexec '${join(lab.bin, name)}' "$@"\n`;
    writeFileSync(join(bin, name), script, { mode: 0o755 });
  }
  const inherited = () =>
    Object.fromEntries(
      names.map((name) => {
        const runs = globSync(`${name}.*`, { cwd: log }).map((file) => readEnvironment(join(log, file)));
        const ambient = runs.flatMap((variables) => Object.keys(variables).filter(isAmbient));
        return [name, { ran: runs.length > 0, ambient: [...new Set(ambient)].sort() }];
      }),
    );
  return { PATH: [bin, '/usr/sbin', '/usr/bin', '/sbin', '/bin'].join(delimiter), inherited };
}

/** What `env -0` wrote. */
function readEnvironment(file: string): Readonly<Record<string, string>> {
  const entries = readFileSync(file, 'utf8').split('\0').filter(Boolean);
  return Object.fromEntries(entries.map((entry) => entry.split(/=(.*)/s, 2)));
}

describe('a publish gives ambient credentials to what needs them alone', () => {
  test('what signs goes to cosign', async () => {
    await using app = await lab.app({ sources: { 'domain/orders': 'v1' } });
    const { PATH, inherited } = await watch(['git', 'cosign', 'syft', 'buildx']);
    await app.report({ as: mainRun(app.head), env: { ...SIGNING, ...CACHE, PATH } });
    const none = { ran: true, ambient: [] };
    expect(inherited()).toEqual({
      git: none,
      syft: none,
      buildx: none,
      // In keyless mode the token of this one signature; the job's right to ask for more stays here.
      cosign: { ran: true, ambient: [...Object.keys(SIGNING), 'SIGSTORE_ID_TOKEN'].sort() },
    });
  });

  test('what writes the cache of GitHub Actions goes to buildx, where the config asks for it', async () => {
    await using app = await lab.app({
      sources: { 'domain/orders': 'v1' },
      config: 'build: { builder: buildx, cache: { trusted: { to: ["type=gha"] } } }',
    });
    const { PATH, inherited } = await watch(['git', 'cosign', 'syft', 'buildx']);
    // BuildKit reads the token, and finds that it is none.
    const call = await app.publish({ env: { ...SIGNING, ...CACHE, PATH } });
    expect(call.stderr).toContain('failed to configure gha cache exporter: token is malformed');
    expect(inherited()).toMatchObject({
      git: { ran: true, ambient: [] },
      buildx: { ran: true, ambient: Object.keys(CACHE).sort() },
      cosign: { ambient: [] },
      syft: { ambient: [] },
    });
  });
});

describe('what the repository decides about gets no credential', () => {
  const secrets = { ...SIGNING, ...CACHE, ...OTHERS, PIP_INDEX_URL: 'https://me:ambient-pip@pypi.invalid/' };
  /** What would change what a runner does. */
  const SETTINGS = {
    GOFLAGS: '-run=None',
    NODE_OPTIONS: '--no-warnings',
    PYTEST_ADDOPTS: '-k none',
    PYTHONPATH: '/nowhere',
  };

  async function repository(files: Readonly<Record<string, string>>): Promise<string> {
    const root = await lab.folder('repository');
    await run('git', ['init', '--quiet'], { cwd: root });
    for (const [path, text] of Object.entries({
      'primitive.config.yaml': 'registry: ghcr.io/acme\n',
      '.gitignore': 'node_modules\n',
      ...files,
    })) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    return root;
  }

  function expectNone(file: string): void {
    const variables = readEnvironment(file);
    expect(variables.HOME).toBe(lab.cli.home);
    expect(Object.keys(variables).filter((name) => isAmbient(name) || name in OTHERS)).toEqual([]);
    expect(secretsOf(variables)).toEqual([]);
    expect(JSON.stringify(variables)).not.toContain('ambient');
  }

  test('test suites, which run the tools of the repository', async () => {
    const shop = 'primitives/uisurface/shop';
    const dump = join(await lab.folder('dump'), 'suite');
    const suite = `import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
test('reads', () => execFileSync('repository-tool', { stdio: 'inherit' }));`;
    const root = await repository({
      [`${shop}/primitive.yaml`]: 'kind: uisurface\nname: shop\n',
      [`${shop}/package-lock.json`]: '{}',
      [`${shop}/node_modules/.package-lock.json`]: '{}',
      [`${shop}/test/a.test.ts`]: suite,
      'node_modules/.bin/repository-tool': `#!/bin/sh\n/usr/bin/env -0 >'${dump}'\n`,
    });
    chmodSync(join(root, 'node_modules/.bin/repository-tool'), 0o755);
    const PATH = [join(root, 'node_modules/.bin'), dirname(process.execPath), '/usr/bin', '/bin'].join(
      delimiter,
    );
    await lab.cli.run(['verify'], { cwd: root, env: { ...secrets, ...SETTINGS, PATH } });
    expectNone(dump);
    expect(Object.keys(readEnvironment(dump)).filter((name) => name in SETTINGS)).toEqual([]);
  });

  const ORDERS = 'primitives/domain/orders';
  const bufPath = [dirname(tool('buf')), '/usr/bin', '/bin'].join(delimiter);
  function withPlugin(dump: string): Promise<string> {
    const plugin = `[sh, -c, "/usr/bin/env -0 >'${dump}'; cat >/dev/null"]`;
    return repository({
      [`${ORDERS}/primitive.yaml`]: 'kind: domain\nname: orders\n',
      [`${ORDERS}/buf.yaml`]: 'version: v2\nmodules: [{ path: proto }]\n',
      [`${ORDERS}/buf.gen.yaml`]: `version: v2\nplugins:\n  - local: ${plugin}\n    out: gen\n`,
      [`${ORDERS}/proto/a.proto`]: 'syntax = "proto3";\npackage a;\nmessage A {}\n',
    });
  }

  const commands = [['generate'], ['generate', '--check'], ['verify', '--only', 'GEN', '--only', 'TEST']];
  test.each(commands.map((args) => ({ args })))(
    'plugins that a buf.gen.yaml names: $args',
    async ({ args }) => {
      const dump = join(await lab.folder('dump'), 'plugin');
      const root = await withPlugin(dump);
      await lab.cli.run(args, { cwd: root, env: { ...secrets, PATH: bufPath } });
      expectNone(dump);
    },
  );

  test.each([[['--no-tests']], [['--only', 'GEN']], [['--no-tests', '--only', 'GEN']]])(
    'no plugin of a buf.gen.yaml runs where suites do not: verify %j',
    async (flags) => {
      const dump = join(await lab.folder('dump'), 'plugin');
      const root = await withPlugin(dump);
      const { stdout } = await lab.cli.run(['verify', ...flags, '--json'], {
        cwd: root,
        env: { ...secrets, PATH: bufPath },
      });
      const { verdict, unchecked } = JSON.parse(stdout);
      expect(existsSync(dump)).toBe(false);
      expect(verdict).not.toBe('passed');
      expect(unchecked).toContainEqual({
        what: `GEN of ${ORDERS}`,
        why: expect.stringContaining('names a program that is not known'),
      });
    },
  );

  test('a variable that a kind names, and no credential that it names', async () => {
    const dump = join(await lab.folder('dump'), 'suite');
    const kind = `schema: primitive.kind/v1
kind: worker
version: 1
language: ts
names: { pattern: "^[a-z]+$" }
suites:
  - { id: unit, runner: node-test, args: ["test/*.test.ts"], env: [APP_REGION, GH_TOKEN, COSIGN_PASSWORD, APP_DSN] }
build: { context: ".", dockerfile: Dockerfile }
run: { port: 8080, live: /livez, ready: /readyz, drainSeconds: 10 }
`;
    const mail = 'primitives/worker/mail';
    const suite = `import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
test('reads', () => execFileSync('/bin/sh', ['-c', "/usr/bin/env -0 >'${dump}'"]));`;
    const root = await repository({
      'primitive.config.yaml': 'registry: ghcr.io/acme\nplugins: ["@acme/kinds"]\n',
      'node_modules/@acme/kinds/kinds/worker/kind.yaml': kind,
      [`${mail}/primitive.yaml`]: 'kind: worker\nname: mail\n',
      [`${mail}/package-lock.json`]: '{}',
      [`${mail}/node_modules/.package-lock.json`]: '{}',
      [`${mail}/test/a.test.ts`]: suite,
    });
    const PATH = [dirname(process.execPath), '/usr/bin', '/bin'].join(delimiter);
    const own = { APP_REGION: 'eu', APP_OTHER: 'x', APP_DSN: 'postgres://app:ambient-password@db/app' };
    await lab.cli.run(['verify'], { cwd: root, env: { ...secrets, ...own, PATH } });
    expectNone(dump);
    expect(readEnvironment(dump)).toMatchObject({ APP_REGION: 'eu' });
    expect(readEnvironment(dump)).not.toHaveProperty('APP_OTHER');
  });
});
