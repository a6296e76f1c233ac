import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { filesOf } from '../../../src/dispatch/inputs.ts';
import { bundledKinds, openKinds } from '../../../src/kinds/kind.ts';
import { type GitopsWorld, startGitops } from '../../support/gitops.ts';
import { initKit } from '../../support/kit.ts';
import { partOf } from '../../support/sample.ts';
import { attempt, run } from '../../support/services/run.ts';
import { contentOf } from '../../support/tree.ts';

let world: GitopsWorld;
const bundledNames = (await openKinds({ bundled: bundledKinds() })).names;

beforeAll(async () => {
  world = await startGitops();
});

afterAll(() => world?.[Symbol.asyncDispose]());

const COMPONENTS = 'environments/_shared/components/apps/primitives';
const request = (name: string, more: object = {}) => ({
  kind: 'domain',
  name,
  version: 'v1',
  with_smoke: false,
  env: '',
  force: false,
  request_id: '',
  ...more,
});

/** The open pull request of a branch, with its files. */
async function pullOf(branch: string) {
  const open = world.gitops.pulls.filter(({ head, state }) => head.branch === branch && state === 'open');
  expect(open.length).toBeLessThan(2);
  const files = open.length === 0 ? '' : await world.gitops.git('diff', '--name-only', `main...${branch}`);
  return { count: open.length, number: open[0]?.number ?? 0, files: files.split('\n') };
}

describe('the generator', () => {
  test('writes the wiring, inert, and proposes it with only the expected files', async () => {
    const { code, output } = await world.scaffold(request('orders', { with_smoke: true, env: 'dev' }));
    expect(output).toContain('Pull request: ');
    expect(code).toBe(0);
    const { count, files } = await pullOf('scaffold/domain-orders-v1');
    expect(count).toBe(1);
    expect(files).toEqual([
      `${COMPONENTS}/domain-orders-v1-smoke/component.yaml`,
      `${COMPONENTS}/domain-orders-v1/component.yaml`,
      'sources/values/_shared/apps/domain-orders-v1-smoke.yaml',
      'sources/values/_shared/apps/domain-orders-v1.yaml',
      'sources/values/env/dev/apps/domain-orders-v1.yaml',
    ]);
    // By these paths the CLI sees whether a primitive is wired.
    const contract = JSON.parse(await world.text('.github/primitive/inputs.json'));
    const values = { kind: 'domain', name: 'orders', version: 'v1', with_smoke: 'true', env: 'dev' };
    expect(filesOf(contract, values).toSorted()).toEqual(files);
    const of = (path: string) => world.gitops.file(path, 'scaffold/domain-orders-v1');
    for (const path of files.filter((path) => path.startsWith('sources/'))) {
      expect(await of(path)).toMatch(/^enabled: false$/m);
      expect(await of(path)).toMatch(/^ {2}ref: ""$/m);
    }
    expect(await of(`${COMPONENTS}/domain-orders-v1/component.yaml`)).toMatchInlineSnapshot(`
      "# Found by argocd/applicationsets: one Application in each lane.
      name: domain-orders-v1
      area: apps
      chart: primitive-runtime
      kind: domain
      image: domain-orders
      "
    `);
  });

  test.each(bundledNames)('writes the wiring of the kind %s', async (kind) => {
    const { code, output } = await world.scaffold(request('each', { kind, env: 'dev' }));
    expect([code, output]).toEqual([0, expect.stringContaining('Pull request: ')]);
    const { files } = await pullOf(`scaffold/${kind}-each-v1`);
    expect(files).toContain(`${COMPONENTS}/${kind}-each-v1/component.yaml`);
    expect(files).toContain(`sources/values/env/dev/apps/${kind}-each-v1.yaml`);
  });

  test('writes the processes and settings that a primitive has of its own, and they render', async () => {
    const workload = {
      processes: {
        serve: { args: ['serve', '{name}\u2028'], ports: { http: 3000 }, live: '/up', ready: '/up' },
        on: { args: ['work'] },
        migrate: { once: true },
      },
      settings: { QUEUE_URL: { of: ['on'], required: true, help: 'where work comes from' } },
    };
    const { code, output } = await world.scaffold(
      request('owned', {
        kind: 'service',
        env: 'dev',
        with_smoke: true,
        workload: JSON.stringify(workload),
      }),
    );
    expect([code, output]).toEqual([0, expect.stringContaining('Pull request: ')]);
    const of = (suffix: string) =>
      world.gitops.file(
        `sources/values/_shared/apps/service-owned-v1${suffix}.yaml`,
        'scaffold/service-owned-v1',
      );
    const text = (await of('')) ?? '';
    expect(parse(text, { version: '1.1' })).toEqual({
      enabled: false,
      kind: 'service',
      image: { ref: '' },
      ...workload,
    });
    // YAML 1.1 ends a line here, and takes `on` for true.
    expect(text).not.toMatch(/\u2028|^ *on:/m);
    expect(await of('-smoke')).toContain('"http://service-owned-v1:3000/up"');
  });

  test('names the code repository, if kit.yaml has several', async () => {
    const of = (name: string) =>
      world.gitops.file(`${COMPONENTS}/domain-${name}-v1/component.yaml`, `scaffold/domain-${name}-v1`);
    await world.scaffold(request('single', { source: 'Acme/App' }));
    expect(await of('single')).not.toContain('source');
    const refused = await world.scaffold(request('foreign', { source: 'acme/web' }));
    expect(refused).toMatchObject({ code: 1, step: 'check' });
    expect(refused.output).toContain(
      'source acme/web is not among the code repositories of kit.yaml: acme/app',
    );
    const before = await world.text('kit.yaml');
    const folder = await world.clone();
    const other = '  others: [{ name: web, repository: acme/web }]\n';
    await writeFile(join(folder, 'kit.yaml'), `${before}${other}`);
    await initKit(folder, { update: true });
    await world.pushAll(folder, 'Take another code repository');
    const missing = await world.scaffold(request('missing'));
    expect(missing).toMatchObject({ code: 1, step: 'check' });
    expect(missing.output).toContain(
      'source is missing: kit.yaml has the code repositories acme/app, acme/web',
    );
    for (const [name, source] of [
      ['app', 'acme/app'],
      ['web', 'acme/Web'],
    ] as const) {
      const { code, output } = await world.scaffold(request(`of-${name}`, { source, with_smoke: true }));
      expect([code, output]).toEqual([0, expect.stringContaining('Pull request: ')]);
      expect(await of(`of-${name}`)).toMatch(
        new RegExp(`^image: domain-of-${name}\nsource: acme/${name}\n$`, 'm'),
      );
    }
    await writeFile(join(folder, 'kit.yaml'), before);
    await initKit(folder, { update: true });
    await world.pushAll(folder, 'Have one again');
  });

  test('a process that the chart does not know is refused when it is rendered', async () => {
    const workload = JSON.stringify({ processes: { serve: { command: ['sh'], ports: { http: 8080 } } } });
    const refused = await world.scaffold(request('unknown', { kind: 'service', workload }));
    expect(refused).toMatchObject({ code: 1, step: 'render', output: expect.stringContaining('command') });
  });

  test('the commit is signed, and the pull request says what for, who asked, and in which run', async () => {
    const branch = 'scaffold/domain-asked-v1';
    await world.scaffold(request('asked', { env: 'dev', request_id: 'request-one' }));
    const pull = () => world.gitops.pulls.find(({ head }) => head.branch === branch);
    expect(world.gitops.signed).toContain(await world.gitops.commitOf(branch));
    expect(pull()?.title).toBe('Scaffold the wiring of domain-asked-v1 for dev');
    await world.scaffold(request('asked', { env: 'production', request_id: 'request-two' }));
    expect(world.gitops.signed).toContain(await world.gitops.commitOf(branch));
    expect(pull()?.title).toBe('Scaffold the wiring of domain-asked-v1 for dev, production');
    const { body = '' } = pull() ?? {};
    expect(body).toContain('`sources/values/env/dev/apps/domain-asked-v1.yaml`');
    expect(body).toContain('`sources/values/env/production/apps/domain-asked-v1.yaml`');
    const run = `${world.github.web}/acme/gitops/actions/runs/16000000001`;
    expect(body.match(/^Asked for by .*$/gm)).toEqual([
      `Asked for by alice, run ${run}, request request-one`,
      `Asked for by alice, run ${run}, request request-two`,
    ]);
  });

  test('the same request twice is one pull request, also with the same id, and when the default branch has moved', async () => {
    const twice = request('twice', { request_id: `${'0'.repeat(32)}-1` });
    await world.scaffold(twice);
    const before = await world.gitops.commitOf('scaffold/domain-twice-v1');
    await world.commit({ 'README.md': 'moved\n' });
    expect(await world.scaffold(twice)).toMatchObject({ code: 0 });
    expect(await pullOf('scaffold/domain-twice-v1')).toMatchObject({ count: 1 });
    expect(await world.gitops.commitOf('scaffold/domain-twice-v1')).toBe(before);
  });

  test('the same request makes the same bytes', async () => {
    const [one, two] = await Promise.all([
      world.scaffold(request('bytes', { with_smoke: true })),
      world.scaffold(request('bytes', { with_smoke: true })),
    ]);
    expect(await contentOf(one.folder, ['.git'])).toEqual(await contentOf(two.folder, ['.git']));
  });

  test('wiring that exists is not overwritten without force', async () => {
    await world.scaffold(request('exists'));
    await world.gitops.merge((await pullOf('scaffold/domain-exists-v1')).number);
    const values = 'sources/values/_shared/apps/domain-exists-v1.yaml';
    await world.commit({ [values]: 'enabled: true\n' });
    const again = await world.scaffold(request('exists'));
    expect(again).toMatchObject({ code: 1, step: 'check' });
    expect(again.output).toContain('The wiring of domain-exists-v1 exists; force overwrites it');
    expect(await world.scaffold(request('exists', { force: true }))).toMatchObject({ code: 0 });
    expect(await pullOf('scaffold/domain-exists-v1')).toMatchObject({ count: 1, files: [values] });
  });

  test('another lane, or the smoke test, is added to what is wired and runs', async () => {
    const branch = 'scaffold/domain-lanes-v1';
    const lane = (env: string) => `sources/values/env/${env}/apps/domain-lanes-v1.yaml`;
    await world.scaffold(request('lanes', { env: 'dev' }));
    await world.gitops.merge((await pullOf(branch)).number);
    const running = `enabled: true\nimage:\n  ref: ghcr.io/acme/domain-lanes@sha256:${'1'.repeat(64)}\n`;
    await world.commit({ [lane('dev')]: running });
    expect(await world.scaffold(request('lanes', { env: 'dev' }))).toMatchObject({ code: 1, step: 'check' });
    expect(await world.scaffold(request('lanes', { env: 'production' }))).toMatchObject({ code: 0 });
    expect(await pullOf(branch)).toMatchObject({ count: 1, files: [lane('production')] });
    // The proposal is open: what it has stays in it.
    expect(await world.scaffold(request('lanes', { with_smoke: true }))).toMatchObject({ code: 0 });
    expect(await pullOf(branch)).toMatchObject({
      count: 1,
      files: [
        `${COMPONENTS}/domain-lanes-v1-smoke/component.yaml`,
        'sources/values/_shared/apps/domain-lanes-v1-smoke.yaml',
        lane('production'),
      ],
    });
    expect(await world.gitops.file(lane('dev'), branch)).toBe(running);
  });

  test('a merged request asked for again with force changes nothing', async () => {
    await world.scaffold(request('merged'));
    await world.gitops.merge((await pullOf('scaffold/domain-merged-v1')).number);
    const again = await world.scaffold(request('merged', { force: true }));
    expect(again).toMatchObject({ code: 0 });
    expect(again.output).toContain('on main already');
    expect(await pullOf('scaffold/domain-merged-v1')).toMatchObject({ count: 0 });
  });

  test('what a person changed in a proposal is not overwritten without force', async () => {
    const branch = 'scaffold/domain-edited-v1';
    const values = 'sources/values/_shared/apps/domain-edited-v1.yaml';
    await world.scaffold(request('edited'));
    await world.gitops.commit(branch, { [values]: 'enabled: false\nkind: domain\nreplicas: 3\n' });
    const again = await world.scaffold(request('edited'));
    expect(again).toMatchObject({ code: 1, step: 'propose' });
    expect(again.output).toContain(`Branch ${branch} has what this workflow did not write there`);
    expect(again.output).toContain(values);
    expect(await world.gitops.file(values, branch)).toContain('replicas: 3');
    expect(await world.scaffold(request('edited', { force: true }))).toMatchObject({ code: 0 });
    expect(await world.gitops.file(values, branch)).not.toContain('replicas: 3');
    expect(await pullOf(branch)).toMatchObject({ count: 1 });
  });

  test('a run that ended between push and pull request is gone on with', async () => {
    world.github.fault({
      method: 'POST',
      path: /\/pulls$/,
      status: 401,
      body: { message: 'Bad credentials' },
    });
    expect(await world.scaffold(request('broken'))).toMatchObject({ code: 1, step: 'propose' });
    expect(await pullOf('scaffold/domain-broken-v1')).toMatchObject({ count: 0 });
    expect(await world.scaffold(request('broken'))).toMatchObject({ code: 0 });
    expect(await pullOf('scaffold/domain-broken-v1')).toMatchObject({ count: 1 });
  });

  test('what GitHub fails with now and then is asked again, and makes one pull request', async () => {
    const { github } = world;
    github.fault({ method: 'POST', path: /git\/trees$/, status: 502 });
    github.fault({ method: 'POST', path: /git\/commits$/, status: 'reset', when: 'after' });
    github.fault({
      path: /\/pulls\?/,
      status: 403,
      headers: { 'retry-after': '1' },
      body: { message: 'Slow down.' },
    });
    github.fault({ method: 'POST', path: /\/pulls$/, status: 504, when: 'after' });
    const { code, output } = await world.scaffold(request('patient'));
    const statuses = [...output.matchAll(/: status (\d+)\. Asking again in 1 s\./g)].map(
      ([, status]) => status,
    );
    expect(statuses).toEqual(['403', '502', '0', '504']);
    expect(code).toBe(0);
    expect(await pullOf('scaffold/domain-patient-v1')).toMatchObject({ count: 1 });
  });

  test('a refused pull request says what to allow', async () => {
    world.github.fault({ method: 'POST', path: /\/pulls$/, status: 403, body: { message: 'not permitted' } });
    const { output } = await world.scaffold(request('forbidden'));
    expect(output).toContain('Set up the GitHub App');
  });

  test('the credentials are in no output, no configuration and no command line', async () => {
    const { output, folder } = await world.scaffold(request('quiet'));
    expect(output).not.toContain(world.token);
    expect(await readFile(join(folder, '.git/config'), 'utf8')).not.toMatch(/extraheader|x-access-token/i);
  });
});

describe('a branch that others have written to', () => {
  const ACTOR = 'github-actions[bot]';
  const WORKFLOW = '.github/workflows/lint.yaml';
  const PRODUCTION = 'sources/values/env/production/globals.yaml';
  const HOSTILE = { [WORKFLOW]: 'on: pull_request\n', [PRODUCTION]: 'imagePolicy: {}\n' };
  const branchOf = (name: string) => `scaffold/domain-${name}-v1`;
  const filesOfBranch = (name: string) => [
    `${COMPONENTS}/domain-${name}-v1/component.yaml`,
    `sources/values/_shared/apps/domain-${name}-v1.yaml`,
  ];
  /** The files as the generator writes them, as anyone can make them. */
  const right = async (name: string) => {
    const folder = await world.clone();
    const env = { INPUTS: JSON.stringify(request(name)) };
    await attempt(process.execPath, ['.github/primitive/scaffold.mjs', 'write'], { cwd: folder, env });
    const texts = filesOfBranch(name).map(
      async (path) => [path, await readFile(join(folder, path), 'utf8')] as const,
    );
    return Object.fromEntries(await Promise.all(texts));
  };

  test('that prepared it is not helped: their pull request is refused, with force too', async () => {
    const branch = branchOf('prepared');
    await world.gitops.commit(branch, { ...(await right('prepared')), ...HOSTILE });
    const commit = await world.gitops.commitOf(branch);
    const pull = world.gitops.open(branch, { author: 'mallory' });
    for (const force of [false, true]) {
      const again = await world.scaffold(request('prepared', { force }));
      expect(again).toMatchObject({ code: 1, step: 'propose' });
      expect(again.output).toContain(
        `was opened by mallory, and those of this workflow are opened by ${ACTOR}`,
      );
      expect(again.output).not.toContain('Pull request: ');
      expect(await world.gitops.commitOf(branch)).toBe(commit);
    }
    world.gitops.close(pull.number);
    const closed = await world.scaffold(request('prepared'));
    expect(closed).toMatchObject({ code: 1, step: 'propose' });
    expect(closed.output).toContain(`without:%0A${WORKFLOW}%0A${PRODUCTION}`);
    // Made anew, it has nothing of theirs, and is another pull request.
    expect(await world.scaffold(request('prepared', { force: true }))).toMatchObject({ code: 0 });
    expect(await pullOf(branch)).toMatchObject({ count: 1, files: filesOfBranch('prepared') });
    expect(world.gitops.pulls.at(-1)).toMatchObject({ author: ACTOR, state: 'open' });
  });

  test('after it was proposed is refused, and named as a whole; force makes it anew', async () => {
    const branch = branchOf('pushed');
    await world.scaffold(request('pushed'));
    const { number } = await pullOf(branch);
    await world.gitops.commit(branch, HOSTILE);
    // Closed and opened again it is the same.
    world.gitops.close(number);
    Object.assign(world.gitops.pulls.find((pull) => pull.number === number) ?? {}, { state: 'open' });
    const again = await world.scaffold(request('pushed', { env: 'dev' }));
    expect(again).toMatchObject({ code: 1, step: 'propose' });
    expect(again.output).toContain(`without:%0A${WORKFLOW}%0A${PRODUCTION}`);
    const forced = await world.scaffold(request('pushed', { env: 'dev', force: true }));
    expect(forced).toMatchObject({ code: 0 });
    const files = [...filesOfBranch('pushed'), 'sources/values/env/dev/apps/domain-pushed-v1.yaml'];
    expect(await pullOf(branch)).toMatchObject({ count: 1, number, files });
    expect(forced.output).toContain(files.map((path) => `- ${path}`).join('\n'));
    expect(await world.gitops.git('rev-list', '--count', `main..${branch}`)).toBe('1');
  });

  test('under our name, in one commit, with another history or mode is refused', async () => {
    const name = 'forged';
    const branch = branchOf(name);
    const [component = ''] = filesOfBranch(name);
    const folder = await world.clone();
    const git = (...args: string[]) => run('git', ['-C', folder, ...args]);
    await attempt(process.execPath, ['.github/primitive/scaffold.mjs', 'write'], {
      cwd: folder,
      env: { INPUTS: JSON.stringify(request(name)) },
    });
    const forge = async (...more: string[]) => {
      await git('-c', 'user.name=github-actions[bot]', '-c', 'user.email=bot@example.com', ...more);
      await git('push', '--quiet', '--force', world.gitops.folder, `HEAD:refs/heads/${branch}`);
    };
    const commit = ['commit', '--quiet', '--message', `Scaffold the wiring of domain-${name}-v1`];
    await git('add', '--all');
    await git('update-index', '--chmod=+x', component);
    await forge(...commit);
    const executable = await world.scaffold(request(name));
    expect(executable).toMatchObject({ code: 1, step: 'propose' });
    expect(executable.output).toContain(`without:%0A${component}\n`);
    await git('checkout', '--quiet', '--orphan', 'own');
    await forge(...commit);
    const orphan = await world.scaffold(request(name));
    expect(orphan).toMatchObject({ code: 1, step: 'propose' });
    expect(orphan.output).toContain('without:%0Aa history of its own');
    expect(await world.scaffold(request(name, { force: true }))).toMatchObject({ code: 0 });
    expect(await pullOf(branch)).toMatchObject({ count: 1, files: filesOfBranch(name) });
  });

  test('elsewhere is not taken for it: a fork, another base, a name that ends alike', async () => {
    const branch = branchOf('elsewhere');
    const fork = await world.github.fork(world.gitops, 'mallory/gitops');
    await fork.commit(branch, HOSTILE);
    world.gitops.open(branch, { author: 'mallory', from: 'mallory/gitops' });
    const sibling = await world.github.fork(world.gitops, 'acme/gitops-fork');
    await sibling.commit(branch, HOSTILE);
    world.gitops.open(branch, { author: ACTOR, from: 'acme/gitops-fork' });
    await world.gitops.git('branch', 'release', 'main');
    await world.gitops.commit(`a/refs/heads/${branch}`, HOSTILE);
    expect(await world.scaffold(request('elsewhere'))).toMatchObject({ code: 0 });
    world.gitops.open(branch, { author: 'mallory', base: 'release' });
    const again = await world.scaffold(request('elsewhere', { with_smoke: true }));
    expect(again).toMatchObject({ code: 0 });
    const ours = world.gitops.pulls.filter(
      ({ head, base, state }) =>
        head.branch === branch && head.repository === 'acme/gitops' && base === 'main' && state === 'open',
    );
    expect(ours).toMatchObject([{ author: ACTOR }]);
    expect(again.output).toContain(`/pull/${ours[0]?.number}\n`);
    expect(await world.gitops.git('diff', '--name-only', `main...${branch}`)).not.toContain(WORKFLOW);
  });

  test('while the workflow runs is not overwritten, and not proposed as ours', async () => {
    const branch = branchOf('raced');
    await world.scaffold(request('raced'));
    let theirs = '';
    world.github.meanwhile({ method: 'GET', path: /\/compare\// }, async () => {
      theirs = await world.gitops.commit(branch, HOSTILE);
    });
    const raced = await world.scaffold(request('raced', { with_smoke: true, force: true }));
    expect(raced).toMatchObject({ code: 1, step: 'propose' });
    expect(raced.output).toContain('has what this workflow did not write there');
    expect(await world.gitops.commitOf(branch)).toBe(theirs);

    const other = branchOf('late');
    world.github.meanwhile({ method: 'POST', path: /\/pulls$/ }, () => world.gitops.commit(other, HOSTILE));
    const late = await world.scaffold(request('late'));
    expect(late).toMatchObject({ code: 1, step: 'propose' });
    expect(late.output).toContain(`Branch ${other} was pushed to by somebody else`);
  });

  test('does not make a proposal undo what the default branch has by now', async () => {
    const name = 'behind';
    const [, values = ''] = filesOfBranch(name);
    await world.scaffold(request(name));
    await world.commit({ [values]: 'enabled: true\n' });
    expect(await world.scaffold(request(name, { env: 'dev' }))).toMatchObject({ code: 0 });
    expect(await world.gitops.file(values, branchOf(name))).toBe('enabled: true\n');
  });
});

/** Shell, YAML, Actions expressions, paths, options and control characters. */
const TRICKS = [
  '$(touch pwned)',
  '`touch pwned`',
  '; touch pwned',
  'a\ntouch pwned',
  '$' + '{{ github.token }}',
  '{{ .Values.x }}',
  '../../x',
  '/etc/passwd',
  'a/b',
  'x: y',
  'x # y',
  '"x"',
  "'x'",
  '&a',
  '*a',
  '!!str x',
  '--help',
  '-rf',
  '.',
  ' a',
  'a ',
  'A',
  'ä',
  'a\u0000b',
  'a\rb',
  '::set-output name=x::y',
  'constructor',
  '__proto__',
  'a--b',
  'a-',
  'x'.repeat(41),
  '{kind}',
];

describe('a request that is refused', () => {
  // `constructor` is a name like any other; the two dashes, dots and signs are none.
  const names = TRICKS.filter((trick) => trick !== 'constructor');
  const cases: readonly object[] = [
    ...names.map((name) => ({ name })),
    ...TRICKS.map((kind) => ({ kind })),
    ...TRICKS.map((version) => ({ version })),
    ...TRICKS.map((env) => ({ env })),
    ...TRICKS.map((smoke) => ({ with_smoke: smoke })),
    ...TRICKS.map((force) => ({ force })),
    ...names.filter((id) => !/^[a-z0-9-]{8,64}$/.test(id)).map((id) => ({ request_id: id })),
    { kind: 'unknown' },
    { env: 'unknown' },
    { name: '' },
    { kind: '' },
    { version: '' },
    { version: '1' },
    { name: 'a'.repeat(40) },
    ...[
      'x',
      '{',
      '{"env":{}}',
      '{"image":{"ref":"evil"}}',
      '{"processes":[]}',
      '{"processes":{"serve":null}}',
      '{"processes":{"a: b":{}}}',
      '{"settings":{"__proto__":{}}}',
      '{"processes":{"serve":{"ready":"/\\"\\n"}}}',
    ].map((workload) => ({ kind: 'service', workload })),
  ];
  test.each(partOf(cases, 8))('%j', async (input) => {
    const { code, stdout, stderr } = await attempt(
      process.execPath,
      ['.github/primitive/scaffold.mjs', 'write'],
      { cwd: folder, env: { INPUTS: JSON.stringify(request('orders', input)) } },
    );
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    // One annotation and nothing else: no line of an input is taken for a command of Actions.
    expect(stdout).toMatch(/^::error::[^\n]*\n$/);
  });

  let folder: string;
  let before: Record<string, string>;
  beforeAll(async () => {
    folder = await world.clone();
    before = await contentOf(folder, ['.git']);
  });
  afterAll(async () => expect(await contentOf(folder, ['.git'])).toEqual(before));
});

describe('what the guard stops', () => {
  const template = (name: string) => `.github/primitive/templates/${name}`;
  const chart = 'sources/charts/primitive-runtime';

  test.each<[string, string, (text: string) => string, string]>([
    ['values that are no YAML', template('values.yaml'), () => 'enabled: [', 'helm template'],
    [
      'values that enable',
      template('values.yaml'),
      (text) =>
        text
          .replace('enabled: false', 'enabled: true\nreplicas: 1')
          .replace('ref: ""', `ref: "a.b/c@sha256:${'1'.repeat(64)}"`),
      '`enabled` is for values of a lane',
    ],
    [
      'values that the chart does not know',
      template('values.yaml'),
      (text) => `${text}replica: 2\n`,
      'replica',
    ],
    [
      'a component without a chart',
      template('component.yaml'),
      (text) => text.replace(/^chart:.*\n/m, ''),
      '`chart` is missing',
    ],
    [
      'a component with a chart that is not there',
      template('component.yaml'),
      (text) => text.replace('primitive-runtime', 'nowhere'),
      '`chart` is nowhere; charts of components are',
    ],
    [
      'a component of another name',
      template('component.yaml'),
      (text) => text.replace('{release}', '{name}'),
      'must be that of its folder',
    ],
    ['a component that is no YAML', template('component.yaml'), () => '\tname: {release}', 'helm template'],
    [
      'a placeholder that is none',
      template('values.yaml'),
      (text) => `${text}# {nonsense}\n`,
      'unknown placeholder {nonsense}',
    ],
    [
      'a chart that does not render',
      `${chart}/templates/processes.yaml`,
      () => '{{ nonsense }}',
      'helm template',
    ],
    [
      'a chart that ignores the image',
      `${chart}/templates/processes.yaml`,
      () => '',
      'does not render its image.ref',
    ],
    [
      'settings that were not installed',
      'kit.yaml',
      (text) => `${text}# later\n`,
      'primitive gitops init --update',
    ],
  ])('%s', async (_, path, change, message) => {
    const before = (await world.gitops.file(path)) ?? '';
    await world.commit({ [path]: change(before) });
    try {
      const { code, output } = await world.scaffold(request('guarded'));
      expect(output).toContain(message);
      expect(code).toBe(1);
      expect(await pullOf('scaffold/domain-guarded-v1')).toMatchObject({ count: 0 });
      expect(await world.gitops.commitOf('scaffold/domain-guarded-v1')).toBeUndefined();
    } finally {
      await world.commit({ [path]: before });
    }
  });
});
