import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DoctorReport } from '../../../src/features/doctor/document.ts';
import { publishSchema } from '../../../src/features/publish/document.ts';
import {
  type App,
  type AppOptions,
  documentOf,
  type PublishLab,
  type PublishOptions,
  pullRequest,
  startPublishLab,
} from '../../support/publish-lab.ts';
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

const ORDERS = 'primitives/domain/orders';
const ONE = { 'domain/orders': 'v1' };

/** Of a publish, which starts none of the programs of verify: the lab has none on PATH. */
const ofPublish = ({ checks }: DoctorReport) => checks.filter(({ id }) => id !== 'verify');
const codesOf = (report: DoctorReport) => ofPublish(report).flatMap(({ code }) => code ?? []);
const stateOf = ({ checks }: DoctorReport, id: string) => checks.find((check) => check.id === id)?.state;
const statesOf = ({ checks }: DoctorReport) =>
  Object.fromEntries(checks.map(({ id, state }) => [id, state] as const));

/** What changes a registry; a trial upload is cancelled again. */
const changes = () =>
  lab.proxy.requests.filter(({ method }) => method === 'PUT' || method === 'PATCH').map(({ path }) => path);

test('where a publish runs, doctor said that it can, and has changed nothing', async () => {
  await using app = await lab.app({
    sources: ONE,
    files: { [`${ORDERS}/Dockerfile`]: `FROM ${shell}\nCOPY app.txt /\n` },
  });
  lab.proxy.reset();
  const before = await app.doctor();
  expect(ofPublish(before).filter(({ state }) => state !== 'ok')).toEqual([]);
  expect(before.ok).toBe(true);
  expect(changes()).toEqual([]);
  expect(app.repo.git('status', '--porcelain')).toBe('');
  const detail = (id: string) => before.checks.find((check) => check.id === id)?.detail;
  expect(detail('plan')).toBe(`${app.head.slice(0, 12)}: 1 build`);
  expect(detail('bases')).toBe(shell);
  expect(detail('registry')).toBe(`${app.image('domain/orders')}, ${app.releases} can be pushed to`);
  await app.report();
  const after = await app.doctor();
  expect(after.ok).toBe(true);
  expect(after.checks.find(({ id }) => id === 'dockerfiles')?.detail).toBe('none to build');
});

test('the token of the job as a build secret is a warning, in doctor as in a publish', async () => {
  await using app = await lab.app({
    sources: ONE,
    config: 'build: { secrets: [{ id: npm, env: GH_TOKEN }] }',
  });
  const env = { GH_TOKEN: 'ghs_of-the-job-16' };
  const report = await app.doctor({ env });
  expect(report.ok).toBe(true);
  const check = report.checks.find(({ id }) => id === 'builds');
  expect(check).toMatchObject({ state: 'warn', code: 'build-secret-token' });
  expect(check?.why).toContain('Build secret npm is GH_TOKEN');
  const { stderr } = await app.publish({ env, args: ['--dry-run'] });
  expect(stderr).toContain(check?.why ?? 'nothing');
});

/** Something that a publish is refused for, before it changes anything. */
interface Case {
  readonly code: string;
  readonly options?: AppOptions;
  readonly prepare?: (app: App) => Promise<unknown>;
  readonly as?: (app: App) => PublishOptions;
}

const dockerfile = (text: string): AppOptions => ({ files: { [`${ORDERS}/Dockerfile`]: text } });
const component = (lines: string): AppOptions => ({
  files: { [`${ORDERS}/primitive.yaml`]: `kind: domain\nname: orders\n${lines}\n` },
});

describe('what a publish refuses, doctor names, and does not say that it can run', () => {
  test.each<[string, Case]>([
    ['an unpinned FROM', { code: 'dockerfile-unpinned', options: dockerfile('FROM alpine:3.20\n') }],
    ['a Dockerfile that cannot be read', { code: 'dockerfile-invalid', options: dockerfile('FORM x\n') }],
    ['no Dockerfile', { code: 'dockerfile-missing', options: component('build: { dockerfile: Other }') }],
    [
      'a build secret that is not there',
      { code: 'build-secret-missing', options: { config: 'build: { secrets: [{ id: a, env: NOWHERE }] }' } },
    ],
    [
      'a build secret that is a credential of the publish',
      {
        code: 'build-secret-refused',
        options: { config: 'build: { secrets: [{ id: a, file: ./logins.txt }] }' },
        prepare: (app) => writeFile(join(app.repo.root, 'logins.txt'), '{}'),
        as: (app) => ({ env: { REGISTRY_AUTH_FILE: join(app.repo.root, 'logins.txt') } }),
      },
    ],
    [
      'a build argument that is reserved',
      {
        code: 'build-argument-reserved',
        options: { config: 'build: { args: { SOURCE_DATE_EPOCH: "1" } }' },
      },
    ],
    [
      'a cache that changes images',
      {
        code: 'build-cache-invalid',
        options: { config: 'build: { cache: { trusted: { to: ["type=inline"] } } }' },
      },
    ],
    [
      'a build argument that writes a cache into images',
      {
        code: 'build-cache-invalid',
        options: { config: 'build: { args: { BUILDKIT_INLINE_CACHE: "1" } }' },
      },
    ],
    [
      'RUN for a platform that cannot be run',
      {
        code: 'builder-platform-missing',
        options: { platforms: 'linux/s390x', ...dockerfile('FROM scratch\nRUN ["/x"]\n') },
      },
    ],
    [
      'a glob without files',
      { code: 'inputs-glob-empty', options: component('build: { inputs: ["no/**"] }') },
    ],
    [
      'a pointer of git LFS',
      {
        code: 'inputs-lfs-pointer',
        options: {
          files: {
            '.gitattributes': '*.bin filter=lfs diff=lfs merge=lfs -text\n',
            [`${ORDERS}/big.bin`]: `version https://git-lfs.github.com/spec/v1\noid sha256:${'a'.repeat(64)}\nsize 5\n`,
          },
        },
      },
    ],
    [
      'a config that is not committed',
      {
        code: 'config-uncommitted',
        prepare: async (app) => {
          app.repo.git('rm', '--quiet', '--cached', 'primitive.config.yaml');
          await writeFile(join(app.repo.root, '.git/info/exclude'), 'primitive.config.yaml\n');
          app.repo.git('commit', '--quiet', '--message=x');
        },
      },
    ],
    [
      'a temporary folder that is not there',
      { code: 'temporary-unusable', as: () => ({ env: { TMPDIR: '/nowhere' } }) },
    ],
    [
      'a trusted root that is none',
      {
        code: 'trust-root-invalid',
        prepare: async (app) => {
          const path = 'primitive.config.yaml';
          const config = await readFile(join(app.repo.root, path), 'utf8');
          const changed = config.replace(lab.sigstore.trustedRoot, 'root.json');
          await app.repo.commit({ [path]: changed, 'root.json': 'none' });
        },
      },
    ],
    [
      'a release record of a stranger under this commit',
      {
        code: 'release-conflict',
        prepare: (app) => run(tool('crane'), ['copy', shell, `${app.releases}:${app.head}`]),
        as: (app) => ({ as: pullRequest(app.head) }),
      },
    ],
  ])('%s', async (_what, { code, options = {}, prepare, as = () => ({}) }) => {
    await using app = await lab.app({ sources: ONE, ...options });
    await prepare?.(app);
    lab.proxy.reset();
    const error = await app.publish({ ...as(app), args: ['--json'] });
    expect(JSON.parse(error.stdout)).toMatchObject({ code });
    const report = await app.doctor(as(app));
    expect(codesOf(report)).toContain(code);
    expect(report.ok).toBe(false);
    expect(changes()).toEqual([]);
  });

  test('an image of a stranger under this commit', async () => {
    await using app = await lab.app({ sources: ONE });
    await run(tool('crane'), ['copy', shell, `${app.image('domain/orders')}:${app.head}`]);
    const options = { as: pullRequest(app.head) };
    const report = await app.doctor(options);
    expect(report.ok).toBe(false);
    expect(codesOf(report)).toEqual(['tag-conflict']);
    const failed = await app.publish({ ...options, args: ['--json'] });
    expect(JSON.parse(failed.stdout)).toMatchObject({ components: [{ error: { code: 'tag-conflict' } }] });
  });

  test.each(['builder', 'nowhere'] as const)('a base that cannot be got: %s', async (where) => {
    const host = where === 'builder' ? lab.registry.host.replace('127.0.0.1', '0.0.0.0') : lab.proxy.host;
    const reference = `${shell.slice(0, -64)}${where === 'builder' ? shell.slice(-64) : '0'.repeat(64)}`;
    const base = reference.replace(lab.proxy.host, host);
    await using app = await lab.app({
      sources: ONE,
      config: `insecureRegistries: ["${host}"]`,
      ...dockerfile(`FROM ${base}\nCOPY app.txt /\n`),
    });
    const report = await app.doctor();
    expect(report.ok).toBe(false);
    const check = report.checks.find(({ id }) => id === 'bases');
    expect(check).toMatchObject({ state: 'fail', code: 'base-unavailable' });
    if (where === 'builder') expect(check?.fix).toContain(`[registry."${host}"]`);
    const failed = documentOf<{ components: { error?: { code: string } }[] }>(
      await app.publish({ args: ['--json'] }),
      publishSchema,
      1,
    );
    expect(failed.components[0]?.error?.code).toBe('build-failed');
  });
});

describe('on a machine where much is missing, the list is whole', () => {
  test('a laptop without a token, a dirty tree, an unpinned base, a missing secret, no remote', async () => {
    await using app = await lab.app({
      sources: ONE,
      config: 'build: { secrets: [{ id: a, env: NOWHERE }] }',
    });
    await app.repo.write({ [`${ORDERS}/new.txt`]: 'untracked' });
    const first = await app.doctor({ as: null });
    expect(codesOf(first)).toEqual(['inputs-dirty', 'identity-missing', 'build-secret-missing']);
    expect(first.checks.find(({ id }) => id === 'plan')?.detail).toMatch(
      /1 build, as the trusted run would$/,
    );
    await app.repo.commit({ [`${ORDERS}/Dockerfile`]: 'FROM alpine:3.20\n' });
    await app.repo.write({ [`${ORDERS}/new.txt`]: 'changed' });
    const second = await app.doctor({ as: null });
    expect(codesOf(second)).toEqual(['inputs-dirty', 'identity-missing', 'dockerfile-unpinned']);
    expect(stateOf(second, 'registry')).toBe('ok');
    expect(stateOf(second, 'builds')).toBe('skipped');
  });

  test('outside of git', async () => {
    const cwd = await lab.folder('plain');
    await writeFile(
      join(cwd, 'primitive.config.yaml'),
      `registry: ${lab.proxy.host}/plain\nplatforms: [linux/amd64]\n`,
    );
    await using app = await lab.app({ sources: ONE });
    const report = await app.doctor({ cwd });
    expect(report.ok).toBe(false);
    expect(statesOf(report)).toMatchObject({
      config: 'ok',
      git: 'fail',
      components: 'skipped',
      plan: 'skipped',
      cosign: 'ok',
      syft: 'ok',
      temporary: 'ok',
      registry: 'ok',
    });
  });
});

describe('what gives no answer', () => {
  let silent: Server;
  let host: string;
  beforeAll(async () => {
    silent = createServer(() => {});
    await new Promise<void>((ready) => silent.listen(0, '127.0.0.1', ready));
    const address = silent.address();
    if (address === null || typeof address === 'string') throw new Error('it has no port');
    host = `127.0.0.1:${address.port}`;
  });
  afterAll(() => silent.close());

  test('a registry: named as not checked, all the rest is looked at, and it ends', async () => {
    await using app = await lab.app({ sources: ONE, host, ...dockerfile(`FROM ${shell}\nCOPY app.txt /\n`) });
    const began = performance.now();
    const report = await app.doctor();
    expect(performance.now() - began).toBeLessThan(60_000);
    expect(report.ok).toBe(false);
    const unknown = report.checks.filter(({ state }) => state === 'unknown');
    expect(unknown.map(({ id, code }) => [id, code])).toEqual([
      ['plan', 'no-answer'],
      ['registry', 'no-answer'],
    ]);
    expect(ofPublish(report).filter(({ state }) => state !== 'ok' && state !== 'unknown')).toEqual([]);
    expect(report.checks.find(({ id }) => id === 'dockerfiles')?.detail).toContain('as there is no plan');
  }, 120_000);

  test('the registry of one base: the other base that is missing is named, and so is this one', async () => {
    const missing = `${shell.slice(0, -64)}${'0'.repeat(64)}`;
    const mute = `${host}/base@sha256:${'1'.repeat(64)}`;
    await using app = await lab.app({
      sources: ONE,
      ...dockerfile(
        `FROM ${missing} AS a\nFROM ${mute} AS b\nFROM ${shell}\nCOPY --from=a /a /\nCOPY --from=b /b /\n`,
      ),
    });
    const report = await app.doctor();
    const check = report.checks.find(({ id }) => id === 'bases');
    expect(check).toMatchObject({ state: 'fail', code: 'base-unavailable' });
    expect(check?.why).toContain(missing);
    expect(check?.why).toContain(mute);
    expect(check?.why).not.toContain(`${shell}.`);
  }, 120_000);
});
