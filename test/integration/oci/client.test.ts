import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { createProcesses } from '../../../src/adapters/process.ts';
import { digestOf } from '../../../src/core/digest.ts';
import { PrimitiveError } from '../../../src/core/errors.ts';
import { buildArtifact, bytesSource } from '../../../src/oci/artifact.ts';
import { createRegistryClient, type RegistryClientOptions } from '../../../src/oci/client.ts';
import { MEDIA_TYPE } from '../../../src/oci/media-types.ts';
import { joinRepository, parseRepository } from '../../../src/oci/reference.ts';
import { patientlessClock } from '../../support/patientless-clock.ts';
import { PROXIED_HOST } from '../../support/services/certificates.ts';
import { startDistribution } from '../../support/services/distribution.ts';
import { bodyOf, type LoopbackServer, serve } from '../../support/services/http.ts';
import { run } from '../../support/services/run.ts';
import { startTunnelProxy, type TunnelAnswer } from '../../support/services/tunnel-proxy.ts';

const root = join(import.meta.dirname, '../../..');

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly authorization: string | undefined;
  readonly body: string;
}

interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** A server that answers as a function of what it is asked, and remembers it. */
interface Scripted extends LoopbackServer {
  readonly seen: Seen[];
  readonly asked: readonly string[];
}

const open: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function scripted(
  answer: (seen: Seen, request: IncomingMessage) => Reply | undefined | Promise<Reply | undefined>,
): Promise<Scripted> {
  const seen: Seen[] = [];
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const one: Seen = {
      method: request.method ?? '',
      url: request.url ?? '',
      authorization: request.headers.authorization,
      body: await bodyOf(request),
    };
    seen.push(one);
    const reply = (await answer(one, request)) ?? { status: 404, body: '404 page not found' };
    response.writeHead(reply.status, { ...reply.headers });
    response.end(reply.body ?? '');
  };
  const server = await serve(
    (request, response) => void handle(request, response).catch(() => response.destroy()),
  );
  open.push(server);
  return {
    ...server,
    seen,
    get asked() {
      return seen.map(({ method, url }) => `${method} ${url}`);
    },
  };
}

function connect(options: Partial<RegistryClientOptions> = {}) {
  const client = createRegistryClient({
    credentials: {},
    processes: createProcesses({}),
    clock: patientlessClock(),
    ...options,
  });
  open.push(client);
  return client;
}

const withPassword = (host: string): Partial<RegistryClientOptions> => ({
  credentials: { fallbacks: [{ host, username: 'user', password: 'CANARY', source: 'the test' }] },
});
const BASIC = `Basic ${Buffer.from('user:CANARY').toString('base64')}`;

const manifest = buildArtifact({ artifactType: 'application/vnd.example', layers: [] });
const manifestReply: Reply = {
  status: 200,
  headers: { 'content-type': manifest.mediaType, 'docker-content-digest': manifest.digest },
  body: Buffer.from(manifest.bytes).toString(),
};
const layer = bytesSource('text/plain', new TextEncoder().encode('a layer'));
const error = (status: number, code: string, message = code.toLowerCase()): Reply => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ errors: [{ code, message }] }),
});

async function failure(promise: Promise<unknown>): Promise<PrimitiveError> {
  const caught = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (caught instanceof PrimitiveError) return caught;
  throw new Error(`expected a PrimitiveError, got ${String(caught)}`);
}

describe('redirects', () => {
  test('a blob on another host is fetched without credentials, on the same host with them', async () => {
    const storage = await scripted(() => ({ status: 200, body: 'a layer' }));
    const registry = await scripted(({ url, authorization }) => {
      if (authorization !== BASIC) return { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } };
      if (url.startsWith('/v2/a/blobs/'))
        return { status: 307, headers: { location: '/moved?signature=CANARY' } };
      return { status: 307, headers: { location: `${storage.url}/layer?signature=CANARY` } };
    });
    const client = connect(withPassword(registry.host));
    const bytes = await client.getBlob(joinRepository(registry.host, 'a'), layer.descriptor);
    expect(Buffer.from(bytes).toString()).toBe('a layer');
    expect(registry.seen.map(({ authorization }) => authorization)).toEqual([undefined, BASIC, BASIC]);
    expect(storage.seen).toEqual([
      { method: 'GET', url: '/layer?signature=CANARY', authorization: undefined, body: '' },
    ]);
  });

  test('a challenge of another host does not decide where credentials go', async () => {
    const thief = await scripted(() => ({ status: 200, body: '{"token":"x"}' }));
    const storage = await scripted(() => ({
      status: 401,
      headers: { 'www-authenticate': `Bearer realm="${thief.url}/token",service="x"` },
    }));
    const registry = await scripted(({ authorization }) =>
      authorization === BASIC
        ? { status: 307, headers: { location: `${storage.url}/layer` } }
        : { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } },
    );
    const client = connect(withPassword(registry.host));
    const found = await failure(client.getBlob(joinRepository(registry.host, 'a'), layer.descriptor));
    expect(found.code).toBe('registry-unauthorized');
    expect(thief.seen).toEqual([]);
    expect(storage.seen.map(({ authorization }) => authorization)).toEqual([undefined]);
  });

  test('a token service that redirects to another host does not pass the password on', async () => {
    const other = await scripted(() => ({ status: 200, body: '{"token":"x"}' }));
    const tokens = await scripted(() => ({ status: 302, headers: { location: `${other.url}/token` } }));
    const registry = await scripted(({ authorization }) =>
      authorization === undefined
        ? { status: 401, headers: { 'www-authenticate': `Bearer realm="${tokens.url}/token",service="x"` } }
        : manifestReply,
    );
    await connect(withPassword(registry.host)).getManifest(joinRepository(registry.host, 'a'), 'v1');
    expect(tokens.seen.map(({ authorization }) => authorization)).toEqual([BASIC]);
    expect(other.seen.map(({ authorization }) => authorization)).toEqual([undefined]);
  });

  test('what goes wrong behind a redirect is told without the address, which carries a signature', async () => {
    const storage = await scripted(() => ({ status: 403, body: 'AccessDenied' }));
    const registry = await scripted(() => ({
      status: 307,
      headers: { location: `${storage.url}/layer?signature=CANARY` },
    }));
    const found = await failure(connect().getBlob(joinRepository(registry.host, 'a'), layer.descriptor));
    expect(found.code).toBe('registry-denied');
    expect(JSON.stringify(found, Object.getOwnPropertyNames(found))).not.toContain('CANARY');
  });

  test('a redirect that goes in circles ends', async () => {
    const registry = await scripted(({ url }) => ({ status: 307, headers: { location: `${url}x` } }));
    const found = await failure(connect().getBlob(joinRepository(registry.host, 'a'), layer.descriptor));
    expect(found).toMatchObject({ code: 'registry-failed', exit: 3 });
    expect(registry.seen).toHaveLength(6);
  });

  test('an upload that is led to another host carries no credentials there', async () => {
    const storage = await scripted(() => ({ status: 201 }));
    const registry = await scripted(({ method, authorization }) => {
      if (authorization !== BASIC) return { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } };
      if (method === 'HEAD') return { status: 404 };
      return { status: 202, headers: { location: `${storage.url}/upload?state=a%2Fb%3D` } };
    });
    await connect(withPassword(registry.host)).pushBlob(joinRepository(registry.host, 'a'), layer);
    expect(storage.seen).toEqual([
      {
        method: 'PUT',
        url: `/upload?state=a%2Fb%3D&digest=${encodeURIComponent(layer.descriptor.digest)}`,
        authorization: undefined,
        body: 'a layer',
      },
    ]);
  });
});

describe('tokens', () => {
  /** A registry and its token service; `grant` decides about all scopes of one token, and `accept` about a use of it. */
  async function tokenRegistry(options: {
    grant?: (scopes: readonly string[], seen: Seen) => Reply | undefined;
    accept?: (token: string, path: string, seen: Seen) => boolean;
  }) {
    let count = 0;
    const tokens = await scripted((seen) => {
      const scopes = new URL(seen.url, 'http://x').searchParams.getAll('scope');
      count += 1;
      return (
        options.grant?.(scopes, seen) ?? {
          status: 200,
          body: JSON.stringify({ token: `${count}|${scopes.join('|')}`, expires_in: 300 }),
        }
      );
    });
    const registry = await scripted((seen) => {
      const path = /^\/v2\/(.*)\/(?:manifests|blobs|referrers)\//.exec(seen.url)?.[1] ?? '';
      const token = seen.authorization?.replace('Bearer ', '') ?? '';
      const accepted = options.accept ?? ((value: string) => value.includes(`repository:${path}:`));
      if (accepted(token, path, seen)) return manifestReply;
      const challenge = `Bearer realm="${tokens.url}/token",service="the registry",scope="repository:${path}:pull"`;
      return { status: 401, headers: { 'www-authenticate': challenge } };
    });
    const scopesOf = (seen: Seen) => new URL(seen.url, 'http://x').searchParams.getAll('scope');
    return { tokens, registry, asked: () => tokens.seen.map(scopesOf) };
  }

  test('callers of one moment share the first question, and tokens hold several repositories', async () => {
    const { tokens, registry, asked } = await tokenRegistry({});
    const client = connect(withPassword(registry.host));
    const names = Array.from({ length: 20 }, (_, i) => `r${i}`);
    await Promise.all(
      [...names, ...names].map((name) => client.getManifest(joinRepository(registry.host, name), 'v1')),
    );
    expect(registry.seen.filter(({ authorization }) => authorization === undefined)).toHaveLength(1);
    expect(asked().map((scopes) => scopes.length)).toEqual([8, 8, 4]);
    expect(registry.seen).toHaveLength(41);
    expect(tokens.seen.every(({ authorization }) => authorization === BASIC)).toBe(true);
    expect(new URL(tokens.seen[0]?.url ?? '', 'http://x').searchParams.get('service')).toBe('the registry');
    await client.getManifest(joinRepository(registry.host, 'r3'), 'v2');
    expect(tokens.seen).toHaveLength(3);
  });

  test('one repository that is denied does not spoil the token of the others', async () => {
    const { registry } = await tokenRegistry({
      grant: (scopes) => (scopes.some((scope) => scope.includes(':bad:')) ? error(403, 'DENIED') : undefined),
    });
    const client = connect(withPassword(registry.host));
    const results = await Promise.allSettled(
      ['good', 'bad', 'fine'].map((name) => client.getManifest(joinRepository(registry.host, name), 'v1')),
    );
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect((results[1] as PromiseRejectedResult).reason).toMatchObject({ code: 'registry-denied' });
  });

  test('a registry that takes no shared token gets one for each', async () => {
    const { registry } = await tokenRegistry({
      accept: (token, path) => token.split('|').length === 2 && token.includes(`repository:${path}:`),
    });
    const client = connect();
    const read = ['a', 'b', 'c'].map((name) => client.getManifest(joinRepository(registry.host, name), 'v1'));
    expect((await Promise.all(read)).every((found) => found?.digest === manifest.digest)).toBe(true);
  });

  test('for writing, the right to push is asked for once, from the start', async () => {
    const { registry, asked } = await tokenRegistry({});
    const client = connect({ ...withPassword(registry.host), access: 'write' });
    await client.getManifest(joinRepository(registry.host, 'a'), 'v1');
    await client.headManifest(joinRepository(registry.host, 'a'), 'v2');
    expect(asked()).toEqual([['repository:a:pull,push']]);
  });

  test('where pushing is denied, reading goes on with the right to read', async () => {
    const { registry, asked } = await tokenRegistry({
      grant: (scopes) =>
        scopes.some((scope) => scope.endsWith('push')) ? error(401, 'UNAUTHORIZED') : undefined,
    });
    const client = connect({ ...withPassword(registry.host), access: 'write' });
    expect((await client.getManifest(joinRepository(registry.host, 'a'), 'v1'))?.digest).toBe(
      manifest.digest,
    );
    expect(asked()).toEqual([['repository:a:pull,push'], ['repository:a:pull,push'], ['repository:a:pull']]);
  });

  test('a token that the registry no longer takes is replaced once', async () => {
    let valid = '1|';
    const { tokens, registry } = await tokenRegistry({ accept: (token) => token.startsWith(valid) });
    const client = connect();
    const repository = joinRepository(registry.host, 'a');
    await client.getManifest(repository, 'v1');
    valid = '2|';
    expect((await client.getManifest(repository, 'v1'))?.digest).toBe(manifest.digest);
    valid = 'never';
    expect(await failure(client.getManifest(repository, 'v1'))).toMatchObject({
      code: 'registry-unauthorized',
      exit: 3,
      retryable: false,
    });
    expect(tokens.seen).toHaveLength(3);
  });

  test('a token is renewed before it runs out', async () => {
    const { tokens, registry } = await tokenRegistry({});
    const clock = patientlessClock();
    const client = connect({ clock });
    const repository = joinRepository(registry.host, 'a');
    await client.getManifest(repository, 'v1');
    await clock.sleep(260_000);
    await client.getManifest(repository, 'v1');
    await clock.sleep(260_000);
    await client.getManifest(repository, 'v1');
    expect(tokens.seen).toHaveLength(2);
    expect(registry.seen.filter(({ authorization }) => authorization === undefined)).toHaveLength(1);
  });

  test('the token service is retried as the registry is', async () => {
    let failures = 3;
    const { registry } = await tokenRegistry({ grant: () => (failures-- > 0 ? { status: 503 } : undefined) });
    expect((await connect().getManifest(joinRepository(registry.host, 'a'), 'v1'))?.digest).toBe(
      manifest.digest,
    );
  });

  test('an identity token is exchanged by POST and stays out of the address', async () => {
    const { tokens, registry } = await tokenRegistry({
      grant: () => ({ status: 200, body: JSON.stringify({ access_token: 'repository:a:' }) }),
    });
    const { mkdtemp, rm, writeFile } = await import('node:fs/promises');
    const folder = await mkdtemp('/tmp/primitive-identity-');
    await writeFile(
      `${folder}/config.json`,
      JSON.stringify({ auths: { [registry.host]: { identitytoken: 'CANARY' } } }),
    );
    await connect({ credentials: { dockerConfig: folder } }).getManifest(
      joinRepository(registry.host, 'a'),
      'v1',
    );
    await rm(folder, { recursive: true });
    expect(tokens.asked).toEqual(['POST /token']);
    expect(Object.fromEntries(new URLSearchParams(tokens.seen[0]?.body))).toEqual({
      grant_type: 'refresh_token',
      service: 'the registry',
      client_id: 'primitive',
      scope: 'repository:a:pull',
      refresh_token: 'CANARY',
    });
  });

  test.each([
    ['no JSON', 'not a token'],
    ['no token', '{}'],
    ['a token that would break the header', '{"token":"a\\r\\nx-evil: 1"}'],
  ])('%s is refused', async (_name, body) => {
    const { registry } = await tokenRegistry({ grant: () => ({ status: 200, body }) });
    expect(await failure(connect().getManifest(joinRepository(registry.host, 'a'), 'v1'))).toMatchObject({
      code: 'registry-unauthorized',
    });
  });

  test('wrong credentials are reported with where they came from, at once', async () => {
    const { tokens, registry } = await tokenRegistry({ grant: () => error(401, 'UNAUTHORIZED') });
    const found = await failure(
      connect(withPassword(registry.host)).getManifest(joinRepository(registry.host, 'a'), 'v1'),
    );
    expect(found.code).toBe('registry-unauthorized');
    expect(found.message).toContain('the test');
    expect(found.suggestions).toEqual([`docker login ${registry.host}`]);
    expect(JSON.stringify(found, Object.getOwnPropertyNames(found))).not.toContain('CANARY');
    expect(tokens.seen).toHaveLength(1);
  });

  test('what a server repeats of credentials is not shown', async () => {
    const echo = ({ authorization = '' }: Seen) => {
      const [scheme, value = ''] = authorization.split(' ');
      return error(400, 'X', `${scheme} ${value} is ${Buffer.from(value, 'base64')}`);
    };
    const basic = await scripted((seen) =>
      seen.authorization === undefined
        ? { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } }
        : echo(seen),
    );
    const { registry } = await tokenRegistry({ grant: (_scopes, seen) => echo(seen) });
    for (const { host } of [basic, registry]) {
      const found = await failure(connect(withPassword(host)).getManifest(joinRepository(host, 'a'), 'v1'));
      expect(found.why).toContain('X: Basic *** is ***');
    }
    const bearer = await tokenRegistry({ accept: () => false });
    const refused = await scripted((seen) =>
      seen.authorization === undefined
        ? { status: 401, headers: { 'www-authenticate': `Bearer realm="${bearer.tokens.url}/token"` } }
        : error(400, 'X', `${seen.authorization} is not good`),
    );
    const found = await failure(connect().getManifest(joinRepository(refused.host, 'a'), 'v1'));
    expect(found.why).toContain('X: Bearer *** is not good');
  });

  test('a password is sent once to a registry that refuses it', async () => {
    const registry = await scripted(() => ({
      status: 401,
      headers: { 'www-authenticate': 'Basic realm="x"' },
    }));
    const client = connect(withPassword(registry.host));
    expect(await failure(client.getManifest(joinRepository(registry.host, 'a'), 'v1'))).toMatchObject({
      code: 'registry-unauthorized',
    });
    expect(registry.seen.map(({ authorization }) => authorization)).toEqual([undefined, BASIC]);
  });
});

describe('a layer that several images share', () => {
  test.each(['none', 'token'] as const)('goes over the line once (login: %s)', async (auth) => {
    await using service = await startDistribution({ auth, inMemory: true });
    const { username = '', password = '' } = service.credentials ?? {};
    const client = connect({
      access: 'write',
      credentials: { fallbacks: [{ host: service.host, username, password, source: 'the test' }] },
    });
    const [first, second, third] = ['acme/a', 'acme/b', 'other/c'].map((path) =>
      joinRepository(service.host, path),
    );
    if (!first || !second || !third) throw new Error('three repositories');
    expect(await client.pushBlob(first, layer)).toBe('uploaded');
    expect(await client.pushBlob(second, layer)).toBe('mounted');
    expect(await client.pushBlob(third, layer)).toBe('mounted');
    expect(await client.getBlob(third, layer.descriptor)).toEqual(
      await client.getBlob(first, layer.descriptor),
    );
  });
});

describe('answers', () => {
  const denials: readonly [string, Reply, string][] = [
    ['not yours', error(403, 'DENIED', 'permission_denied: write_package'), 'registry-denied'],
    ['a page', { status: 403, body: '<html>no</html>' }, 'registry-denied'],
    ['401', error(401, 'UNAUTHORIZED'), 'registry-unauthorized'],
    ['absent', error(404, 'NAME_UNKNOWN', 'repository does not exist'), 'registry-not-found'],
    ['400', error(400, 'NAME_INVALID'), 'registry-failed'],
    ['405', { status: 405 }, 'registry-failed'],
    ['500', error(500, 'UNKNOWN'), 'registry-failed'],
    ['503', { status: 503, body: 'upstream' }, 'registry-failed'],
    ['408', { status: 408 }, 'registry-failed'],
    ['429', error(429, 'TOOMANYREQUESTS'), 'registry-rate-limited'],
    [
      'secondary limit',
      error(403, 'DENIED', 'You have exceeded a secondary rate limit'),
      'registry-rate-limited',
    ],
  ];
  test.each(denials)('checkPush: %s', async (_name, reply, code) => {
    const registry = await scripted(() => reply);
    const found = await failure(connect().checkPush(joinRepository(registry.host, 'acme/app')));
    expect(found).toMatchObject({ code, exit: 3 });
    expect(found.message).toContain(registry.host);
    expect(`${found.message} ${found.why}`).toContain(String(reply.status));
    expect(found.suggestions.length).toBeGreaterThan(0);
  });

  test('a session of checkPush is given back, and a 405 to that is fine', async () => {
    const registry = await scripted(({ method }) =>
      method === 'POST' ? { status: 202, headers: { location: '/v2/a/blobs/uploads/1' } } : { status: 405 },
    );
    await connect().checkPush(joinRepository(registry.host, 'a'));
    expect(registry.asked).toEqual(['POST /v2/a/blobs/uploads/', 'DELETE /v2/a/blobs/uploads/1']);
  });

  test('a 403 that says that the name is unknown is nothing to read', async () => {
    const registry = await scripted(() => error(403, 'NAME_UNKNOWN'));
    const client = connect();
    const repository = joinRepository(registry.host, 'a');
    expect(await client.getManifest(repository, 'v1')).toBeUndefined();
    expect(await client.headManifest(repository, 'v1')).toBeUndefined();
  });

  test('HEAD without a digest, or not allowed, is asked again with GET', async () => {
    for (const head of [{ status: 200, headers: { 'content-type': manifest.mediaType } }, { status: 405 }]) {
      const registry = await scripted(({ method }) => (method === 'HEAD' ? head : manifestReply));
      const found = await connect().headManifest(joinRepository(registry.host, 'a'), 'v1');
      expect(found).toEqual({
        mediaType: manifest.mediaType,
        digest: manifest.digest,
        size: manifest.bytes.length,
      });
    }
  });

  test('a page instead of a manifest comes from no registry', async () => {
    const registry = await scripted(() => ({
      status: 200,
      headers: { 'content-type': 'text/html' },
      body: '<html>log in</html>',
    }));
    expect(await failure(connect().getManifest(joinRepository(registry.host, 'a'), 'v1'))).toMatchObject({
      code: 'registry-failed',
      message: `${registry.host} sent an invalid response to GET the manifest v1 of ${registry.host}/a`,
      why: 'It sent text/html, not a manifest.',
      suggestions: [expect.stringContaining('is an OCI registry')],
    });
  });

  test('an upload that the registry gives no place for', async () => {
    const registry = await scripted(({ method }) => ({ status: method === 'HEAD' ? 404 : 202 }));
    const blob = bytesSource('application/octet-stream', new Uint8Array(1));
    const found = await failure(connect().pushBlob(joinRepository(registry.host, 'a'), blob));
    expect(found).toMatchObject({ code: 'registry-failed', why: 'It has no Location header.' });
  });

  test('text of a registry is cleaned before it is shown', async () => {
    const registry = await scripted(() => error(400, 'X\u001b[31m', `a\r\nb\u202e${'c'.repeat(5000)}`));
    const found = await failure(connect().checkPush(joinRepository(registry.host, 'a')));
    expect(found.why).toMatch(/^It answered 400, X \[31m: a b c+…$/);
    expect(found.why?.length).toBeLessThan(400);
  });

  test('an answer without end is cut off', async () => {
    const registry = await scripted(() => ({
      status: 200,
      headers: { 'content-type': manifest.mediaType },
      body: 'x'.repeat(5 * 1024 * 1024),
    }));
    const found = await failure(connect().getManifest(joinRepository(registry.host, 'a'), 'v1'));
    expect(found).toMatchObject({ code: 'registry-failed' });
    expect(found.why).toContain('4194304');
  });

  test('the delay that one request is told holds the others back, too', async () => {
    let limited = true;
    const clock = patientlessClock();
    const registry = await scripted(() => {
      if (!limited) return manifestReply;
      limited = false;
      return { status: 429, headers: { 'retry-after': '30' } };
    });
    const client = connect({ clock });
    const names = ['a', 'b', 'c', 'd'];
    await Promise.all(names.map((name) => client.getManifest(joinRepository(registry.host, name), 'v1')));
    expect(registry.seen).toHaveLength(5);
    expect(clock.slept.some((delay) => delay >= 30_000)).toBe(true);
  });

  test('a secondary limit is waited out for a minute at least, and said', async () => {
    const clock = patientlessClock();
    const events: string[] = [];
    let limited = true;
    const registry = await scripted(() => {
      if (!limited) return manifestReply;
      limited = false;
      return error(403, 'DENIED', 'permission_denied: You have exceeded a secondary rate limit');
    });
    const client = connect({
      clock,
      onRetry: ({ reason, repository }) => events.push(`${reason} ${repository}`),
    });
    expect(await client.getManifest(joinRepository(registry.host, 'a/b'), 'v1')).toBeDefined();
    expect(Math.max(...clock.slept)).toBeGreaterThanOrEqual(60_000);
    expect(events).toEqual(['secondary rate limit a/b']);
  });

  test('a delay longer than the budget is not waited for', async () => {
    const registry = await scripted(() => ({ status: 429, headers: { 'retry-after': '3600' } }));
    const found = await failure(connect().getManifest(joinRepository(registry.host, 'a'), 'v1'));
    expect(found).toMatchObject({ code: 'registry-rate-limited', retryable: true });
    expect(found.why).toContain('3600 s');
    expect(registry.seen).toHaveLength(1);
  });
});

describe('connections', () => {
  test('a host that nobody listens on is reported soon', async () => {
    const gone = await scripted(() => undefined);
    const repository = joinRepository(gone.host, 'a');
    await gone.close();
    const clock = patientlessClock();
    const found = await failure(connect({ clock }).getManifest(repository, 'v1'));
    expect(found).toMatchObject({ code: 'registry-unreachable', exit: 3, retryable: true });
    expect(found.suggestions[0]).toContain(`curl -sI http://${gone.host}/v2/`);
    expect(clock.slept.reduce((sum, delay) => sum + delay, 0)).toBeLessThan(11_000);
  });

  test('a certificate that is not trusted is told apart, and not retried', async () => {
    await using service = await startDistribution({ tls: true });
    const clock = patientlessClock();
    const found = await failure(connect({ clock }).getManifest(joinRepository(service.host, 'a'), 'v1'));
    expect(found).toMatchObject({ code: 'registry-certificate', exit: 3, retryable: false });
    expect(clock.slept).toEqual([]);
    const trusting = connect(service.caFile === undefined ? {} : { caFile: service.caFile });
    expect(await trusting.getManifest(joinRepository(service.host, 'a'), 'v1')).toBeUndefined();
  });

  test("an authority in the machine's own store is trusted", async () => {
    await using service = await startDistribution({ tls: true });
    const program = `
      import { createRegistryClient } from ${JSON.stringify(join(root, 'src/oci/client.ts'))};
      const client = createRegistryClient({ credentials: {}, processes: {} });
      console.log(await client.getManifest('${service.host}/a', 'v1'));
      await client.close();
    `;
    // This is where OpenSSL, and so Node, looks for the machine's store.
    const env = { SSL_CERT_FILE: service.caFile ?? '', SSL_CERT_DIR: '' };
    const said = await run(process.execPath, ['--input-type=module', '--eval', program], { env });
    expect(said.trim()).toBe('undefined');
  });

  test('plain HTTP elsewhere than on loopback only goes by configuration, through the proxy that is set', async () => {
    const proxy = await scripted(() => manifestReply);
    const repository = parseRepository('registry.internal.test/a');
    const options = { proxy: { http: proxy.url } };
    const client = connect({ ...options, plainHttp: ['registry.internal.test'] });
    expect((await client.getManifest(repository, 'v1'))?.digest).toBe(manifest.digest);
    expect(proxy.asked).toEqual(['GET http://registry.internal.test/v2/a/manifests/v1']);
  });

  const MACHINE = 'registry.internal.test';
  test.each([
    ['Basic realm="x"', {}],
    ['Bearer realm="http://registry.internal.test/token"', {}],
    ['Bearer realm="http://127.0.0.1:1/token"', {}],
    // Who stands in the network may name a service of their own, with TLS.
    ['Bearer realm="https://tokens.evil.test/token"', {}],
    ['Basic realm="x"', { plainCredentials: ['other.internal.test', 'registry.internal.test:80'] }],
  ])('no credential is sent over plain HTTP because a config says so: %s', async (challenge, more) => {
    const proxy = await scripted(() => ({ status: 401, headers: { 'www-authenticate': challenge } }));
    const client = connect({
      ...withPassword(MACHINE),
      ...more,
      plainHttp: [MACHINE],
      proxy: { http: proxy.url, https: proxy.url },
    });
    const found = await failure(client.getManifest(parseRepository(`${MACHINE}/a`), 'v1'));
    expect(found).toMatchObject({ code: 'registry-plain-http', exit: 2 });
    expect(found.suggestions.join('\n')).toContain(`export PRIMITIVE_INSECURE_REGISTRIES=${MACHINE}`);
    expect(proxy.asked).toEqual([`GET http://${MACHINE}/v2/a/manifests/v1`]);
    expect(JSON.stringify(proxy.seen)).not.toMatch(/CANARY|Basic/);
  });

  test('where the environment says so, it is', async () => {
    const proxy = await scripted(({ authorization }) =>
      authorization === BASIC
        ? manifestReply
        : { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } },
    );
    const client = connect({
      ...withPassword(MACHINE),
      plainHttp: [MACHINE],
      plainCredentials: [MACHINE],
      proxy: { http: proxy.url },
    });
    const found = await client.getManifest(parseRepository(`${MACHINE}/a`), 'v1');
    expect(found?.digest).toBe(manifest.digest);
  });

  test('a token service without TLS elsewhere gets no credential of a registry on loopback', async () => {
    const proxy = await scripted(() => ({ status: 200, body: '{"token":"x"}' }));
    const registry = await scripted(() => ({
      status: 401,
      headers: { 'www-authenticate': 'Bearer realm="http://tokens.evil.test/token"' },
    }));
    const client = connect({ ...withPassword(registry.host), proxy: { http: proxy.url } });
    const found = await failure(client.getManifest(joinRepository(registry.host, 'a'), 'v1'));
    expect(found).toMatchObject({ code: 'registry-unauthorized' });
    expect(proxy.seen).toEqual([]);
  });

  test('HTTPS goes through a tunnel of the proxy that is set, up and down', async () => {
    await using service = await startDistribution({ tls: true });
    const proxy = await startTunnelProxy({ port: Number(new URL(`https://${service.host}`).port) });
    open.push(proxy);
    const trust = service.caFile === undefined ? {} : { caFile: service.caFile };
    const client = connect({ ...trust, proxy: { https: proxy.url } });
    const repository = joinRepository(PROXIED_HOST, 'a');
    await client.pushBlob(repository, layer);
    const blob = await client.getBlob(repository, layer.descriptor);
    expect(new TextDecoder().decode(blob)).toBe('a layer');
    expect(new Set(proxy.asked)).toEqual(new Set([`${PROXIED_HOST}:443`]));
  });

  test.each<[string, TunnelAnswer, Partial<PrimitiveError>, string, number]>([
    [
      'one that asks who one is',
      { status: 407 },
      { retryable: false, message: `The proxy refuses to connect to ${PROXIED_HOST}` },
      'answered 407',
      1,
    ],
    ['one that is out of order', { status: 502 }, { retryable: true }, 'answered 502', 9],
    ['one that hangs up', 'close', { retryable: true }, 'the proxy 127.0.0.1:', 30],
  ])('a proxy that gives no tunnel is told: %s', async (_, answer, error, why, most) => {
    const proxy = await startTunnelProxy(answer);
    open.push(proxy);
    const client = connect({ proxy: { https: proxy.url } });
    const found = await failure(client.getManifest(joinRepository(PROXIED_HOST, 'a'), 'v1'));
    expect(found).toMatchObject({ code: 'registry-unreachable', exit: 3, ...error });
    expect(found.why).toContain(why);
    expect(proxy.asked.length).toBeLessThanOrEqual(most);
  });

  test('loopback is never asked for by way of a proxy', async () => {
    const proxy = await scripted(() => undefined);
    const registry = await scripted(() => manifestReply);
    const client = connect({ proxy: { http: proxy.url, https: proxy.url } });
    await client.getManifest(joinRepository(registry.host, 'a'), 'v1');
    expect(proxy.seen).toEqual([]);
  });

  test('an abort ends what is under way with its reason', async () => {
    const controller = new AbortController();
    const reason = new Error('interrupted');
    const registry = await serve(() => controller.abort(reason));
    open.push(registry);
    const client = connect({ signal: controller.signal });
    await expect(client.getManifest(joinRepository(registry.host, 'a'), 'v1')).rejects.toBe(reason);
    await expect(client.getManifest(joinRepository(registry.host, 'a'), 'v1')).rejects.toBe(reason);
  });

  test('what is under way when it is closed is not tried again', async () => {
    const arrived = Promise.withResolvers<void>();
    const registry = await serve(() => arrived.resolve());
    open.push(registry);
    const told: unknown[] = [];
    const client = connect({ onRetry: (event) => told.push(event) });
    const asking = client.getManifest(joinRepository(registry.host, 'a'), 'v1');
    const outcome = expect(asking).rejects.toThrow('closed');
    await arrived.promise;
    await client.close();
    await outcome;
    expect(told).toEqual([]);
  });

  test('an upload that is refused half-way ends with the refusal', async () => {
    const size = 8 * 1024 * 1024;
    const bytes = new Uint8Array(size);
    const server = await serve((request, response) => {
      if (request.method === 'HEAD') response.writeHead(404).end();
      else if (request.method === 'POST')
        response.writeHead(202, { location: '/v2/a/blobs/uploads/1' }).end();
      else {
        request.once('data', () => {
          response.writeHead(413, { connection: 'close' }).end('too much');
          response.once('finish', () => request.socket.destroySoon());
        });
      }
    });
    open.push(server);
    const found = await failure(
      connect({ retryBudget: 1000 }).pushBlob(
        joinRepository(server.host, 'a'),
        bytesSource('application/octet-stream', bytes),
      ),
    );
    expect(['registry-upload-too-large', 'registry-unreachable']).toContain(found.code);
  });

  test('an upload that is too large for a proxy in between is advised as that, and not repeated', async () => {
    const registry = await scripted(({ method }) => {
      if (method === 'POST') return { status: 202, headers: { location: '/v2/a/blobs/uploads/1' } };
      return method === 'PUT' ? { status: 413, body: '<html>nginx</html>' } : undefined;
    });
    const repository = joinRepository(registry.host, 'a');
    for (const push of [
      () => connect().pushBlob(repository, layer),
      () => connect().putManifest(repository, 'v1', manifest),
    ]) {
      const found = await failure(push());
      expect(found).toMatchObject({
        code: 'registry-upload-too-large',
        exit: 3,
        why: 'It answered 413.',
        suggestions: [expect.stringContaining('client_max_body_size 0')],
      });
    }
    expect(registry.seen.filter(({ method }) => method === 'PUT')).toHaveLength(2);
  });
});

describe('referrers', () => {
  const subject = digestOf('subject');
  const page = (names: readonly string[], next?: string): Reply => ({
    status: 200,
    headers: {
      'content-type': MEDIA_TYPE.ociIndex,
      ...(next === undefined ? {} : { link: `<${next}>; rel="next"` }),
    },
    body: JSON.stringify({
      schemaVersion: 2,
      mediaType: MEDIA_TYPE.ociIndex,
      manifests: names.map((name) => ({
        mediaType: MEDIA_TYPE.ociManifest,
        digest: digestOf(name),
        size: 1,
      })),
    }),
  });

  test('pages are followed on the same host, and no further', async () => {
    const other = await scripted(() => page(['evil']));
    const registry = await scripted(({ url }) => {
      if (url.endsWith('?page=3')) return page(['c'], `${other.url}/v2/a/referrers/${subject}`);
      if (url.endsWith('?page=2')) return page(['b'], `/v2/a/referrers/${subject}?page=3`);
      return page(['a'], '?page=2');
    });
    const found = await connect().getReferrers(joinRepository(registry.host, 'a'), subject);
    expect(found.map(({ digest }) => digest)).toEqual(['a', 'b', 'c'].map((name) => digestOf(name)));
    expect(other.seen).toEqual([]);
  });

  test('pages without end are', async () => {
    const registry = await scripted(() => page(['a'], '?again'));
    const found = await failure(connect().getReferrers(joinRepository(registry.host, 'a'), subject));
    expect(found).toMatchObject({ code: 'registry-failed' });
  });

  test('a host without the API is asked for it once', async () => {
    const registry = await scripted(() => undefined);
    const client = connect();
    const names = ['a', 'b', 'c', 'd'];
    await Promise.all(names.map((name) => client.getReferrers(joinRepository(registry.host, name), subject)));
    expect(registry.asked.filter((line) => line.includes('/referrers/'))).toHaveLength(1);
    expect(registry.asked.filter((line) => line.includes('/manifests/sha256-'))).toHaveLength(4);
  });

  test('the fallback index is asked for without waiting for the API of an unknown host', async () => {
    const index = Promise.withResolvers<undefined>();
    const registry = await scripted(({ url }) => {
      if (url.includes('/referrers/')) return index.promise;
      if (url.includes('/manifests/sha256-')) index.resolve(undefined);
      return undefined;
    });
    const client = connect();
    const repository = joinRepository(registry.host, 'a');
    // The first request to a host goes alone.
    await client.headManifest(repository, 'main');
    expect(await client.getReferrers(repository, subject)).toEqual([]);
    expect(registry.asked.filter((line) => line.includes('/manifests/sha256-'))).toHaveLength(1);
  });

  /** Keeps manifests by tag and digest and always answers `OCI-Subject`; `api` answers the referrers API. */
  const claiming = async (api: () => Reply | undefined) => {
    const kept = new Map<string, { type: string; body: string }>();
    return scripted(({ method, url, body }, request) => {
      if (url.includes('/referrers/')) return api();
      if (method === 'PUT') {
        kept.set(url, { type: request.headers['content-type'] ?? '', body });
        return { status: 201, headers: { 'oci-subject': subject } };
      }
      const found = kept.get(url);
      return found && { status: 200, headers: { 'content-type': found.type }, body: found.body };
    });
  };
  const referrers = ['a', 'b'].map((name) =>
    buildArtifact({
      artifactType: 'application/vnd.example',
      layers: [],
      annotations: { name },
      subject: { mediaType: MEDIA_TYPE.ociManifest, digest: subject, size: 7 },
    }),
  );

  test.each([
    ['unknown pages', undefined],
    ['an unknown name', error(404, 'NAME_UNKNOWN')],
  ])('OCI-Subject without a referrers API, which answers %s, fills the fallback index', async (_, reply) => {
    const registry = await claiming(() => reply);
    const repository = joinRepository(registry.host, 'a');
    await connect().attach(repository, subject, referrers);
    const found = await connect().getReferrers(repository, subject);
    expect(found.map(({ digest }) => digest).sort()).toEqual(referrers.map(({ digest }) => digest).sort());
  });

  test('a referrers API that never lists what was attached is reported, and no other writer is blamed', async () => {
    const registry = await claiming(() => page([]));
    const found = await failure(connect().attach(joinRepository(registry.host, 'a'), subject, referrers));
    expect(found).toMatchObject({ code: 'registry-failed', exit: 3, retryable: true });
    expect(found.message).toContain('does not list what was attached');
    expect(`${found.message} ${found.why}`).not.toContain('writer');
  });

  test('a manifest of a wrong shape is refused', async () => {
    const registry = await scripted(() => ({
      status: 200,
      headers: { 'content-type': MEDIA_TYPE.ociIndex },
      body: '{"manifests":[{"digest":"sha256:../../x"}]}',
    }));
    expect(await failure(connect().getReferrers(joinRepository(registry.host, 'a'), subject))).toMatchObject({
      code: 'manifest-invalid',
    });
  });
});
