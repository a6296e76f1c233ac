import { expect, test } from 'vitest';
import { PrimitiveError } from '../../../src/core/errors.ts';
import { parseConfig } from '../../../src/repository/config.ts';

const parse = (text: string, version = '1.4.0') =>
  parseConfig({ text, shown: 'primitive.config.yaml', root: '/repo' }, version);

async function refused(text: string, version?: string): Promise<PrimitiveError> {
  try {
    await parse(text, version);
  } catch (error) {
    if (error instanceof PrimitiveError) return error;
    throw error;
  }
  throw new Error(`was taken:\n${text}`);
}

test('a registry is enough, and every default is filled in', async () => {
  expect(await parse('registry: ghcr.io/acme/\n')).toEqual({
    registry: 'ghcr.io/acme',
    image: '{kind}-{name}',
    languages: {},
    platforms: [
      { os: 'linux', architecture: 'amd64' },
      { os: 'linux', architecture: 'arm64' },
    ],
    channel: { tag: 'main', branch: 'main' },
    tags: ['{sha}'],
    insecureRegistries: [],
    build: {
      builder: 'auto',
      args: {},
      bases: {},
      secrets: [],
      cache: { trusted: { from: [], to: [] }, accepted: { from: [], to: [] } },
    },
    signing: { signer: { type: 'keyless' }, trusted: [], accepted: [] },
    sbom: { format: 'spdx-json' },
    imports: { sdk: { go: [], ts: [], python: [] }, forbidden: [] },
    verify: { tests: 'optional', runtimeImports: 'warning', suiteSeconds: 600, rules: [] },
    plugins: [],
  });
});

test('a whole config, with the line for editors', async () => {
  const digest = `sha256:${'0'.repeat(64)}`;
  const config = await parse(`# yaml-language-server: $schema=./schemas/primitive.config.v1.json
$schema: https://example.com/primitive.config.v1.json
schema: primitive.config/v1
requires: "^1.2"
registry: registry.lan:5000
insecureRegistries: [registry.lan:5000]
image: apps/{kind}/{name}
languages: { go: {module: github.com/acme/app}, ts: {scope: "@acme"}, python: {prefix: acme}, proto: {package: acme} }
platforms: [linux/arm64/v8, linux/amd64]
channel: { branch: trunk }
tags: ["main-{sha}", "{sha}"]
build:
  builder: buildah
  parallel: 64
  args: { VERSION: "1.20" }
  bases: { "golang:1.26": "mirror.lan:5000/golang:1.26@${digest}" }
  secrets: [{ id: npm, env: NPM_TOKEN }, { id: pip, file: secrets/pip.conf }]
  cache:
    trusted: { from: ["type=registry,ref=cache.lan/main"], to: ["type=registry,ref=cache.lan/main"], writers: trusted }
    accepted: { to: ["type=registry,ref=ghcr.io/acme/cache:pr"] }
signing:
  signer: { key: keys/cosign.key }
  trusted:
    - { issuer: https://token.actions.githubusercontent.com, identity: "https://github.com/acme/app/.github/workflows/publish.yaml@refs/heads/main", repository: acme/app, ref: refs/heads/main, trigger: push }
    - { key: keys/cosign.pub }
    - { key: "awskms:///alias/main" }
  accepted: [{ issuer: https://token.actions.githubusercontent.com, identity: "https://github.com/acme/app/.github/workflows/*@refs/pull/*/merge" }]
  signingConfig: sigstore/signing_config.json
  trustedRoot: null
sbom: { format: cyclonedx-json }
imports: { sdk: { go: [github.com/acme/sdk] }, forbidden: [net/http], infra: [] }
gitops: { repository: acme/gitops, lanes: [dev, production] }
plugins: ["@acme/kinds"]
`);
  expect(config).toMatchObject({
    registry: 'registry.lan:5000',
    channel: { tag: 'trunk', branch: 'trunk' },
    tags: ['{sha}', 'main-{sha}'],
    platforms: [{ architecture: 'amd64' }, { architecture: 'arm64', variant: 'v8' }],
    build: {
      parallel: 64,
      secrets: [
        { id: 'npm', source: { env: 'NPM_TOKEN' } },
        { id: 'pip', source: { file: '/repo/secrets/pip.conf' } },
      ],
      cache: {
        trusted: { writers: 'trusted' },
        accepted: { from: [], to: ['type=registry,ref=ghcr.io/acme/cache:pr'] },
      },
    },
    signing: {
      signer: { type: 'key', key: '/repo/keys/cosign.key' },
      trusted: [{ trigger: 'push' }, { key: '/repo/keys/cosign.pub' }, { key: 'awskms:///alias/main' }],
      signingConfig: '/repo/sigstore/signing_config.json',
    },
    imports: { sdk: { go: ['github.com/acme/sdk'], ts: [], python: [] }, infra: [] },
    gitops: {
      repository: 'acme/gitops',
      workflow: 'scaffold-primitive-gitops.yaml',
      lanes: ['dev', 'production'],
    },
  });
  expect(config.signing.trustedRoot).toBeUndefined();
});

const R = 'registry: ghcr.io/acme\n';

// Text, code, position, and what the message says.
test.each([
  ['', 'config-invalid', '1:1', '`registry` is missing'],
  ['# nothing\n', 'config-invalid', '1:1', '`registry` is missing'],
  ['just text\n', 'config-invalid', '1:1', 'the file must be'],
  ['- a\n- b\n', 'config-invalid', '1:1', 'not a list'],
  ['registry: 42\n', 'config-invalid', '1:11', '`registry` must be text; put it in quotes'],
  ['registry: ""\n', 'config-invalid', '1:11', '`registry` is empty'],
  ['registry: acme\n', 'config-invalid', '1:11', 'neither a dot nor a port'],
  ['registry: https://ghcr.io/acme\n', 'config-invalid', '1:11', 'a reference has no scheme'],
  ['registry: ghcr.io/Acme\n', 'config-invalid', '1:11', 'upper-case'],
  ['registry: ghcr.io/acme:latest\n', 'config-invalid', '1:11', 'cannot be used'],
  [`${R}imports: { forbidden: [lodash/*] }\n`, 'config-invalid', '2:24', 'not the name of a package'],
  [`${R}imports: { infra: [pg, pg] }\n`, 'config-invalid', '2:24', 'twice'],
  [`${R}imports: { sdk: { ts: [./sdk] } }\n`, 'config-invalid', '2:24', 'not the name of a package'],
  [`${R}imports: { sdk: { java: [] } }\n`, 'config-unknown-key', '2:19', 'java'],
  [`${R}registry: ghcr.io/other\n`, 'config-syntax', '2:1', 'unique'],
  [`${R}a: [1\n`, 'config-syntax', '3:1', 'Flow'],
  [`${R}---\n${R}`, 'config-syntax', '2:1', 'the file has multiple documents'],
  [`${R}image: *name\n`, 'config-syntax', '1:1', 'Unresolved alias'],
  [`${R}x: !ruby/object {}\n`, 'config-syntax', '2:4', 'Unresolved tag'],
  [`${R}regstry: x\n`, 'config-unknown-key', '2:1', 'unknown key `regstry`'],
  [`${R}build:\n  sekrets: []\n`, 'config-unknown-key', '3:3', 'unknown key `build.sekrets`'],
  [`${R}signing: { signer: { kay: x } }\n`, 'config-unknown-key', '2:22', 'unknown key `signing.signer.kay`'],
  [
    `${R}schema: primitive.config/v2\nnovelty: 1\n`,
    'config-schema-unsupported',
    '2:9',
    'this version supports primitive.config/v1',
  ],
  [`${R}requires: banana\n`, 'config-invalid', '2:11', 'semver range'],
  [`${R}image: app\n`, 'config-invalid', '2:8', 'must contain {name}'],
  [`${R}image: "{kind}-{nmae}"\n`, 'config-invalid', '2:8', 'not {nmae}'],
  [`${R}image: "{name}:v1"\n`, 'config-invalid', '2:8', 'cannot be used'],
  [`${R}languages: { go: { module: "git.lan:8443/a" } }\n`, 'config-invalid', '2:28', 'a module path'],
  [`${R}languages: { go: { module: my app } }\n`, 'config-invalid', '2:28', 'a module path'],
  [`${R}languages: { go: { module: a.b/../c } }\n`, 'config-invalid', '2:28', 'a module path'],
  [`${R}languages: { ts: { scope: acme } }\n`, 'config-invalid', '2:27', 'a scope such as "@acme"'],
  [`${R}languages: { ts: { scope: "@Acme" } }\n`, 'config-invalid', '2:27', 'a scope such as "@acme"'],
  [`${R}languages: { python: { prefix: my-team } }\n`, 'config-invalid', '2:32', 'an identifier'],
  [`${R}languages: { python: { prefix: ../x } }\n`, 'config-invalid', '2:32', 'an identifier'],
  [`${R}languages: { proto: { package: acme..x } }\n`, 'config-invalid', '2:32', 'a lower-case package'],
  [`${R}languages: { proto: { package: Acme } }\n`, 'config-invalid', '2:32', 'a lower-case package'],
  [`${R}platforms: []\n`, 'config-invalid', '2:12', 'at least one'],
  [`${R}platforms: linux/amd64\n`, 'config-invalid', '2:12', 'must be a list'],
  [
    `${R}platforms: [linux/amd64, amd64]\n`,
    'config-invalid',
    '2:26',
    '`platforms[1]` must be os/architecture',
  ],
  [`${R}platforms: [linux/amd64, linux/amd64]\n`, 'config-invalid', '2:26', 'twice'],
  [`${R}platforms: [linux/amd46]\n`, 'config-invalid', '2:13', 'the architecture amd46 of the platform'],
  [`${R}platforms: [linus/arm64/v8]\n`, 'config-invalid', '2:13', 'the system linus of'],
  [`${R}platforms: [linux/x86_64]\n`, 'config-invalid', '2:13', 'the architecture x86_64 of'],
  [`${R}channel: { branch: refs/heads/main }\n`, 'config-invalid', '2:20', 'short name'],
  [`${R}channel: { branch: "ma in" }\n`, 'config-invalid', '2:20', 'not a branch'],
  [`${R}channel: { branch: release/1.x }\n`, 'config-invalid', '2:10', '`channel.tag` is missing'],
  [`${R}channel: { tag: in-main }\n`, 'config-invalid', '2:17', 'must not look like'],
  [`${R}channel: { tag: ${'a'.repeat(40)} }\n`, 'config-invalid', '2:17', 'must not look like'],
  [`${R}channel: { tag: a b }\n`, 'config-invalid', '2:17', 'not a tag'],
  [`${R}tags: [dev]\n`, 'config-invalid', '2:8', 'would move from commit to commit'],
  [`${R}tags: ["in-{sha}"]\n`, 'config-invalid', '2:8', 'reserved for publish'],
  [`${R}tags: ["x/{sha}"]\n`, 'config-invalid', '2:8', 'cannot be used'],
  [`${R}insecureRegistries: ["http://lan:5000"]\n`, 'config-invalid', '2:22', 'without scheme'],
  [
    `${R}signing: { signer: { key: "awskms://evil.example/alias/main" } }\n`,
    'config-invalid',
    '2:27',
    'endpoint',
  ],
  [`${R}build: { parallel: 0 }\n`, 'config-invalid', '2:20', 'from 1 to 64'],
  [`${R}build: { parallel: 65 }\n`, 'config-invalid', '2:20', 'from 1 to 64'],
  [`${R}build: { parallel: 1.5 }\n`, 'config-invalid', '2:20', 'whole number'],
  [`${R}build: { builder: bazel }\n`, 'config-invalid', '2:19', 'must be auto or buildx or buildah'],
  [`${R}build: { args: { VERSION: 1.20 } }\n`, 'config-invalid', '2:27', 'put it in quotes'],
  [`${R}build: { args: { "A=B": x } }\n`, 'config-invalid', '2:18', 'name of a build argument'],
  [`${R}build: { bases: { golang: "golang:1.26" } }\n`, 'config-invalid', '2:27', 'no digest'],
  [`${R}build: { secrets: [{ id: a }] }\n`, 'config-invalid', '2:20', 'must be { id, env } or { id, file }'],
  [`${R}build: { secrets: [{ id: "a,b", env: X }] }\n`, 'config-invalid', '2:26', 'a secret id'],
  [
    `${R}build: { secrets: [{ id: a, env: "s3cr3t-value" }] }\n`,
    'config-invalid',
    '2:34',
    'name of a variable',
  ],
  [`${R}build: { secrets: [{ id: a, env: X }, { id: a, env: Y }] }\n`, 'config-invalid', '2:39', 'twice'],
  [
    `${R}build: { cache: { accepted: { to: ['type=gha,url=https://evil.example/'] } } }\n`,
    'config-invalid',
    '2:36',
    'host and token of type=gha are those of the job',
  ],
  [
    `${R}build: { cache: { accepted: { to: ['type=gha,URL_V2=https://evil.example/'] } } }\n`,
    'config-invalid',
    '2:36',
    'host and token of type=gha are those of the job',
  ],
  [
    `${R}build: { cache: { accepted: { from: ['type=gha,"url=https://evil.example/"'] } } }\n`,
    'config-invalid',
    '2:38',
    'host and token of type=gha are those of the job',
  ],
  [
    `${R}build: { cache: { accepted: { to: ['type=registry,ref=ghcr.io/acme/c,registry.insecure=true'] } } }\n`,
    'config-invalid',
    '2:36',
    'without TLS',
  ],
  [
    `${R}build: { cache: { accepted: { from: ['type=azblob,name=c,account_url=https://a.blob.core.windows.net.evil.example'] } } }\n`,
    'config-invalid',
    '2:38',
    'credentials of Azure',
  ],
  [
    `${R}build: { cache: { accepted: { from: ['type=azblob,name=c,account_url=http://a.blob.core.windows.net'] } } }\n`,
    'config-invalid',
    '2:38',
    'credentials of Azure',
  ],
  [
    `${R}build: { cache: { accepted: { to: ['type=s3,bucket=b,region=r,endpoint_url=https://evil.example'] } } }\n`,
    'config-invalid',
    '2:36',
    'session of AWS',
  ],
  [
    `${R}build: { cache: { accepted: { to: ['type=s3,bucket=b,region=r,endpoint_url=https://x.execute-api.eu-west-1.amazonaws.com'] } } }\n`,
    'config-invalid',
    '2:36',
    'session of AWS',
  ],
  [
    `${R}build: { cache: { trusted: { from: ["type=registry,ref=ghcr.io/a/c:1"] } } }\n`,
    'config-invalid',
    '2:37',
    'who can write this cache is not known',
  ],
  [
    `${R}build: { cache: { trusted: { from: ["type=gha"] }, accepted: { to: ["type=gha,mode=max,scope=buildkit"] } } }\n`,
    'config-invalid',
    '2:69',
    'a pull request would write the cache',
  ],
  [`${R}signing: { signer: keyles }\n`, 'config-invalid', '2:20', 'did you mean keyless?'],
  [`${R}signing: { signer: { key: "env://a-b" } }\n`, 'config-invalid', '2:27', 'name of a variable'],
  [
    `${R}signing: { signer: { key: "pkcs11:token=a;object=b?module-path=/repo/evil.so" } }\n`,
    'config-invalid',
    '2:27',
    'names no library to load',
  ],
  [`${R}signing: { signer: { key: "vault://x" } }\n`, 'config-invalid', '2:27', 'vault: is not one of'],
  [
    `${R}signing: { trusted: [{ issuer: "https://i", identity: "https://github.com/acme/*" }] }\n`,
    'config-invalid',
    '2:55',
    'a trusted identity is exact',
  ],
  [
    `${R}signing: { trusted: [{ issuer: "https://i", identity: x, repository: "acme/*" }] }\n`,
    'config-invalid',
    '2:70',
    'owner/name',
  ],
  [
    `${R}signing: { trusted: [{ identity: x }] }\n`,
    'config-invalid',
    '2:22',
    '`signing.trusted[0].issuer` is missing',
  ],
  [`${R}sbom: { format: xml }\n`, 'config-invalid', '2:17', 'must be spdx-json or cyclonedx-json'],
  [`${R}gitops: { repository: gitops }\n`, 'config-invalid', '2:23', 'must be owner/name'],
  [`${R}gitops: { repository: a/b, lanes: [dev, dev] }\n`, 'config-invalid', '2:41', 'twice'],
])('refuses %j as %s at %s: %s', async (text, code, position, message) => {
  const error = await refused(text);
  expect(error.message).toContain(message);
  if (code === 'config-syntax')
    expect(error.suggestions).toEqual([expect.stringContaining('Correct the syntax')]);
  expect(error.message.startsWith(`primitive.config.yaml:${position}: `), error.message).toBe(true);
  expect([error.code, error.exit]).toEqual([code, 2]);
});

test.each([
  ['linux/amd46', 'Did you mean amd64?'],
  ['linux/x86_64', 'Known: 386, amd64, '],
])('says which platform was meant by %s', async (platform, suggestion) => {
  const { suggestions } = await refused(`${R}platforms: [${platform}]\n`);
  expect(suggestions[0]).toContain(suggestion);
});

test('names the nearest key, or those that there are', async () => {
  expect((await refused(`${R}regstry: x\n`)).suggestions).toEqual(['Did you mean `registry`?']);
  expect((await refused(`${R}sbom: { zzz: 1 }\n`)).suggestions).toEqual(['Known keys there: format']);
});

test('all faults of a file come in one error, in the order of their lines', async () => {
  const error = await refused('platfroms: []\ntags: [latest]\nbuild:\n  builder: 7\n  argz: {}\n');
  expect(error.message).toBe('primitive.config.yaml:1:1: `registry` is missing');
  expect(error.why?.split('\n')).toEqual([
    'primitive.config.yaml:1:1: unknown key `platfroms`',
    'primitive.config.yaml:4:12: `build.builder` must be auto or buildx or buildah',
    'primitive.config.yaml:5:3: unknown key `build.argz`',
  ]);
});

test('a fault behind an alias is reported at the alias', async () => {
  const error = await refused(`${R}languages: { go: &x { modul: a } }\nbuild: { args: *x }\n`);
  expect(error.message).toContain(':2:23: unknown key `languages.go.modul`');
});

test.each([
  ['^1.2', '1.4.0', true],
  ['^1.2', '1.5.0-rc.1', true],
  ['^1.2', '2.0.0', false],
  ['1.3.x', '1.4.0', false],
])('requires %s with %s: %s', async (range, version, taken) => {
  // A newer config may have keys that this version does not know: the version is what has to be said.
  const text = `${R}requires: "${range}"\n${taken ? '' : 'novelty: true\n'}`;
  if (taken) return expect((await parse(text, version)).requires).toBe(range);
  expect(await refused(text, version)).toMatchObject({
    code: 'version-refused',
    message: `primitive.config.yaml:2:11: this repository requires primitive ${range}, this is ${version}`,
    suggestions: [`npx '@ameide/primitive@${range}' …`],
    exit: 2,
  });
});

test('hostile files end in an error, soon', async () => {
  const bomb = ['a: &a [x,x,x,x,x,x,x,x,x]'];
  for (let i = 1; i < 10; i += 1) {
    const before = String.fromCharCode(96 + i);
    bomb.push(`${String.fromCharCode(97 + i)}: &${String.fromCharCode(97 + i)} [${`*${before},`.repeat(9)}]`);
  }
  expect((await refused(bomb.join('\n'))).message).toContain('too many aliases');
  expect((await refused('['.repeat(100_000))).code).toBe('config-syntax');
  for (const depth of [10_000, 100_000]) {
    const nested = `image: ${'['.repeat(depth)}${']'.repeat(depth)}`;
    expect((await refused(nested)).message).toContain('it is nested too deeply');
  }
  expect((await refused(`# ${'x'.repeat(2 ** 20)}`)).message).toContain('too large');
  expect((await refused(`${R}__proto__: { polluted: 1 }\n`)).code).toBe('config-unknown-key');
  expect({}).not.toHaveProperty('polluted');
});

test('a key in the place of its path is not repeated', async () => {
  const pem = '-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\\nCANARY\\n-----END';
  const error = await refused(`${R}signing: { signer: { key: "${pem}" } }\n`);
  expect(error.message).toContain('this is a key itself');
  expect(JSON.stringify([error.message, error.why, error.suggestions])).not.toContain('CANARY');
});

test.each([
  'type=gha,scope=main',
  'type=registry,ref=ghcr.io/acme/cache:main,registry.insecure=false',
  'type=azblob,name=main,account_url=https://acme.blob.core.windows.net',
  'type=s3,bucket=b,region=eu-west-1,name=main,endpoint_url=https://s3.dualstack.eu-west-1.amazonaws.com',
])('a cache that sends credentials where they belong is taken: %s', async (spec) => {
  const text = `${R}build: { cache: { accepted: { to: ['${spec}'] } } }\n`;
  const { build } = await parseConfig({ text, shown: 'primitive.config.yaml', root: '/repo' }, '1.0.0');
  expect(build.cache.accepted.to).toEqual([spec]);
});
