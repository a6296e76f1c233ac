import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { act } from '../../support/act.ts';
import { type GitopsWorld, startGitops } from '../../support/gitops.ts';
import { installPacked, type Packed } from '../../support/packed.ts';
import { serverCertificate } from '../../support/services/certificates.ts';
import { attempt, run } from '../../support/services/run.ts';
import { tool } from '../../tools/locate.ts';

const WORKFLOW = '.github/workflows/primitive-update.yaml';
const BRANCH = 'primitive-update/widget-stock';
const SOURCE = 'primitives/widget/stock/main.ts';
const LINES = ['one', 'two', 'three', 'four', 'five', 'six', 'seven'];

const CONFIG = `registry: ghcr.io/acme
languages: { ts: { scope: "@acme" }, proto: { package: acme } }
signing:
  trusted:
    - issuer: https://token.actions.githubusercontent.com
      identity: https://github.com/acme/gitops/.github/workflows/publish.yaml@refs/heads/main
      repository: acme/gitops
`;
const KIND = `schema: primitive.kind/v1
kind: widget
version: 1
language: other
names: { pattern: "^[a-z]+$" }
files: [{ path: "**", owner: impl }]
build: { context: ".", dockerfile: Dockerfile }
`;
/** A kind that serves a proto file, and one with a client that is generated from a copy of it. */
const SERVING = {
  'kinds/api/kind.yaml': `${KIND.replace('kind: widget', 'kind: api')}api: proto/service.proto\n`,
  'kinds/api/files/proto/service.proto': 'syntax = "proto3";\npackage acme.v1;\nmessage Before {}\n',
  'kinds/client/kind.yaml': `${KIND.replace('kind: widget', 'kind: client').replace('files: [', 'files: [{ path: "gen/**", owner: generated, by: client }, ')}inputs: { source: { type: primitive, match: "api/*", help: "an API" } }
generators: [{ id: client, run: connect, version: "1", reads: [proto/service.proto], writes: gen }]
`,
  'kinds/client/files/proto/service.proto.eta': '<%= it.source.proto %>\n',
};
const template = (lines: readonly string[]) => ({ 'kinds/widget/files/main.ts': `${lines.join('\n')}\n` });
const DOCKERFILE = `FROM scratch:1@sha256:${'0'.repeat(64)}\nUSER 1\n`;

let home: string;
let caFile: string;
let world: GitopsWorld;
let cli: Packed;
let runs = 0;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'primitive-updates-'));
  const tls = await serverCertificate(home);
  caFile = tls.caFile;
  [world, cli] = await Promise.all([startGitops({ tls, kit: false }), installPacked()]);
  const folder = await world.clone();
  const files = {
    'primitive.config.yaml': CONFIG,
    'kinds/widget/kind.yaml': KIND,
    'kinds/widget/files/Dockerfile': DOCKERFILE,
    ...template(LINES),
    ...SERVING,
  };
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  for (const name of ['stock', 'shelf']) {
    const call = await cli.run(['scaffold', '--kind', 'widget', '--name', name], { cwd: folder });
    expect(call).toMatchObject({ code: 0 });
  }
  await world.pushAll(folder, 'Scaffold');
});
afterAll(async () => {
  await Promise.all([world?.[Symbol.asyncDispose](), cli?.[Symbol.asyncDispose]()]);
  await rm(home, { recursive: true, force: true, maxRetries: 3 });
});

/** A job of the workflow, in a clone of its own. */
async function job(name: 'prepare' | 'propose', updates: string, env: Readonly<Record<string, string>> = {}) {
  return attempt(process.execPath, [join(cli.folder, 'templates/ci/update.mjs'), name, updates], {
    cwd: await world.clone(undefined, name === 'prepare' ? 'whole' : 'shallow'),
    env: {
      PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
      HOME: home,
      PRIMITIVE: join(cli.folder, 'bin/run.js'),
      GIT_SSL_CAINFO: caFile,
      NODE_EXTRA_CA_CERTS: caFile,
      GITHUB_REPOSITORY: 'acme/gitops',
      GITHUB_SERVER_URL: world.github.web,
      GITHUB_API_URL: world.github.api,
      ...env,
    },
  });
}

async function prepare(): Promise<string> {
  runs += 1;
  const updates = join(home, `updates-${runs}`);
  expect(await job('prepare', updates)).toMatchObject({ code: 0 });
  return updates;
}

async function propose(updates: string) {
  const { code, stdout, stderr } = await job('propose', updates, { TOKEN: world.token, BASE: 'main' });
  expect(stderr).not.toContain(world.token);
  return { code, lines: stdout.trim().split('\n') };
}

const update = async () => propose(await prepare());

const open = () => world.gitops.pulls.filter(({ state }) => state === 'open');
const openFor = (branch: string) => open().find(({ head }) => head.branch === branch);

describe.sequential('the weekly update', () => {
  test('proposes nothing where nothing is new', async () => {
    const { code, lines } = await update();
    expect([code, lines]).toEqual([
      0,
      ['- widget/shelf: nothing to update', '- widget/stock: nothing to update'],
    ]);
    expect(open()).toEqual([]);
  });

  test('opens a pull request for each primitive, with the verdict of verify, and finds it again', async () => {
    await world.commit(template(LINES.with(1, 'TWO')));
    const { code, lines } = await update();
    expect(code).toBe(0);
    expect(lines).toEqual([
      expect.stringMatching(/^- widget\/shelf: proposed: /),
      expect.stringMatching(/^- widget\/stock: proposed: /),
    ]);
    expect(await world.text(SOURCE, BRANCH)).toBe(`${LINES.with(1, 'TWO').join('\n')}\n`);
    expect(openFor(BRANCH)).toMatchObject({
      title: 'Update widget/stock from its template',
      body: expect.stringMatching(/`primitive verify widget\/stock`: \*\*`\w+, \d+ not checked`\*\*/),
    });
    const before = await world.gitops.commitOf(`refs/heads/${BRANCH}`);
    expect((await update()).lines[1]).toMatch(/^- widget\/stock: as proposed: /);
    expect(await world.gitops.commitOf(`refs/heads/${BRANCH}`)).toBe(before);
    expect(open()).toHaveLength(2);
  });

  test('makes its own branch of last week anew', async () => {
    await world.commit(template(LINES.with(1, 'zwei')));
    expect((await update()).lines[1]).toMatch(/^- widget\/stock: proposed again: /);
    expect(await world.text(SOURCE, BRANCH)).toBe(`${LINES.with(1, 'zwei').join('\n')}\n`);
    expect(open()).toHaveLength(2);
  });

  test('leaves a branch alone that somebody else has pushed to', async () => {
    await world.gitops.commit(BRANCH, { [SOURCE]: 'by hand\n' });
    await world.commit(template(LINES.with(1, 'deux')));
    const { code, lines } = await update();
    expect([code, lines[1]]).toEqual([
      0,
      expect.stringMatching(/^- widget\/stock: left as it is, because somebody else has pushed to it: /),
    ]);
    expect(await world.text(SOURCE, BRANCH)).toBe('by hand\n');
  });

  test('opens a pull request with the markers of a conflict, and says so', async () => {
    const shelf = 'primitives/widget/shelf/main.ts';
    await world.commit({ [shelf]: `${LINES.with(1, 'mine').join('\n')}\n` });
    const { lines } = await update();
    expect(lines[0]).toMatch(/, to be resolved: /);
    expect(openFor('primitive-update/widget-shelf')).toMatchObject({
      title: 'Resolve and update widget/shelf from its template',
      body: expect.stringContaining('**Conflicts.**'),
    });
    expect(await world.text(shelf, 'primitive-update/widget-shelf')).toContain('<<<<<<< yours\nmine\n');
  });

  test('does not propose again what was closed, until the template changes once more', async () => {
    const number = openFor('primitive-update/widget-shelf')?.number ?? 0;
    world.gitops.close(number);
    expect((await update()).lines[0]).toBe(
      '- widget/shelf: the same update was closed before, so it is not proposed again',
    );
    await world.commit(template(LINES.with(1, 'tre')));
    expect((await update()).lines[0]).toMatch(/^- widget\/shelf: proposed/);
  });

  test('says what could not be updated, after the others, and fails for it', async () => {
    const path = 'primitives/widget/shelf/primitive.yaml';
    const whole = await world.text(path);
    await world.commit({ [path]: whole.replace('version: 1', 'version: 9') });
    const { code, lines } = await update();
    expect([code, lines[0]]).toEqual([1, expect.stringContaining('**failed**: scaffold-template-newer')]);
    expect(lines).toHaveLength(2);
    await world.commit({ [path]: whole });
  });

  test('takes files of the primitive alone from the job that ran code', async () => {
    const updates = await prepare();
    const file = join(updates, 'widget-shelf.json');
    const result = JSON.parse(await readFile(file, 'utf8'));
    for (const path of [
      '.github/workflows/evil.yaml',
      'primitives/widget/shelf/../../../.github/workflows/evil.yaml',
      'primitives/widget/shelf/.git/config',
      'primitives/widget/stock/main.ts',
    ]) {
      const files = [...result.files, { path, mode: '100644', content: 'evil' }];
      await writeFile(file, JSON.stringify({ ...result, files }));
      const { code, lines } = await propose(updates);
      expect([code, lines[0]]).toEqual([1, expect.stringContaining('is not in primitives/widget/shelf')]);
    }
  });
});

test('the weekly update brings a client what its source declares by now, without a new template', async () => {
  const folder = await world.clone();
  for (const kind of ['api', 'client']) {
    const source = kind === 'client' ? ['--source', 'api/parts'] : [];
    await writeFile(join(folder, 'kinds', kind, 'files/Dockerfile'), DOCKERFILE);
    const call = await cli.run(['scaffold', '--kind', kind, '--name', 'parts', ...source], { cwd: folder });
    expect(call).toMatchObject({ code: 0 });
  }
  await world.pushAll(folder, 'Scaffold an API and a client');
  const proto = 'proto/service.proto';
  const changed = `${SERVING['kinds/api/files/proto/service.proto']}message After {}\n`;
  await world.commit({ [`primitives/api/parts/${proto}`]: changed });
  const { lines } = await update();
  expect(lines).toContainEqual('- api/parts: nothing to update');
  expect(lines).toContainEqual(expect.stringMatching(/^- client\/parts: proposed: /));
  const branch = 'primitive-update/client-parts';
  expect(await world.text(`primitives/client/parts/${proto}`, branch)).toBe(changed);
  expect(openFor(branch)?.body).toContain('what its source, or another input of its generators, is now');
});

test('the workflow that init writes does that, run by act; actionlint and zizmor find nothing', async () => {
  const folder = await world.clone();
  const version = JSON.parse(await readFile(join(cli.folder, 'package.json'), 'utf8')).version;
  const tarball = join(cli.folder, '../../..', `ameide-primitive-${version}.tgz`);
  await mkdir(join(folder, 'tools'));
  await writeFile(join(folder, `tools/ameide-primitive-${version}.tgz`), await readFile(tarball));
  const integrity = await run('sh', ['-c', `openssl dgst -sha512 -binary '${tarball}' | openssl base64 -A`]);
  const entry = {
    version,
    resolved: `file:tools/ameide-primitive-${version}.tgz`,
    integrity: `sha512-${integrity.trim()}`,
  };
  const lock = { lockfileVersion: 3, packages: { 'node_modules/@ameide/primitive': entry } };
  await writeFile(join(folder, 'package-lock.json'), JSON.stringify(lock));
  expect(await cli.run(['init', '--ci', 'github'], { cwd: folder })).toMatchObject({ code: 0 });
  const text = await readFile(join(folder, WORKFLOW), 'utf8');
  await world.pushAll(folder, 'Add the workflows');
  await world.commit(template(LINES.with(4, 'FIVE')));

  for (const [name, args] of [
    ['actionlint', ['-no-color', WORKFLOW]],
    [
      'zizmor',
      ['--offline', '--no-progress', '--no-exit-codes', '--quiet', '--persona', 'pedantic', WORKFLOW],
    ],
  ] as const) {
    const { stdout } = await attempt(tool(name), args, { cwd: folder });
    expect(stdout.match(/^(error|warning)\[.*$|^.*\.yaml:\d+:\d+: .*$/gm)).toBeNull();
  }

  const artifacts = join(home, 'artifacts');
  await mkdir(artifacts);
  const actions = [...text.matchAll(/uses: ([^@\s]+)@([0-9a-f]{40})/g)].flatMap(([, action = '', commit]) => {
    const name = action.split('/')[1] ?? '';
    const place = ['checkout', 'upload-artifact', 'download-artifact'].includes(name) ? name : 'setup';
    return [
      '--local-repository',
      `${action}@${commit}=${join(import.meta.dirname, '../../support/actions', place)}`,
    ];
  });
  const ran = await act(
    [
      'workflow_dispatch',
      ...['--workflows', WORKFLOW, '--platform', 'ubuntu-24.04=-self-hosted'],
      ...['--github-instance', world.github.host, '--action-offline-mode', '--json'],
      ...['--secret', `GITHUB_TOKEN=${world.token}`, '--env', `ARTIFACTS=${artifacts}`, ...actions],
    ],
    {
      cwd: await world.clone(undefined, 'whole'),
      env: {
        PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
        HOME: home,
        XDG_CACHE_HOME: join(home, 'cache'),
        XDG_CONFIG_HOME: join(home, 'config'),
        GIT_SSL_CAINFO: caFile,
        SSL_CERT_FILE: caFile,
        NODE_EXTRA_CA_CERTS: caFile,
      },
    },
  );
  expect(ran.output).toContain('widget/shelf: proposed');
  expect(ran).toMatchObject({
    code: 0,
    steps: { 'Install primitive': 'success', Update: 'success', Propose: 'success' },
  });
  expect(ran.output).not.toContain(world.token);
  expect(await world.text('primitives/widget/shelf/main.ts', 'primitive-update/widget-shelf')).toContain(
    'FIVE',
  );
});
