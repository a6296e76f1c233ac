import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { InputsFile } from '../../../src/dispatch/inputs.ts';
import { type Move, type MoveOptions, moveTo, runMove } from '../../../src/features/gitops-bump/run.ts';
import { bundledKinds } from '../../../src/kinds/kind.ts';
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

function ask(world: GitopsWorld, move: Move, more: Partial<MoveOptions> = {}) {
  const { emit, signal } = world.ports();
  const gitops = {
    repository: 'acme/gitops',
    workflow: 'scaffold-primitive-gitops.yaml',
    ref: 'main',
    lanes: ['local', 'dev', 'staging', 'production'],
  };
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
    { workspace: async () => ({ config: { gitops } }), github: async () => world.client(), emit, signal },
  );
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
  expect(await ask(world, moveTo('staging', { from: 'dev' }))).toMatchObject({ result: 'exists' });
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

test.each([
  [{ ...pin(), lane: 'prod' } as Move, 'lane'],
  [pin('$(x)'), 'release'],
  [moveTo('dev', { rollback: 'HEAD~1' }), 'revision'],
])('%o is refused before anything is sent', async (move, name) => {
  await using world = await moveWorld(valuesOf);
  await expect(ask(world, move)).rejects.toMatchObject({
    code: 'gitops-input-invalid',
    message: expect.stringContaining(`Input ${name} `),
  });
  expect(world.gitops.runs).toEqual([]);
});
