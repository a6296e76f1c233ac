import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createProcesses } from '../../../src/adapters/process.ts';
import type { Processes } from '../../../src/core/process.ts';
import { type CredentialSources, createCredentials } from '../../../src/oci/credentials.ts';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'credentials-test-'));
});
afterEach(() => rm(home, { recursive: true, force: true }));

const basic = (name: string) => ({ auth: Buffer.from(`${name}:secret-of-${name}`).toString('base64') });

async function write(path: string, content: unknown): Promise<string> {
  const file = join(home, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

/** Helpers as programs see them: the server on stdin, nothing in the arguments. */
function helpers(answers: Readonly<Record<string, { code?: number; stdout: string }>>) {
  const calls: string[] = [];
  const processes: Processes = {
    async run(program, args, options) {
      expect(args).toEqual(['get']);
      const key = `${program} ${String(options?.input)}`;
      calls.push(key);
      const answer = answers[key] ?? { code: 1, stdout: 'credentials not found in native keychain\n' };
      return { exitCode: answer.code ?? 0, stdout: new TextEncoder().encode(answer.stdout), stderr: '' };
    },
  };
  return { processes, calls };
}

async function find(repository: string, sources: CredentialSources = {}, processes = helpers({}).processes) {
  const [host = '', ...path] = repository.split('/');
  const found = await createCredentials({ home, ...sources }, processes).find(host, path.join('/'));
  return (
    found && (found.type === 'basic' ? `${found.username}:${found.password}` : `${found.type} ${found.token}`)
  );
}

describe('Docker', () => {
  const cases: readonly [string, object, string | undefined][] = [
    ['ghcr.io/a', { 'ghcr.io': basic('plain') }, 'plain:secret-of-plain'],
    ['ghcr.io/a', { 'https://ghcr.io': basic('https') }, 'https:secret-of-https'],
    ['ghcr.io/a', { 'https://ghcr.io/v2/': basic('v2') }, 'v2:secret-of-v2'],
    ['docker.io/library/x', { 'https://index.docker.io/v1/': basic('hub') }, 'hub:secret-of-hub'],
    ['docker.io/library/x', { 'docker.io': basic('hub') }, 'hub:secret-of-hub'],
    ['127.0.0.1:5000/x', { '127.0.0.1:5000': basic('port') }, 'port:secret-of-port'],
    ['127.0.0.1:5001/x', { '127.0.0.1:5000': basic('port') }, undefined],
    ['ghcr.io/a', { 'ghcr.io': { username: 'u', password: 'p' } }, 'u:p'],
    ['ghcr.io/a', { 'ghcr.io': { ...basic('u'), identitytoken: 'id' } }, 'identity id'],
    ['ghcr.io/a', { 'ghcr.io': { registrytoken: 'reg' } }, 'bearer reg'],
    [
      'ghcr.io/a',
      { 'ghcr.io': { auth: Buffer.from('u:p:with:colons\0\0').toString('base64') } },
      'u:p:with:colons',
    ],
    ['ghcr.io/a', { 'ghcr.io': {} }, undefined],
    ['ghcr.io/a', { 'evil-ghcr.io': basic('x'), 'ghcr.io.evil': basic('x'), io: basic('x') }, undefined],
    ['ghcr.io/a', {}, undefined],
  ];
  test.each(cases)('%s with %j', async (repository, auths, expected) => {
    await write('.docker/config.json', { auths });
    expect(await find(repository)).toBe(expected);
  });

  test('DOCKER_CONFIG takes the place of ~/.docker', async () => {
    await write('.docker/config.json', { auths: { 'ghcr.io': basic('home') } });
    await write('elsewhere/config.json', { auths: { 'quay.io': basic('else') } });
    const dockerConfig = join(home, 'elsewhere');
    expect(await find('quay.io/a', { dockerConfig })).toBe('else:secret-of-else');
    expect(await find('ghcr.io/a', { dockerConfig })).toBeUndefined();
  });

  test.each([
    [
      'a helper for the host comes before what is stored',
      { credHelpers: { 'ghcr.io': 'special' }, auths: { 'ghcr.io': basic('stored') } },
      'u:s',
    ],
    [
      'what is stored comes before the general helper',
      { credsStore: 'general', auths: { 'ghcr.io': basic('stored') } },
      'stored:secret-of-stored',
    ],
    [
      'an empty entry leads to the general helper',
      { credsStore: 'general', auths: { 'ghcr.io': {} } },
      'identity t',
    ],
    [
      'a helper that has nothing is passed over',
      { credHelpers: { 'ghcr.io': 'empty' }, auths: { 'ghcr.io': basic('stored') } },
      'stored:secret-of-stored',
    ],
  ])('%s', async (_name, config, expected) => {
    await write('.docker/config.json', config);
    const { processes } = helpers({
      'docker-credential-special ghcr.io': { stdout: '{"ServerURL":"ghcr.io","Username":"u","Secret":"s"}' },
      'docker-credential-general ghcr.io': { stdout: '{"Username":"<token>","Secret":"t"}' },
    });
    expect(await find('ghcr.io/a', {}, processes)).toBe(expected);
  });

  test('Docker Hub is asked for by its old address, and a helper once', async () => {
    await write('.docker/config.json', { credsStore: 'general' });
    const { processes, calls } = helpers({
      'docker-credential-general https://index.docker.io/v1/': { stdout: '{"Username":"u","Secret":"s"}' },
    });
    const credentials = createCredentials({ home }, processes);
    await Promise.all([credentials.find('docker.io', 'a'), credentials.find('docker.io', 'b')]);
    expect((await credentials.find('docker.io', 'c'))?.type).toBe('basic');
    expect(calls).toEqual(['docker-credential-general https://index.docker.io/v1/']);
  });

  test.each([
    ['exit code 1', { code: 1, stdout: 'the keychain is locked with CANARY' }, 'It ended with exit code 1.'],
    ['no JSON', { stdout: 'CANARY' }, 'Its output is not JSON.'],
    ['no secret', { stdout: '{"Username":"CANARY"}' }, 'Its output has no Username or no Secret.'],
  ])('a helper that fails, %s, is named without what it wrote', async (_name, answer, why) => {
    const file = await write('.docker/config.json', { credHelpers: { 'ghcr.io': 'broken' } });
    const { processes } = helpers({ 'docker-credential-broken ghcr.io': answer });
    const error = await find('ghcr.io/a', {}, processes).catch((caught: Error) => caught);
    expect(error).toMatchObject({ code: 'credential-helper-failed', exit: 3, why });
    expect((error as Error).message).toContain(file);
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('CANARY');
  });
});

test('a helper that is not there is named with the file that names it', async () => {
  const file = await write('.docker/config.json', { credsStore: 'of-another-machine' });
  const error = await find('ghcr.io/a', {}, createProcesses({ PATH: home })).catch((caught: Error) => caught);
  expect(error).toMatchObject({
    code: 'credential-helper-failed',
    exit: 3,
    why: 'it is not on PATH.',
  });
  expect((error as Error).message).toBe(
    `Credential helper docker-credential-of-another-machine, named in ${file}, not found`,
  );
});

test('a helper is asked as a program, with the server on its stdin', async () => {
  const program = await write(
    'bin/docker-credential-real',
    '#!/bin/sh\nread -r server\necho "{\\"Username\\":\\"$1\\",\\"Secret\\":\\"$server\\"}"\n',
  );
  await chmod(program, 0o755);
  await write('.docker/config.json', { credHelpers: { 'ghcr.io': 'real' } });
  const processes = createProcesses({ PATH: `${dirname(program)}:/usr/bin:/bin` });
  expect(await find('ghcr.io/a', {}, processes)).toBe('get:ghcr.io');
});

describe('Podman', () => {
  test.each([
    ['ghcr.io/acme/app/api', 'deep:secret-of-deep'],
    ['ghcr.io/acme/app', 'deep:secret-of-deep'],
    ['ghcr.io/acme/other', 'acme:secret-of-acme'],
    ['ghcr.io/acme-evil/app', 'host:secret-of-host'],
    ['ghcr.io/x', 'host:secret-of-host'],
    ['quay.io/x', undefined],
  ])('the longest prefix of %s wins', async (repository, expected) => {
    await write('run/containers/auth.json', {
      auths: { 'ghcr.io': basic('host'), 'ghcr.io/acme': basic('acme'), 'ghcr.io/acme/app': basic('deep') },
    });
    expect(await find(repository, { xdgRuntimeDir: join(home, 'run') })).toBe(expected);
  });

  test('XDG_CONFIG_HOME takes the place of ~/.config', async () => {
    await write('.config/containers/auth.json', { auths: { 'ghcr.io': basic('home') } });
    await write('xdg/containers/auth.json', { auths: { 'quay.io': basic('xdg') } });
    const xdgConfigHome = join(home, 'xdg');
    expect(await find('quay.io/a', { xdgConfigHome })).toBe('xdg:secret-of-xdg');
    expect(await find('ghcr.io/a', { xdgConfigHome })).toBeUndefined();
  });

  test('the files are looked at in their order', async () => {
    const order: string[] = [];
    const sources = { registryAuthFile: join(home, 'set.json'), xdgRuntimeDir: join(home, 'run') };
    for (const [path, name] of [
      ['.config/containers/auth.json', 'config'],
      ['run/containers/auth.json', 'run'],
      ['.docker/config.json', 'docker'],
      ['set.json', 'set'],
    ] as const) {
      await write(path, { auths: { 'ghcr.io': basic(name) } });
      order.push((await find('ghcr.io/a', sources)) ?? '');
    }
    expect(order.map((text) => text.split(':')[0])).toEqual(['config', 'run', 'docker', 'set']);
  });
});

test('a fallback is used where no file has anything', async () => {
  const fallbacks = [{ host: 'ghcr.io', username: 'actor', password: 'token', source: 'GITHUB_TOKEN' }];
  expect(await find('ghcr.io/a', { fallbacks })).toBe('actor:token');
  expect(await find('quay.io/a', { fallbacks })).toBeUndefined();
  await write('.docker/config.json', { auths: { 'ghcr.io': basic('file') } });
  expect(await find('ghcr.io/a', { fallbacks })).toBe('file:secret-of-file');
});

test.each([
  ['no JSON', '{"auths": {"ghcr.io": {"auth": "CANARY"', 'it is not JSON'],
  ['a list', '["CANARY"]', 'it is not an object'],
  ['auths is a list', '{"auths": ["CANARY"]}', 'auths is not an object'],
  [
    'a helper with a path',
    '{"credHelpers": {"ghcr.io": "../CANARY"}}',
    'the name of a credential helper is not a plain name',
  ],
  [
    'broken base64',
    '{"auths": {"ghcr.io": {"auth": "Q0FOQVJZ"}}}',
    'an "auth" entry is not the base64 form of NAME:PASSWORD',
  ],
])('a broken file is named, its content never: %s', async (_name, content, why) => {
  const file = await write('.docker/config.json', content);
  const error = await find('ghcr.io/a').catch((caught: Error) => caught);
  expect(error).toMatchObject({ code: 'credentials-unreadable', exit: 3, why });
  const text = JSON.stringify(error, Object.getOwnPropertyNames(error));
  expect(text).toContain(file);
  expect(text).not.toContain('CANARY');
});

test('an empty file and a missing one hold nothing', async () => {
  await write('.docker/config.json', '\n');
  expect(await find('ghcr.io/a')).toBeUndefined();
});
