import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { optional } from '../../../src/core/object.ts';
import type { InputsFile } from '../../../src/dispatch/inputs.ts';
import type { KitRequestPorts } from '../../../src/dispatch/kit-request.ts';
import { runDispatch } from '../../../src/dispatch/run.ts';
import { type Move, type MoveOptions, moveTo, runMove } from '../../../src/features/gitops-bump/run.ts';
import { openScaffold } from '../../../src/features/gitops-scaffold/request.ts';
import { bundledKinds } from '../../../src/kinds/kind.ts';
import type { Config } from '../../../src/repository/config.ts';
import { type GitopsWorld, gitopsWorld, workflowText } from '../../support/gitops-world.ts';
import type { DoubleRun } from '../../support/services/github/runs.ts';

const moves: InputsFile = JSON.parse(
  readFileSync(join(bundledKinds(), '../gitops/scaffold/moves.json'), 'utf8'),
);
const WORKFLOW = '.github/workflows/move-release.yaml';
const RELEASE = '3f786850e387550fdab836ed7e6dc881de23001b';

/** GitHub with the workflow that moves releases; what a run changes, or nothing. */
async function moveWorld(
  changes: (run: DoubleRun) => Readonly<Record<string, string>>,
): Promise<GitopsWorld> {
  const world = await gitopsWorld();
  await world.gitops.commit('main', { [WORKFLOW]: workflowText(moves) });
  world.gitops.script = (run) => {
    const files = changes(run);
    const isEmpty = Object.keys(files).length === 0;
    return {
      jobs: [
        {
          name: 'Move',
          steps: [
            { name: 'Set the references' },
            { name: 'Open the pull request', ...(isEmpty && { conclusion: 'skipped' }) },
          ],
        },
      ],
      onCompleted: async () => {
        if (isEmpty) return;
        const branch = `release/${run.inputs.lane}`;
        await world.gitops.commit(branch, files);
        const isOpen = world.gitops.pulls.some(
          ({ head, state }) => state === 'open' && head.branch === branch,
        );
        if (!isOpen)
          world.gitops.open(branch, { title: run.title, author: 'acme-app[bot]', created: run.created });
      },
    };
  };
  return world;
}

const valuesOf = ({ inputs }: DoubleRun) => ({
  [`sources/values/env/${inputs.lane}/apps/domain-orders-v1.yaml`]: `image:\n  ref: ${inputs.release}\n`,
});

/** What a config says that says no more than which repository it is. */
const PLAIN = { repository: 'acme/gitops', workflow: 'scaffold-primitive-gitops.yaml' };

function ask(
  world: GitopsWorld,
  move: Move,
  more: Partial<MoveOptions> = {},
  gitops: NonNullable<Config['gitops']> = PLAIN,
  remote?: string,
) {
  const { emit, signal } = world.ports();
  const options = {
    components: [],
    dryRun: false,
    wait: 'pr',
    timeout: '30m',
    command: 'primitive gitops bump',
  } as const;
  return runMove(
    move,
    { ...options, ...more },
    { ...checkout({ gitops, remote }), github: async () => world.client(), emit, signal },
  );
}

/** The config of a code repository, and its remote. */
function checkout({
  gitops,
  remote,
  trusted = [],
}: Pick<Config, 'gitops'> & {
  readonly remote?: string | undefined;
  readonly trusted?: Config['signing']['trusted'];
}): Pick<KitRequestPorts, 'workspace' | 'origin'> {
  const signing = { signer: { type: 'keyless' }, trusted, accepted: [] } as const;
  return {
    workspace: async () => ({
      location: { root: '/app' },
      config: { signing, ...optional('gitops', gitops) },
    }),
    origin: async () => optional('remote', remote),
  };
}

const pin = (release = RELEASE): Move => ({ action: 'pin', lane: undefined, release, source: undefined });

test('a bump starts the workflow for the lane after local and ends with its pull request', async () => {
  await using world = await moveWorld(valuesOf);
  const document = await ask(world, pin(), { components: ['b', 'a'] });
  expect(document).toMatchObject({
    result: 'proposed',
    request: { workflow: 'move-release.yaml', branch: 'release/dev' },
    pull: { number: 1, files: [{ path: 'sources/values/env/dev/apps/domain-orders-v1.yaml' }] },
  });
  expect(world.gitops.runs[0]?.inputs).toMatchObject({
    action: 'pin',
    lane: 'dev',
    release: RELEASE,
    components: 'a,b',
    request_id: document.request.id,
  });
  expect(world.gitops.runs[0]?.title).toBe(`move pin dev [${document.request.id}]`);
});

test('the next release is asked for though the pull request of the lane is open', async () => {
  await using world = await moveWorld(valuesOf);
  await ask(world, pin());
  const next = await ask(world, pin('main'));
  expect([next.result, next.pull?.number, world.gitops.runs.length]).toEqual(['proposed', 1, 2]);
  // The same once more, as main has moved since.
  expect((await ask(world, pin('main'))).run?.id).not.toBe(next.run?.id);
});

test('a run that has nothing to change opens no pull request, and the command waits for none', async () => {
  await using world = await moveWorld(() => ({}));
  expect(await ask(world, moveTo({ lane: 'staging', origin: { from: 'dev' } }))).toMatchObject({
    result: 'exists',
  });
  expect(world.gitops.runs[0]?.inputs).toMatchObject({ action: 'promote', lane: 'staging', from: 'dev' });
});

test('a pull request with more than values of the lane is foreign', async () => {
  await using world = await moveWorld((run) => ({
    ...valuesOf(run),
    'sources/values/env/production/apps/x.yaml': 'a: b\n',
  }));
  expect(await ask(world, pin())).toMatchObject({
    result: 'failed',
    problem: { code: 'gitops-pull-foreign', why: expect.stringContaining('env/production/apps/x.yaml') },
  });
});

test('lanes, branch and paths are what the GitOps repository says, unless the config says it', async () => {
  await using world = await moveWorld(valuesOf);
  const kit = { branch: 'deploy', kinds: ['domain'], lanes: [{ name: 'edge' }, { name: 'live' }] };
  const contract = { ...moves, branch: 'moves/{lane}', changes: ['sources/values/env/{lane}/*/*'] };
  await world.gitops.commit('main', {
    '.github/primitive/kit.json': JSON.stringify({ source: 'sha256:0', kit }),
    '.github/primitive/moves.json': JSON.stringify(contract),
  });
  await world.gitops.git('branch', 'deploy', 'main');
  const planned = await ask(world, pin(), { dryRun: true });
  expect(planned).toMatchObject({
    result: 'planned',
    request: { ref: 'deploy', branch: 'moves/edge', inputs: { lane: 'edge' } },
  });
  await ask(world, { ...pin(), lane: 'live' } as Move, { wait: 'run' });
  expect(world.gitops.runs).toMatchObject([{ branch: 'deploy', inputs: { lane: 'live' } }]);
  await expect(ask(world, { ...pin(), lane: 'dev' } as Move)).rejects.toMatchObject({
    code: 'gitops-input-invalid',
    message: expect.stringContaining('Input lane "dev" is unknown.'),
  });
  const own = { ...PLAIN, ref: 'main', lanes: ['dev'] };
  expect(await ask(world, pin(), { dryRun: true }, own)).toMatchObject({
    request: { ref: 'main', inputs: { lane: 'dev' } },
  });
});

/** What kit.json has of code repositories. */
const kitJson = (...code: readonly string[]) =>
  JSON.stringify({
    source: 'sha256:0',
    kit: { branch: 'main', kinds: ['domain'], lanes: [{ name: 'dev' }] },
    components: { code: code.map((repository) => ({ repository, names: [repository] })) },
  });

test('a release is of the repository that this checkout is, if the kit has several', async () => {
  await using world = await moveWorld(valuesOf);
  const commit = (...code: readonly string[]) =>
    world.gitops.commit('main', { '.github/primitive/kit.json': kitJson(...code) });
  const sent = async (move: Move, remote?: string) =>
    (await ask(world, move, { dryRun: true }, PLAIN, remote)).request.inputs.source;
  const web = 'https://github.com/acme/Web.git';
  await commit('acme/app');
  expect(await sent(pin(), web)).toBeUndefined();
  await commit('acme/app', 'acme/web');
  // As the kit spells it.
  expect(await sent(pin(), web)).toBe('acme/web');
  expect(await sent({ ...pin(), source: 'acme/app' } as Move, web)).toBe('acme/app');
  expect(await sent(moveTo({ lane: 'dev', origin: { from: 'dev' } }), web)).toBeUndefined();
  expect(await sent(pin())).toBeUndefined();
  await expect(sent(pin(), 'https://github.com/acme/other')).rejects.toMatchObject({
    code: 'gitops-input-invalid',
    message: expect.stringContaining('Input source "acme/other" is unknown.'),
  });
});

test('wiring is asked for with the code repository of the primitive, if the kit has several', async () => {
  await using world = await gitopsWorld();
  const orders = { kind: 'domain', name: 'orders', version: 'v1' };
  const { emit, signal } = world.ports();
  const wire = async (given: Readonly<Record<string, string>>, own: Parameters<typeof checkout>[0]) => {
    const ports = { ...checkout(own), github: async () => world.client(), emit, signal };
    const options = { force: false, dryRun: false, timeout: '30m' };
    const { request, ports: limited } = await openScaffold(ports, options, { given });
    return runDispatch(request(given), 'pr', limited);
  };
  const sent = () => world.gitops.runs.at(-1)?.inputs.source;
  const commit = (...code: readonly string[]) =>
    world.gitops.commit('main', { '.github/primitive/kit.json': kitJson(...code) });
  await commit('acme/app');
  const trusted = [
    {
      issuer: 'https://i.example',
      identity: 'https://i.example/w',
      repository: 'acme/web',
      ref: '',
      trigger: '',
    },
  ];
  const own = { gitops: PLAIN, remote: 'https://github.com/mirrors/web', trusted };
  await wire(orders, own);
  expect(sent()).toBe('');
  await commit('acme/app', 'acme/web');
  await wire({ ...orders, name: 'stock' }, own);
  expect(sent()).toBe('acme/web');
  await wire({ ...orders, name: 'cart', source: 'acme/app' }, own);
  expect(sent()).toBe('acme/app');
  await expect(wire({ ...orders, name: 'lost' }, { gitops: PLAIN })).rejects.toMatchObject({
    code: 'gitops-input-invalid',
    message: 'Input source is missing.',
    suggestions: ['--source acme/app'],
  });
  expect(world.gitops.runs).toHaveLength(3);
});

test.each([
  ['kit.json', '{'],
  ['kit.json', '{ "kit": { "lanes": [] } }'],
  ['moves.json', '{ "branch": "x\ny" }'],
])('a %s that is %o is refused', async (name, text) => {
  await using world = await moveWorld(valuesOf);
  await world.gitops.commit('main', { [`.github/primitive/${name}`]: text });
  await expect(ask(world, pin())).rejects.toMatchObject({ code: 'gitops-contract-invalid', exit: 2 });
  expect(world.gitops.runs).toEqual([]);
});

test.each([
  [{ ...pin(), lane: 'prod' } as Move, 'lane'],
  [pin('$(x)'), 'release'],
  [moveTo({ lane: 'dev', origin: { rollback: 'HEAD~1' } }), 'revision'],
])('%o is refused before anything is sent', async (move, name) => {
  await using world = await moveWorld(valuesOf);
  await expect(ask(world, move)).rejects.toMatchObject({
    code: 'gitops-input-invalid',
    message: expect.stringContaining(`Input ${name} `),
  });
  expect(world.gitops.runs).toEqual([]);
});
