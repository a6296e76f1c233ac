import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Check } from 'typebox/schema';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Check as DoctorCheck,
  type DoctorReport,
  doctorSchema,
} from '../../src/features/doctor/document.ts';
import { installPacked, type Packed } from '../support/packed.ts';
import { type Distribution, startDistribution } from '../support/services/distribution.ts';
import { serve } from '../support/services/http.ts';
import { run } from '../support/services/run.ts';
import { type Sigstore, startSigstore } from '../support/services/sigstore.ts';
import { tool } from '../tools/locate.ts';

let cli: Packed;
let registry: Distribution;
let readOnly: Distribution;
let sigstore: Sigstore;

beforeAll(async () => {
  [cli, registry, readOnly, sigstore] = await Promise.all([
    installPacked(),
    startDistribution(),
    startDistribution({ auth: 'token', grants: (_user, _repository, action) => action === 'pull' }),
    startSigstore(),
  ]);
});
afterAll(() => Promise.all([registry.stop(), readOnly.stop(), sigstore.stop(), cli[Symbol.asyncDispose]()]));

interface Given {
  readonly registry?: string;
  readonly config?: string;
  readonly dockerfile?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly event?: 'push' | 'pull_request_target';
  /** The commit that the token is for; default: HEAD. */
  readonly sha?: string;
}

/** doctor in a fresh repository, as a step of GitHub Actions on main of acme/app. */
async function doctor(
  given: Given = {},
): Promise<{ code: number | null; report: DoctorReport; of: (id: string) => DoctorCheck }> {
  const cwd = mkdtempSync(join(cli.home, 'repository-'));
  const git = (...args: string[]) =>
    run('git', ['-c', 'user.name=test', '-c', 'user.email=test@example.com', ...args], { cwd });
  const identity = 'https://github.com/acme/app/.github/workflows/publish.yaml@refs/heads/main';
  mkdirSync(join(cwd, 'primitives/domain/orders'), { recursive: true });
  writeFileSync(join(cwd, 'primitives/domain/orders/primitive.yaml'), 'kind: domain\nname: orders\n');
  writeFileSync(
    join(cwd, 'primitives/domain/orders/Dockerfile'),
    given.dockerfile ?? 'FROM scratch\nCOPY . /\n',
  );
  writeFileSync(
    join(cwd, 'primitive.config.yaml'),
    `registry: ${given.registry ?? registry.host}/acme
platforms: [linux/amd64]
signing:
  trustedRoot: ${sigstore.trustedRoot}
  signingConfig: ${sigstore.signingConfig}
  trusted:
    - { issuer: "${sigstore.issuer}", identity: "${identity}", repository: acme/app, ref: refs/heads/main, trigger: push }
${given.config ?? ''}`,
  );
  await git('init', '--quiet', '--initial-branch=main');
  await git('add', '.');
  await git('commit', '--quiet', '-m', 'first');
  const sha = given.sha ?? (await git('rev-parse', 'HEAD')).trim();
  const folders = ['cosign', 'syft', 'buildah', 'runc', 'git', 'buf', 'go'].map((name) =>
    dirname(tool(name)),
  );
  const PATH = [...new Set([...folders, '/usr/sbin', '/usr/bin', '/sbin', '/bin'])].join(':');
  const actions = sigstore.githubActionsEnv({ sha, event: given.event ?? 'push' });
  const { code, stdout, stderr } = await cli.run(['doctor', '--json'], {
    cwd,
    env: { PATH, ...actions, ...given.env },
  });
  const report: DoctorReport = JSON.parse(stdout);
  if (!Check(doctorSchema, report)) throw new Error(`no doctor report: ${stdout}${stderr}`);
  const of = (id: string) => {
    const found = report.checks.find((check) => check.id === id);
    if (!found) throw new Error(`no check is called ${id}`);
    return found;
  };
  return { code, report, of };
}

describe('doctor on real tools and services', () => {
  test('everything there: a publish can run', async () => {
    const { code, report, of } = await doctor();
    expect(report.checks.filter(({ state }) => state !== 'ok')).toEqual([]);
    expect({ code, ok: report.ok }).toEqual({ code: 0, ok: true });
    expect(of('components').detail).toBe('domain/orders');
    expect(of('cosign').detail).toMatch(/^cosign 3\./);
    expect(of('identity').detail).toMatch(/publish\.yaml@refs\/heads\/main \(http.*\): trusted$/);
    const names = ['domain-orders', 'primitive-releases'].map((name) => `${registry.host}/acme/${name}`);
    expect(of('registry').detail).toBe(`${names.join(', ')} can be pushed to`);
    expect(of('verify').detail).toMatch(/^buf 1\.60\.0, go 1\.\d/);
  });

  test('no right to push', async () => {
    const { code, of } = await doctor({ registry: readOnly.host });
    expect(code).toBe(3);
    expect(of('registry')).toMatchObject({
      state: 'fail',
      code: expect.stringMatching(/^registry-(denied|unauthorized)$/),
    });
    expect(of('registry').fix.length).toBeGreaterThan(0);
    expect(of('bases').state).toBe('ok');
  });

  test('a registry that only the config has without TLS gets no login', async () => {
    const heard: string[] = [];
    const proxy = await serve((request, response) => {
      heard.push(`${request.url} ${request.headers.authorization}`);
      response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
    });
    const env = { HTTP_PROXY: proxy.url, GITHUB_ACTIONS: 'true', GITHUB_TOKEN: 'ghs_canary' };
    const { of } = await doctor({ registry: 'ghcr.io', config: 'insecureRegistries: [ghcr.io]', env });
    // That of another GitHub is no login of ghcr.io: there is none to refuse.
    const elsewhere = await doctor({
      registry: 'ghcr.io',
      config: 'insecureRegistries: [ghcr.io]',
      env: { ...env, GITHUB_SERVER_URL: 'https://ghes.acme.example' },
    });
    await proxy.close();
    expect(elsewhere.of('registry')).toMatchObject({ state: 'fail', code: 'registry-unauthorized' });
    expect(of('registry')).toMatchObject({ state: 'fail', code: 'registry-plain-http' });
    expect(JSON.stringify(of('registry'))).toContain('Cannot log in to ghcr.io without TLS');
    expect(heard.length).toBeGreaterThan(0);
    expect(heard.every((request) => /^http:\/\/ghcr\.io\/\S+ undefined$/.test(request))).toBe(true);
  });

  test.each(['auth.json', 'config.json', 'docker.json'] as const)(
    'a base of a registry that only the config has without TLS gets no login of %s by buildah',
    async (kind) => {
      const heard: string[] = [];
      const guarded = await serve((request, response) => {
        // Without a user name it is no login, but what buildah sends for one that it does not have.
        const { authorization = 'Basic Og==' } = request.headers;
        if (authorization !== 'Basic Og==') heard.push(authorization);
        response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
      });
      const host = new URL(guarded.url).host.replace('127.0.0.1', '0.0.0.0');
      const folder = mkdtempSync(join(cli.home, 'logins-'));
      const login = { [host]: { auth: Buffer.from('user:canary').toString('base64') } };
      const file = join(folder, kind === 'docker.json' ? '.docker/config.json' : kind);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, JSON.stringify({ auths: login }));
      const env = {
        'auth.json': { REGISTRY_AUTH_FILE: file },
        'config.json': { DOCKER_CONFIG: folder },
        'docker.json': { HOME: folder },
      }[kind];
      const given = {
        dockerfile: `FROM ${host}/base@sha256:${'0'.repeat(64)}\nCOPY . /\n`,
        config: `insecureRegistries: ["${host}"]\nbuild: { builder: buildah }`,
      };
      const { of } = await doctor({ ...given, env });
      expect(of('bases')).toMatchObject({ state: 'fail', code: 'base-unavailable' });
      expect(of('bases').fix.join()).toContain(`export PRIMITIVE_INSECURE_REGISTRIES=${host}`);
      expect(heard).toEqual([]);
      const allowed = await doctor({ ...given, env: { ...env, PRIMITIVE_INSECURE_REGISTRIES: host } });
      await guarded.close();
      expect(allowed.of('bases').why).toMatch(/unauthorized|authentication required|invalid username/);
      expect(heard).not.toEqual([]);
    },
  );

  test('a token that is not for HEAD', async () => {
    const { of } = await doctor({ sha: '1'.repeat(40) });
    expect(of('identity')).toMatchObject({ state: 'fail', code: 'identity-commit-mismatch' });
  });

  test('a trigger that must not publish', async () => {
    const { code, of } = await doctor({ event: 'pull_request_target' });
    expect(of('identity')).toMatchObject({ state: 'fail', code: 'identity-trigger-refused' });
    expect(code).toBe(1);
  });

  test('a base that is mapped to what is not there', async () => {
    const to = `${registry.host}/acme/base@sha256:${'0'.repeat(64)}`;
    const { code, of } = await doctor({
      dockerfile: 'FROM golang:1.26\nCOPY . /\n',
      config: `build:\n  bases: { "docker.io/library/golang:1.26": "${to}" }\n`,
    });
    expect(of('bases')).toMatchObject({ state: 'fail', code: 'base-unavailable' });
    expect(of('bases').why).toMatch(/manifest unknown/);
    expect(code).toBe(3);
  });

  test('a base without a digest', async () => {
    const { code, report, of } = await doctor({ dockerfile: 'FROM golang:1.26\nCOPY . /\n' });
    expect(of('dockerfiles')).toMatchObject({ state: 'fail', code: 'dockerfile-unpinned' });
    expect({ code, ok: report.ok }).toEqual({ code: 1, ok: false });
  });

  test('no tool at all', async () => {
    const { code, of } = await doctor({ env: { PATH: `${dirname(tool('git'))}-nothing` } });
    expect(code).toBe(3);
    expect(of('git').code).toBe('tool-not-found');
    for (const id of ['cosign', 'syft'])
      expect(of(id)).toMatchObject({ state: 'fail', code: 'tool-not-found' });
    expect(of('builder')).toMatchObject({ state: 'fail', code: 'builder-not-found' });
    // Nothing that a publish needs.
    expect(of('verify')).toMatchObject({ state: 'warn' });
  });
});
