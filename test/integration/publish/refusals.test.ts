import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { errorSchema } from '../../../src/core/error-document.ts';
import type { PublishReport } from '../../../src/features/publish/document.ts';
import { publishSchema } from '../../../src/features/publish/document.ts';
import type { FileContent } from '../../support/git.ts';
import {
  type App,
  documentOf,
  mainRun,
  type PublishLab,
  type PublishOptions,
  pullRequest,
  startPublishLab,
  tagsOf,
} from '../../support/publish-lab.ts';
import { brokenPromisesAt } from '../../support/registry-promises.ts';
import { run } from '../../support/services/run.ts';
import { pushShellBase } from '../../support/shell-base.ts';
import { tool } from '../../tools/locate.ts';

let lab: PublishLab;
let shell: string;
beforeAll(async () => {
  lab = await startPublishLab({ inProcess: true, lightSyft: true });
  shell = await pushShellBase(lab.proxy.host);
});
afterAll(() => lab?.[Symbol.asyncDispose]());

/** What a failure must say, and how it must end. */
interface Refusal {
  readonly code: string;
  readonly exit: 1 | 2 | 3;
  readonly says: RegExp;
}

/** Everything that changes a registry; an upload that is begun and cancelled is how push rights are tried. */
const CHANGES = /^(?:PUT|PATCH) /;

async function expectRefusal(
  app: App,
  options: PublishOptions,
  { code, exit, says }: Refusal,
): Promise<void> {
  lab.proxy.reset();
  const args = ['--json', '--events', 'ndjson', ...(options.args ?? [])];
  const call = await app.publish({ ...options, args });
  const error = documentOf<Record<string, unknown>>(call, errorSchema, exit);
  expect(error).toMatchObject({ code, exit });
  expect(JSON.stringify(error)).toMatch(says);
  if (!/^[\w./-]+:\d+:\d+: /.test(String(error.message))) {
    // A message that begins with a place says why itself, and what to do is to change that place.
    expect(error.why, 'it says why').toBeTruthy();
    expect(error.suggestions, 'it says what to do').not.toEqual([]);
  }
  expect(call.stderr).not.toMatch(/^\s+at /m);
  expect(call.stderr, 'nothing is built').not.toMatch(/"state":"building"/);
  // A refusal of arguments is none of the place.
  const chosen = options.args !== undefined;
  if (!chosen) await expectDoctorSaysSo(app, options, code);
  const asked = lab.proxy.requests.map(({ method, path }) => `${method} ${path}`);
  expect(asked.filter((request) => CHANGES.test(request))).toEqual([]);
}

/** doctor names the same problem, and never says that a publish can run. */
async function expectDoctorSaysSo(app: App, options: PublishOptions, code: string): Promise<void> {
  const { ok, checks } = await app.doctor({ ...options, args: [] });
  expect(ok, `doctor says that it can run, publish refuses by ${code}`).toBe(false);
  expect(checks.flatMap((check) => check.code ?? [])).toContain(code);
}

const ORDERS = 'primitives/domain/orders';
const withSecret = (source: string) =>
  `kind: domain\nname: orders\nbuild: { secrets: [{ id: token, ${source} }] }\n`;

test('a Fulcio that only the checkout names gets no token, and nothing is built', async () => {
  await using app = await lab.app();
  const config = await app.repo.read('primitive.config.yaml');
  const services = JSON.parse(await readFile(lab.sigstore.signingConfig, 'utf8'));
  services.caUrls[0].url = 'https://fulcio.evil.example';
  await app.repo.commit({
    'primitive.config.yaml': config.replaceAll(lab.sigstore.signingConfig, 'sigstore/signing_config.json'),
    'sigstore/signing_config.json': JSON.stringify(services),
  });
  for (const args of [[], ['--dry-run']])
    await expectRefusal(
      app,
      { as: mainRun(app.head), args },
      { code: 'signing-service-unknown', exit: 2, says: /COSIGN_FULCIO_URL=https:\/\/fulcio\.evil\.example/ },
    );
});

describe('a workspace', () => {
  test.each<[string, Record<string, FileContent>, Refusal]>([
    [
      'with broken YAML',
      { 'primitive.config.yaml': 'registry: [\n' },
      { code: 'config-syntax', exit: 2, says: /primitive\.config\.yaml:\d+:\d+/ },
    ],
    [
      'with an unknown key',
      { 'primitive.config.yaml': 'registry: 127.0.0.1:1/x\nplatfroms: [linux/amd64]\n' },
      { code: 'config-unknown-key', exit: 2, says: /primitive\.config\.yaml:2:1.*platforms/s },
    ],
    [
      'with a name that has a dot',
      {
        'primitives/domain/or.ders/primitive.yaml': 'kind: domain\nname: or.ders\n',
        'primitives/domain/or.ders/Dockerfile': 'FROM scratch\n',
      },
      { code: 'primitive-invalid', exit: 2, says: /or\.ders/ },
    ],
    [
      'with a name that has a capital',
      {
        'primitives/domain/Orders/primitive.yaml': 'kind: domain\nname: Orders\n',
        'primitives/domain/Orders/Dockerfile': 'FROM scratch\n',
      },
      { code: 'primitive-invalid', exit: 2, says: /upper-case/ },
    ],
    [
      'with a name of 200 characters',
      {
        [`primitives/domain/${'o'.repeat(200)}/primitive.yaml`]: `kind: domain\nname: ${'o'.repeat(200)}\n`,
        [`primitives/domain/${'o'.repeat(200)}/Dockerfile`]: 'FROM scratch\n',
      },
      { code: 'primitive-invalid', exit: 2, says: /200 characters/ },
    ],
    [
      'with an image that has a capital',
      { [`${ORDERS}/primitive.yaml`]: 'kind: domain\nname: orders\nimage: Orders\n' },
      { code: 'primitive-invalid', exit: 2, says: /Orders/ },
    ],
    [
      'with an unpinned FROM',
      { [`${ORDERS}/Dockerfile`]: 'FROM alpine:3.20\nCOPY app.txt /\n' },
      { code: 'dockerfile-unpinned', exit: 2, says: /orders\/Dockerfile:1.*alpine:3\.20/s },
    ],
    [
      'with an unpinned COPY --from',
      { [`${ORDERS}/Dockerfile`]: 'FROM scratch\nCOPY --from=busybox:1 /bin/sh /\n' },
      { code: 'dockerfile-unpinned', exit: 2, says: /orders\/Dockerfile:2.*busybox:1/s },
    ],
    [
      'with an unpinned # syntax=',
      { [`${ORDERS}/Dockerfile`]: '# syntax=docker/dockerfile:1\nFROM scratch\nCOPY app.txt /\n' },
      { code: 'dockerfile-unpinned', exit: 2, says: /orders\/Dockerfile:1.*docker\/dockerfile:1/s },
    ],
    [
      'with a floating tag',
      { 'primitive.config.yaml': 'registry: 127.0.0.1:1/x\ntags: [latest]\n' },
      { code: 'config-invalid', exit: 2, says: /latest.*\{sha\}/s },
    ],
    [
      'that gives its builds the token to sign with',
      { [`${ORDERS}/primitive.yaml`]: withSecret('env: ACTIONS_ID_TOKEN_REQUEST_TOKEN') },
      { code: 'primitive-invalid', exit: 2, says: /primitive\.yaml:3:\d+: `env` is a credential/ },
    ],
    [
      'that gives its builds the environment',
      { [`${ORDERS}/primitive.yaml`]: withSecret('file: /proc/self/environ') },
      { code: 'primitive-invalid', exit: 2, says: /primitive\.yaml:3:\d+: `file` is a credential/ },
    ],
    [
      'that gives its builds the environment, by a way around',
      { [`${ORDERS}/primitive.yaml`]: withSecret(`file: ${'../'.repeat(20)}proc/self/environ`) },
      { code: 'build-secret-refused', exit: 2, says: /\/proc\/self\/environ as build secret token/ },
    ],
    [
      'that gives its builds the environment, by a link',
      {
        'npm-token': { link: '/proc/self/environ' },
        [`${ORDERS}/primitive.yaml`]: withSecret('file: npm-token'),
      },
      { code: 'build-secret-refused', exit: 2, says: /npm-token as build secret token/ },
    ],
  ])('%s is refused, in a dry run too', async (_case, files, refusal) => {
    await using app = await lab.app();
    await app.repo.commit(files);
    await expectRefusal(app, {}, refusal);
    await expectRefusal(app, { args: ['--dry-run'] }, refusal);
  });

  test('without a config is refused, with where it was looked for', async () => {
    await using app = await lab.app();
    const cwd = await lab.folder('empty');
    await expectRefusal(app, { cwd }, { code: 'config-not-found', exit: 2, says: new RegExp(cwd) });
  });

  test('without a component is refused, with what was looked for where', async () => {
    await using app = await lab.app({ sources: {} });
    await expectRefusal(
      app,
      {},
      { code: 'components-none', exit: 2, says: /primitives\/<kind>\/<name>\/primitive\.yaml/ },
    );
  });

  test('with a changed and an untracked input is refused, with the list', async () => {
    await using app = await lab.app();
    await app.repo.write({ [`${ORDERS}/app.txt`]: 'changed', [`${ORDERS}/new.txt`]: 'untracked' });
    await expectRefusal(
      app,
      {},
      { code: 'inputs-dirty', exit: 2, says: /orders\/app\.txt.*orders\/new\.txt/s },
    );
  });

  test('with a link that leads out of a context to be built is refused, in a dry run too', async () => {
    await using app = await lab.app();
    await app.repo.commit({ [`${ORDERS}/out`]: { link: '/etc/passwd' } });
    const refusal: Refusal = {
      code: 'inputs-link-escapes',
      exit: 2,
      says: /The link out of domain\/orders leads/,
    };
    await expectRefusal(app, {}, refusal);
    await expectRefusal(app, { args: ['--dry-run'] }, refusal);
  });

  test('of which only a part is selected is refused, with the three ways on', async () => {
    await using app = await lab.app();
    await expectRefusal(
      app,
      { args: ['domain/orders'] },
      { code: 'publish-selection-partial', exit: 2, says: /--seal-only.*--keep-going/s },
    );
  });

  test('whose image has a dot in its name and a path of 200 characters is published', async () => {
    const image = `${'a.b/'.repeat(40)}c_d--e`;
    await using app = await lab.app({
      sources: { 'domain/orders': 'v1' },
      files: { [`${ORDERS}/primitive.yaml`]: `kind: domain\nname: orders\nimage: ${image}\n` },
    });
    const { components } = await app.report();
    expect(components).toMatchObject([{ action: 'built', image: `${app.prefix}/${image}` }]);
    expect(await tagsOf(`${app.prefix}/${image}`)).toHaveProperty(app.head);
  });
});

describe('a tool', () => {
  const links = async (without: string, more: Record<string, string> = {}) => {
    const all = {
      cosign: tool('cosign'),
      syft: join(lab.bin, 'syft'),
      buildx: tool('buildx'),
      git: tool('git'),
    };
    const entries = Object.entries(all).filter(([name]) => name !== without);
    return lab.programs({ ...Object.fromEntries(entries), ...more });
  };
  /** A program of a few lines of shell. */
  const script = async (text: string) => {
    const path = join(await lab.folder('script'), 'program');
    await writeFile(path, `#!/bin/sh\n${text}\n`);
    await chmod(path, 0o755);
    return path;
  };

  test.each<[string, () => Promise<Record<string, string>>, Refusal]>([
    [
      'cosign that is missing',
      async () => ({ PATH: await links('cosign') }),
      { code: 'tool-not-found', exit: 3, says: /cosign/ },
    ],
    [
      'cosign 2',
      async () => ({ PATH: await links('cosign', { cosign: tool('cosign2') }) }),
      { code: 'tool-too-old', exit: 3, says: /2\.\d+\.\d+.*3\.1/s },
    ],
    [
      'syft that is missing',
      async () => ({ PATH: await links('syft') }),
      { code: 'tool-not-found', exit: 3, says: /syft/ },
    ],
    [
      'syft that is too old',
      async () => ({
        PATH: `${await links('syft', { syft: await script('echo Version: 0.105.0') })}:/bin`,
      }),
      { code: 'tool-too-old', exit: 3, says: /0\.105\.0/ },
    ],
    [
      'no builder at all',
      async () => ({ PATH: await links('buildx') }),
      { code: 'builder-not-found', exit: 3, says: /buildx.*buildah/s },
    ],
    [
      'the plain docker driver',
      async () => ({
        PATH: await links(''),
        BUILDX_CONFIG: await lab.folder('buildx'),
        BUILDX_BUILDER: '',
        DOCKER_HOST: 'unix:///nowhere/docker.sock',
      }),
      { code: 'builder-unusable', exit: 3, says: /docker-container/ },
    ],
  ])('%s is found before anything is done', async (_case, env, refusal) => {
    await using app = await lab.app({ config: 'build: { builder: auto }' });
    await expectRefusal(app, { env: await env() }, refusal);
  });

  test('that is missing does not matter where nothing is to be built or signed', async () => {
    await using app = await lab.app({ sources: { 'domain/orders': 'v1' } });
    await app.report();
    const { components } = await app.report({ env: { PATH: await lab.programs({ git: tool('git') }) } });
    expect(components).toMatchObject([{ action: 'already-published' }]);
  });

  /**
   * Counts its calls with a word in their arguments, or in the statement that cosign is given, by folders, of which each can
   * be made by one call only, and goes wrong at one of them.
   */
  const failingAt = (program: string, counter: string, word: string, at: number) =>
    script(
      `case "$* $(cat -- "$4" 2>/dev/null)" in *${word}*) n=1; until mkdir ${counter}.$n 2>/dev/null; do n=$((n + 1)); done; [ $n -eq ${at} ] && { echo "Error: broken for this test" >&2; exit 1; };; esac\nexec ${program} "$@"`,
    );

  test.each([
    ['cosign', 'slsa.dev/provenance', 2, 'signing-failed', 1],
    // The signature of all.
    ['cosign', 'cosign/sign/v1', 1, 'signing-failed', 0],
    ['syft', 'scan', 2, 'sbom-failed', 1],
  ])(
    '%s that fails at call %s %i fails the components it was for, and the next run ends right',
    async (name, word, at, code, built) => {
      await using app = await lab.app();
      const counter = join(await lab.folder('counter'), 'calls');
      const program = await failingAt(tool(name), counter, word, at);
      const bin = await links(name, { [name]: program });
      const call = await app.publish({ args: ['--json'], env: { PATH: `${bin}:/usr/bin:/bin` } });
      const report = documentOf<PublishReport>(call, publishSchema, 1);
      const failed = report.components.filter(({ action }) => action === 'failed');
      expect(failed.map(({ error }) => error?.code)).toEqual(Array(app.ids.length - built).fill(code));
      expect(failed[0]?.error?.why).toMatch(/broken for this test/);
      expect(report.release).toBeUndefined();
      for (const id of app.ids) expect(await tagsOf(app.image(id))).not.toHaveProperty(app.head);
      expect(await brokenPromisesAt(lab.observe(app))).toEqual([]);
      const again = await app.report();
      expect(again.components.filter(({ action }) => action === 'reused')).toHaveLength(built);
      expect(again.release?.written).toBe(true);
    },
  );

  test('cosign that fails at the record leaves sealed images with tags and no record; the next run writes it', async () => {
    await using app = await lab.app({ sources: { 'domain/orders': 'v1' } });
    const counter = join(await lab.folder('counter'), 'calls');
    const bin = await links('cosign', {
      cosign: await failingAt(tool('cosign'), counter, 'cosign/sign/v1', 2),
    });
    const call = await app.publish({ args: ['--json'], env: { PATH: `${bin}:/usr/bin:/bin` } });
    expect(documentOf(call, errorSchema, 3)).toMatchObject({ code: 'signing-failed' });
    expect(await tagsOf(app.image('domain/orders'))).toHaveProperty(app.head);
    expect(Object.keys(await tagsOf(app.releases)).filter((tag) => !tag.startsWith('sha256-'))).toEqual([]);
    const again = await app.report();
    expect(again.components).toMatchObject([{ action: 'already-published' }]);
    expect(again).toMatchObject({ release: { written: true }, channel: { moved: true } });
  });
});

test('a Dockerfile that fails shows its last lines; the others are sealed and not built again', async () => {
  await using app = await lab.app({
    files: {
      'primitives/domain/stock/Dockerfile': `FROM ${shell}\nRUN echo the compiler says no && exit 7\n`,
    },
  });
  const call = await app.publish();
  expect(call.code).toBe(1);
  expect(call.stdout).toMatch(/domain\/stock.*\[build-failed\]/);
  // The output of the step, not its command.
  const outputs = (text: string) =>
    text.split('\n').filter((line) => /^(?!.*echo).*the compiler says no/.test(line)).length;
  const printed = `${call.stderr}${call.stdout}`;
  // In GitHub Actions the annotation has it too.
  const reasons = printed.split('\n').filter((line) => /The build failed/.test(line));
  expect(reasons.filter((line) => !line.startsWith('::error title=domain/stock::'))).toHaveLength(1);
  expect(call.stdout).not.toMatch(/^\s+at /m);
  for (const id of app.ids) expect(await tagsOf(app.image(id))).not.toHaveProperty(app.head);
  const before = await tagsOf(app.image('domain/orders'));
  expect(Object.keys(before).some((tag) => tag.startsWith('in-'))).toBe(true);

  const kept = await app.publish({ args: ['--keep-going', '--json'] });
  const report = documentOf<PublishReport>(kept, publishSchema, 1);
  expect(report.components.map(({ action }) => action)).toEqual(['reused', 'failed']);
  expect(report).toMatchObject({ verdict: 'failed' });
  // Printed once: as often as the builder itself does.
  const { log = '' } = report.components[1]?.error ?? {};
  expect(outputs(log)).toBeGreaterThan(0);
  expect([outputs(call.stdout), outputs(call.stderr)]).toEqual([0, outputs(log)]);
  expect(report.release).toBeUndefined();
  expect(await tagsOf(app.image('domain/orders'))).toHaveProperty(app.head);

  await app.repo.commit({ 'primitives/domain/stock/Dockerfile': 'FROM scratch\nCOPY app.txt /\n' });
  const mended = await app.report();
  expect(mended.components.map(({ action }) => action)).toEqual(['reused', 'built']);
  expect(await brokenPromisesAt(lab.observe(app))).toEqual([]);
});

describe('an identity', () => {
  test('that is neither here nor in the config leaves a dry run nobody to plan for', async () => {
    await using app = await lab.app({ signing: 'signing: {}' });
    await expectRefusal(
      app,
      { as: null, args: ['--dry-run'] },
      { code: 'identity-missing', exit: 2, says: /^(?!.*--dry-run).*signing\.trusted/s },
    );
  });

  test.each<[string, (sha: string) => PublishOptions, Refusal]>([
    ['none', () => ({ as: null }), { code: 'identity-missing', exit: 2, says: /id-token: write/ }],
    [
      'a merge commit',
      (sha) => {
        const merge = pullRequest('a'.repeat(40));
        return { as: { ...merge, run: { ...merge.run, sha } } };
      },
      { code: 'identity-merge-commit', exit: 2, says: /github\.event\.pull_request\.head\.sha/ },
    ],
    [
      'pull_request_target',
      (sha) => ({ as: { run: { sha, event: 'pull_request_target' } } }),
      { code: 'identity-trigger-refused', exit: 2, says: /on: pull_request/ },
    ],
    [
      'workflow_run',
      (sha) => ({ as: { run: { sha, event: 'workflow_run' } } }),
      { code: 'identity-trigger-refused', exit: 2, says: /workflow_run/ },
    ],
    [
      'a fork',
      (sha) => ({ as: pullRequest(sha, 'mallory/app') }),
      { code: 'identity-fork-refused', exit: 2, says: /mallory\/app/ },
    ],
    [
      'a token for another commit',
      () => ({ as: mainRun('b'.repeat(40)) }),
      { code: 'identity-commit-mismatch', exit: 2, says: /bbbbbbbb/ },
    ],
    [
      'another workflow',
      (sha) => ({ as: { run: { sha, workflow: 'other.yaml' } } }),
      { code: 'identity-not-allowed', exit: 2, says: /signing\.accepted.*other\.yaml/s },
    ],
    [
      'another repository',
      (sha) => ({ as: { run: { sha, repository: 'mallory/app' } } }),
      { code: 'identity-not-allowed', exit: 2, says: /mallory\/app/ },
    ],
    [
      'a pull request without its event',
      (sha) => ({ as: { run: pullRequest(sha).run } }),
      { code: 'identity-event-missing', exit: 2, says: /GITHUB_EVENT_PATH/ },
    ],
    [
      'a token that is none',
      () => ({ as: null, env: { SIGSTORE_ID_TOKEN: 'not-a-token' } }),
      { code: 'identity-token-invalid', exit: 3, says: /SIGSTORE_ID_TOKEN/ },
    ],
  ])('%s is refused', async (_case, options, refusal) => {
    await using app = await lab.app({ sources: { 'domain/orders': 'v1' } });
    await expectRefusal(app, options(app.head), refusal);
  });
});

describe('a full disk', () => {
  /** A small file system as the temporary folder. */
  async function smallDisk(options: string): Promise<{ path: string } & AsyncDisposable> {
    const path = join(await lab.folder('disk'), 'tmp');
    await mkdir(path);
    await run('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path]);
    return { path, [Symbol.asyncDispose]: () => run('umount', [path]).then(() => {}) };
  }
  const app = () =>
    lab.app({
      sources: { 'domain/orders': 'v1' },
      files: {
        [`${ORDERS}/Dockerfile`]: 'FROM scratch\nCOPY app.txt data /\n',
        [`${ORDERS}/data`]: randomBytes(1_500_000),
      },
    });

  test.each([
    ['while the context is written', 'size=1000k', 'disk-full'],
    ['while the image is exported', 'size=2300k', 'build-failed'],
    ['for one more file', 'nr_inodes=7', 'disk-full'],
  ])('%s is told as such and leaves nothing', async (_case, size, code) => {
    await using small = await app();
    await using disk = await smallDisk(size);
    const call = await small.publish({
      args: ['--json'],
      env: { TMPDIR: disk.path, NODE_DISABLE_COMPILE_CACHE: '1' },
    });
    const { components } = documentOf<PublishReport>(call, publishSchema, 1);
    const advice = expect.stringMatching(/^Free space, or set TMPDIR/);
    expect(components).toMatchObject([{ action: 'failed', error: { code, suggestions: [advice] } }]);
    expect(call.stdout).toMatch(/no space left/i);
    expect(await readdir(disk.path)).toEqual([]);
    expect(await tagsOf(small.image('domain/orders'))).toEqual({});
  });

  test.each([
    ['that is full', async () => (await smallDisk('nr_inodes=1')).path, 'disk-full'],
    ['that is not there', async () => '/nowhere', 'temporary-unusable'],
  ])('a temporary folder %s is found before anything is done', async (_case, folder, code) => {
    await using small = await app();
    const path = await folder();
    const env = { TMPDIR: path, NODE_DISABLE_COMPILE_CACHE: '1' };
    await expectRefusal(small, { env }, { code, exit: 3, says: /TMPDIR/ });
    if (path !== '/nowhere') await run('umount', [path]);
  });
});
