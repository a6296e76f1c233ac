import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDistribution } from '../../support/services/distribution.ts';
import { dockerConfig } from '../../support/services/docker-config.ts';
import { startOlareg } from '../../support/services/olareg.ts';
import { attempt, run } from '../../support/services/run.ts';
import { pushSampleImage } from '../../support/services/sample-image.ts';
import { tool } from '../../tools/locate.ts';

const registries = [
  { name: 'Distribution 3', start: () => startDistribution({ version: 3 }), referrers: false },
  { name: 'Distribution 2.8', start: () => startDistribution({ version: 2 }), referrers: false },
  { name: 'olareg', start: () => startOlareg(), referrers: true },
  { name: 'olareg without referrers', start: () => startOlareg({ referrers: false }), referrers: false },
];

describe.each(registries)('$name', ({ start, referrers }) => {
  it('takes an image, lists referrers as it should, and deletes', async () => {
    await using registry = await start();
    const image = await pushSampleImage(`${registry.host}/acme/app`);
    const digest = image.slice(image.indexOf('@') + 1);
    expect((await run(tool('crane'), ['digest', `${registry.host}/acme/app:sample`])).trim()).toBe(digest);
    const list = await fetch(`${registry.url}/v2/acme/app/referrers/${digest}`);
    expect(list.status).toBe(referrers ? 200 : 404);
    await list.body?.cancel();
    await run(tool('crane'), ['delete', image]);
    expect((await attempt(tool('crane'), ['manifest', image])).code).not.toBe(0);
  });
});

describe.each([2, 3] as const)('Distribution %s with TLS and passwords', (version) => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'primitive-login-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each(['basic', 'token'] as const)('takes a push with the right password only (%s)', async (auth) => {
    await using registry = await startDistribution({ version, tls: true, auth });
    const { credentials, caFile = '', host } = registry;
    if (!credentials) throw new Error('no credentials');
    const trust = { SSL_CERT_FILE: caFile };
    const login = await dockerConfig(folder, host, credentials);
    await pushSampleImage(`${host}/acme/app`, { env: { ...trust, ...login } });
    await expect(pushSampleImage(`${host}/acme/app`, { env: login })).rejects.toThrow(/certificate/);
    const wrong = await dockerConfig(folder, host, { ...credentials, password: 'wrong' });
    await expect(pushSampleImage(`${host}/acme/app`, { env: { ...trust, ...wrong } })).rejects.toThrow(
      /UNAUTHORIZED|401/i,
    );
  });
});

describe('Distribution with tokens', () => {
  it('refuses what the token server does not grant', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'primitive-login-'));
    await using registry = await startDistribution({
      auth: 'token',
      grants: (user, repository, action) =>
        action === 'pull' || (user !== undefined && repository === 'acme/app'),
    });
    if (!registry.credentials) throw new Error('no credentials');
    const env = await dockerConfig(folder, registry.host, registry.credentials);
    const image = await pushSampleImage(`${registry.host}/acme/app`, { env });
    await expect(pushSampleImage(`${registry.host}/other/app`, { env })).rejects.toThrow(
      /UNAUTHORIZED|DENIED/,
    );
    // Anonymous reads are granted here.
    await run(tool('crane'), ['manifest', image], { env: { DOCKER_CONFIG: join(folder, 'none') } });
    expect(registry.tokenServer?.requests).toBeGreaterThan(2);
    await rm(folder, { recursive: true, force: true });
  });
});
