import { request as httpRequest } from 'node:http';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { errorSchema } from '../../../src/core/error-document.ts';
import { collect } from '../../support/packed.ts';
import { documentOf, type PublishLab, startPublishLab } from '../../support/publish-lab.ts';
import { type Distribution, startDistribution } from '../../support/services/distribution.ts';
import { dockerConfig } from '../../support/services/docker-config.ts';
import { serve } from '../../support/services/http.ts';
import { freePort } from '../../support/services/ports.ts';

let lab: PublishLab;
beforeAll(async () => {
  lab = await startPublishLab({ inProcess: true, lightSyft: true });
});
afterAll(() => lab?.[Symbol.asyncDispose]());

const ONE = { 'domain/orders': 'v1' };

interface Trouble {
  readonly host: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stop?: () => Promise<void>;
}

const login = async ({ host, credentials }: Distribution, password?: string) => {
  if (!credentials) throw new Error('nobody can log in here');
  const user = password === undefined ? credentials : { ...credentials, password };
  return dockerConfig(await lab.folder('docker'), host, user);
};

/** A server that answers every request of some method and path in one way, and 404 for the rest. */
async function answering(
  status: number,
  body: unknown,
  to: (method: string, path: string) => boolean = () => true,
): Promise<Trouble> {
  const server = await serve((request, response) => {
    const { method = 'GET', url = '/' } = request;
    const hit = to(method, url);
    const text = hit ? JSON.stringify(body) : '{"errors":[{"code":"MANIFEST_UNKNOWN","message":"unknown"}]}';
    request.resume();
    response.writeHead(hit ? status : 404, { 'content-type': 'application/json' });
    response.end(text);
  });
  return { host: server.host, stop: () => server.close() };
}

/** In front of a registry: what is not there gets 403 `NAME_UNKNOWN`, as from those that hide it. */
async function hidingWhatIsAbsent(target: string): Promise<Trouble> {
  const server = await serve((incoming, outgoing) => {
    const { method = 'GET', url, headers } = incoming;
    const onward = httpRequest(`${target}${url}`, { method, headers }, (response) => {
      const absent = response.statusCode === 404 && url?.includes('/manifests/');
      outgoing.writeHead(absent ? 403 : (response.statusCode ?? 502), absent ? {} : response.rawHeaders);
      if (!absent) response.pipe(outgoing);
      else {
        response.resume();
        outgoing.end('{"errors":[{"code":"NAME_UNKNOWN","message":"repository name not known"}]}');
      }
    });
    incoming.pipe(onward);
  });
  return { host: server.host, stop: () => server.close() };
}

const denied = (message: string) => ({ errors: [{ code: 'DENIED', message }] });

describe('before anything is built, a registry', () => {
  test.each<[string, () => Promise<Trouble>, string, RegExp]>([
    [
      'that is down',
      async () => ({ host: `127.0.0.1:${await freePort()}` }),
      'registry-unreachable',
      /refused|ECONNREFUSED/,
    ],
    [
      'whose certificate nobody here trusts',
      () => startDistribution({ tls: true }),
      'registry-certificate',
      /SSL_CERT_FILE|authority/,
    ],
    [
      'that wants a password and gets none',
      () => startDistribution({ auth: 'basic' }),
      'registry-unauthorized',
      /docker login|log in/,
    ],
    [
      'that gets the wrong password',
      async () => {
        const registry = await startDistribution({ auth: 'basic' });
        return { host: registry.host, stop: registry.stop, env: await login(registry, 'not-the-password') };
      },
      'registry-unauthorized',
      /config\.json/,
    ],
    [
      'whose tokens may only pull',
      async () => {
        const registry = await startDistribution({
          auth: 'token',
          grants: (_user, _repository, action) => action === 'pull',
        });
        return { host: registry.host, stop: registry.stop, env: await login(registry) };
      },
      'registry-denied',
      /push/,
    ],
    [
      'that lets images be pushed, but no release record',
      async () => {
        const registry = await startDistribution({
          auth: 'token',
          grants: (user, repository) => user !== undefined && !repository.endsWith('primitive-releases'),
        });
        return { host: registry.host, stop: registry.stop, env: await login(registry) };
      },
      'registry-denied',
      /primitive-releases/,
    ],
    [
      'that says 403 to a push into somebody else’s package',
      () => answering(403, denied('permission_denied: write_package'), (method) => method === 'POST'),
      'registry-denied',
      /permission_denied: write_package/,
    ],
    [
      'that is none: 404 to everything',
      () => answering(404, '<html>not here</html>', () => true),
      'registry-not-found',
      /.*/,
    ],
  ])('%s', async (_case, start, code, says) => {
    const trouble = await start();
    try {
      await using app = await lab.app({ sources: ONE, host: trouble.host });
      const started = performance.now();
      const call = await app.publish({
        args: ['--json', '--events', 'ndjson'],
        ...(trouble.env ? { env: trouble.env } : {}),
      });
      const error = documentOf<Record<string, unknown>>(call, errorSchema, 3);
      expect(error, JSON.stringify(error)).toMatchObject({ code, exit: 3 });
      expect(JSON.stringify(error)).toMatch(says);
      expect(error.why).toBeTruthy();
      expect(error.suggestions).not.toEqual([]);
      expect(call.stderr).not.toMatch(/"state":"building"|^\s+at /m);
      expect(call.stdout + call.stderr).not.toMatch(/not-the-password|registry-password-for-tests/);
      expect(performance.now() - started, 'what is permanent is reported at once').toBeLessThan(60_000);
    } finally {
      await trouble.stop?.();
    }
  });

  test('that limits the rate in a 403 is waited for, and says so', async () => {
    const limit = denied('permission_denied: You have exceeded a secondary rate limit. Please wait');
    const trouble = await answering(403, limit);
    try {
      await using app = await lab.app({ sources: ONE, host: trouble.host });
      const child = app.start({ args: ['--json', '--events', 'ndjson'] });
      if (!child.stderr) throw new Error('the child has no stderr');
      const told = new Promise<string>((resolve) => {
        createInterface({ input: child.stderr ?? process.stdin }).on('line', (line) => {
          if (!line.includes('registry-retry')) return;
          resolve(line);
          child.kill('SIGINT');
        });
      });
      const { code } = await collect(child);
      expect(await told).toMatch(/secondary rate limit; retrying .* in up to \d+ s/);
      expect(code).toBe(130);
    } finally {
      await trouble.stop?.();
    }
  });

  test('that says 403 for a package that is not there yet is published to', async () => {
    const registry = await startDistribution();
    const trouble = await hidingWhatIsAbsent(registry.url);
    try {
      await using app = await lab.app({ sources: ONE, host: trouble.host });
      expect(await app.report()).toMatchObject({
        components: [{ action: 'built' }],
        release: { written: true },
      });
    } finally {
      await trouble.stop?.();
      await registry.stop();
    }
  });
});

test('TLS by a private authority and token login: everything is published', async () => {
  const registry = await startDistribution({ tls: true, auth: 'token' });
  try {
    await using app = await lab.app({ host: registry.host });
    const env = { ...(await login(registry)), SSL_CERT_FILE: registry.caFile ?? '' };
    const report = await app.report({ env });
    expect(report.components.map(({ action }) => action)).toEqual(['built', 'built']);
    const again = await app.report({ env });
    expect(again.components.map(({ action }) => action)).toEqual(app.ids.map(() => 'already-published'));
  } finally {
    await registry.stop();
  }
});
