import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { networkOf } from '../../../src/app/environment.ts';
import { secretsOf, shortSecretWarning } from '../../../src/app/secrets.ts';
import { detectCi, type EnvironmentFlags, readEnvironment } from '../../../src/cli/environment.ts';

const noFlags: EnvironmentFlags = { json: false, 'no-input': false, directory: undefined, config: undefined };

function processLike(env: NodeJS.ProcessEnv, terminal = true): NodeJS.Process {
  const stream = terminal ? { isTTY: true } : {};
  const made = {
    env,
    cwd: () => tmpdir(),
    platform: 'linux',
    arch: 'x64',
    stdin: stream,
    stdout: stream,
    stderr: stream,
  };
  return made as unknown as NodeJS.Process;
}

const read = (env: NodeJS.ProcessEnv, flags: Partial<EnvironmentFlags> = {}, terminal = true) =>
  readEnvironment(processLike(env, terminal), { ...noFlags, ...flags }, '1.0.0');

describe('colour', () => {
  test.each([
    [{}, true, true],
    [{}, false, false],
    [{ NO_COLOR: '1' }, true, false],
    [{ NO_COLOR: '' }, true, true],
    [{ FORCE_COLOR: '1' }, false, true],
    [{ FORCE_COLOR: '0' }, true, false],
    [{ FORCE_COLOR: '' }, true, true],
    [{ NO_COLOR: '1', FORCE_COLOR: '1' }, true, false],
    [{ TERM: 'dumb' }, true, false],
  ])('%j on a terminal: %s -> %s', (env, terminal, color) => {
    expect(read(env, {}, terminal).stdout.color).toBe(color);
  });
});

describe('CI', () => {
  test.each([
    [{}, undefined],
    [{ CI: 'true' }, 'other'],
    [{ CI: '1' }, 'other'],
    [{ CI: 'false' }, undefined],
    [{ CI: '' }, undefined],
    [{ CI: 'true', GITHUB_ACTIONS: 'true' }, 'github'],
  ])('%j is %s', (env, ci) => expect(detectCi(env)).toBe(ci));
});

describe('questions', () => {
  test.each([
    [{}, {}, true, true],
    [{}, {}, false, false],
    [{ CI: 'true' }, {}, true, false],
    [{}, { json: true }, true, false],
    [{}, { 'no-input': true }, true, false],
  ])('with %j and %j on a terminal (%s): %s', (env, flags, terminal, interactive) => {
    expect(read(env, flags, terminal).interactive).toBe(interactive);
  });
});

describe('folders', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'environment-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test('--directory moves, and --config is relative to it', () => {
    const { cwd, configFile } = read({}, { directory: folder, config: 'other.yaml' });
    expect({ cwd, configFile }).toEqual({ cwd: folder, configFile: join(folder, 'other.yaml') });
  });

  test.each(['missing', 'file'])('a %s is refused', (name) => {
    writeFileSync(join(folder, 'file'), '');
    expect(() => read({}, { directory: join(folder, name) })).toThrow(
      expect.objectContaining({ code: 'directory-not-found', exit: 2 }),
    );
  });

  test('only a terminal has colour', () => {
    expect(read({}, {}, false).stderr).toEqual({ isTTY: false, color: false });
    expect(read({}).stderr).toEqual({ isTTY: true, color: true });
  });
});

describe('proxies', () => {
  test.each([
    [{ HTTPS_PROXY: 'http://proxy.test:3128' }, { https: 'http://proxy.test:3128' }],
    [{ HTTPS_PROXY: 'proxy.test:3128' }, { https: 'http://proxy.test:3128' }],
    [{ https_proxy: '10.0.0.1:3128' }, { https: 'http://10.0.0.1:3128' }],
    [{ HTTP_PROXY: 'proxy.test' }, { http: 'http://proxy.test' }],
    [{ HTTP_PROXY: 'user:pass@proxy.test:3128' }, { http: 'http://user:pass@proxy.test:3128' }],
    [{ HTTP_PROXY: '', https_proxy: ' ', NO_PROXY: '.internal' }, { no: '.internal' }],
  ])('%j', (env, proxy) => {
    expect(networkOf(env)).toEqual({ proxy });
  });

  test.each([
    'http://',
    'ftp://proxy.test',
    'proxy.test:port',
    'http://u:CANARY@a b',
    'socks5://u:CANARY@proxy.test:1080',
    'socks5h://proxy.test:1080',
  ])('%s is refused by the name of its variable, without what it says', (value) => {
    const caught = (() => {
      try {
        return networkOf({ https_proxy: value });
      } catch (error) {
        return error;
      }
    })();
    const message = 'https_proxy is not the URL of an HTTP proxy.';
    expect(caught).toMatchObject({ code: 'proxy-invalid', exit: 2, message });
    expect(JSON.stringify(caught)).not.toContain('CANARY');
    expect(JSON.stringify(caught)).not.toContain('HTTPS_PROXY');
  });
});

describe('secrets', () => {
  test.each([
    ['GITHUB_TOKEN', 'ghs_0123456789', true],
    ['COSIGN_PASSWORD', 'correct horse', true],
    ['DB_PASSWORD_FILE', '/run/secrets/db', false],
    ['API_KEY', 'abcdefgh', true],
    ['APIKEY', 'abcdefgh', true],
    ['AWS_SECRET_ACCESS_KEY', 'abcdefgh', true],
    ['SSH_AUTH_SOCK', '/tmp/ssh-XXXX/agent.1', false],
    ['GH_PAT', 'github_pat_0123', true],
    ['CI_JOB_JWT_V2', 'abcdefgh', true],
    ['PGPASSWORD', 'correct horse', true],
    ['MYSQL_PWD', 'correct horse', true],
    ['SSHPASS', 'correct horse', true],
    ['PWD', 'C:/Users/somebody', false],
    ['PASSWORD', 'short', false],
    ['COSIGN_PKCS11_PIN', '12345678', true],
    ['TOKENIZER', 'bert-base-uncased', false],
    ['PATH', '/usr/bin:/bin', false],
    ['PATTERN', 'somebody-known', false],
    ['AUTHOR', 'somebody-known', false],
    ['AUTH_URL', 'ghcr.io/acme', false],
    ['TOKEN_ISSUER', 'https://token.example.com', false],
    ['SECRET_NAME', 'production', false],
    ['VAULT_SECRET_ID', '0123-4567-89ab', true],
  ])('%s=%s: %s', (name, value, secret) => {
    expect(secretsOf({ [name]: value })).toEqual(secret ? [value] : []);
  });

  test.each([
    ['HTTP_PROXY', 'http://user:long-password@proxy.test:3128', ['long-password']],
    ['HTTP_PROXY', 'user:short@proxy.test:3128', [':short@']],
    ['DATABASE_URL', 'postgres://app:correcthorse@db/app', ['correcthorse']],
    ['REGISTRY', 'localhost:5000/acme@sha256', []],
    ['REMOTE', 'git@github.com:acme/app.git', []],
  ])('of a URL in %s the password', (name, value, secrets) => {
    expect(secretsOf({ [name]: value })).toEqual(secrets);
  });

  test.each([
    [{ COSIGN_PASSWORD: 'y' }, /^COSIGN_PASSWORD: shorter than 8/],
    [{ COSIGN_PASSWORD: 'y', COSIGN_PKCS11_PIN: '1234' }, /^COSIGN_PASSWORD and COSIGN_PKCS11_PIN: /],
  ])('one that is too short to be masked is said: %j', (variables, says) => {
    expect(shortSecretWarning(variables)).toMatch(says);
    expect(shortSecretWarning(variables)).not.toMatch(/\by\b|1234/);
  });

  test.each([{}, { COSIGN_PASSWORD: '' }, { COSIGN_PASSWORD: 'long enough' }])(
    'nothing is said of %j',
    (variables) => {
      expect(shortSecretWarning(variables)).toBeUndefined();
    },
  );

  test('each line of a private key is one, the longest value first', () => {
    const key = '-----BEGIN KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0B\n-----END KEY-----';
    expect(secretsOf({ SIGNING_PRIVATE_KEY: key })).toEqual(['MIIEvQIBADANBg', 'kqhkiG9w0B']);
  });
});
