import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createProcesses } from '../../../src/adapters/process.ts';
import { createRegistryClient } from '../../../src/oci/client.ts';
import { actRun } from '../../support/act.ts';
import { type GitopsWorld, startGitops } from '../../support/gitops.ts';
import { initKit } from '../../support/kit.ts';
import { CLI_PACKAGE, developer, putCli, runWorkflows } from '../../support/kit-workflows.ts';
import { writeKubernetesSchemas } from '../../support/kubernetes-schemas.ts';
import { installPacked, type Packed } from '../../support/packed.ts';
import { PublishWorld } from '../../support/publish-world.ts';
import { serverCertificate } from '../../support/services/certificates.ts';
import { type Distribution, startDistribution } from '../../support/services/distribution.ts';
import { run } from '../../support/services/run.ts';
import { contentOf } from '../../support/tree.ts';

const MOVE = 'move-release.yaml';
const GATE = 'gitops-gate.yaml';
const ORDERS = 'domain-orders-v1';
const VALUES = (lane: string) => `sources/values/env/${lane}/apps/${ORDERS}.yaml`;

let home: string;
let caFile: string;
let world: GitopsWorld;
let registry: Distribution;
let releases: PublishWorld;
let cli: Packed;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'primitive-moves-'));
  const tls = await serverCertificate(home);
  caFile = tls.caFile;
  [world, registry, cli] = await Promise.all([startGitops({ tls }), startDistribution(), installPacked()]);
  releases = new PublishWorld({ prefix: `${registry.host}/acme` });
  await Promise.all([installCli(), writeKubernetesSchemas(join(home, 'kubernetes'))]);
  const inputs = { kind: 'domain', name: 'orders', version: 'v1', env: 'dev' };
  const wiring = await actRun(world, 'scaffold-primitive-gitops.yaml', 'workflow_dispatch', {
    inputs,
    caFile,
    home,
  });
  expect(wiring.output).toContain('Pull request: ');
  await world.gitops.merge(world.gitops.pulls.at(-1)?.number ?? 0);
});

afterAll(async () => {
  await cli?.[Symbol.asyncDispose]();
  await registry?.[Symbol.asyncDispose]();
  await world?.[Symbol.asyncDispose]();
  await rm(home, { recursive: true, force: true, maxRetries: 3 });
});

/** Commits the CLI to the GitOps repository, and names it and the source in kit.yaml. */
async function installCli(): Promise<void> {
  const folder = await world.clone();
  const more = {
    cli: await putCli(folder, cli),
    sources: [
      { repository: 'acme/app', registry: `${registry.host}/acme`, trusted: [{ key: 'keys/main.pub' }] },
    ],
  };
  await mkdir(join(folder, 'keys'));
  await writeFile(join(folder, 'keys/main.pub'), releases.signers.main.publicKey);
  await world.pushAll(folder, 'Add primitive');
  const kit = await readFile(join(folder, 'kit.yaml'), 'utf8');
  const lines = Object.entries(more).map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`);
  await writeFile(join(folder, 'kit.yaml'), `${kit}\n${lines.join('')}`);
  await initKit(folder, { update: true });
  await world.pushAll(folder, 'Move releases');
}

/** Publishes a commit to the registry; the reference of its image as it is deployed. */
async function publish(content: string, as: 'main' | 'stranger' = 'main') {
  const commit = releases.commit(content);
  let requests = 0;
  const client = createRegistryClient({ processes: createProcesses({}), credentials: {}, access: 'write' });
  const counted = Object.assign(client, { requests: () => requests++ });
  const { report } = await releases.publish({
    as,
    commit,
    sources: { 'domain/orders': content },
    registry: counted,
  });
  await client.close();
  return { commit, ref: report.components[0]?.ref ?? '' };
}

const move = (inputs: Readonly<Record<string, string>>) =>
  actRun(world, MOVE, 'workflow_dispatch', {
    inputs: { request_id: 'request-one', ...inputs },
    caFile,
    home,
  });

const gate = (branch: string) =>
  actRun(world, GATE, 'pull_request', {
    branch,
    caFile,
    home,
    variables: { KUBERNETES_SCHEMAS: join(home, 'kubernetes') },
  });

const openPulls = () =>
  world.gitops.pulls.filter(({ state }) => state === 'open').map(({ head, title }) => [head.branch, title]);

const mergeLast = () => world.gitops.merge(world.gitops.pulls.at(-1)?.number ?? 0);

describe('from a release to a lane, run by act', () => {
  test('a release is pinned, judged by the gate, promoted, and rolled back', async () => {
    const first = await publish('v1');
    const pinned = await move({ action: 'pin', lane: 'dev', release: first.commit });
    expect(pinned.output).toContain('Pull request: ');
    expect(pinned).toMatchObject({ code: 0, steps: { 'Open the pull request': 'success' } });
    expect(openPulls()).toEqual([['release/dev', `Pin ${first.commit} in dev`]]);
    expect(await world.text(VALUES('dev'), 'release/dev')).toContain(`ref: "${first.ref}"`);
    expect(world.gitops.pulls.at(-1)?.body).toContain(first.ref);
    const judged = await gate('release/dev');
    expect(judged.output).toContain('1 judged');
    expect(judged).toMatchObject({ code: 0, output: expect.not.stringContaining('Failure') });

    // The next release takes the place of the first in the same pull request.
    const second = await publish('v2');
    await move({ action: 'pin', lane: 'dev', release: 'main' });
    expect(openPulls()).toEqual([['release/dev', 'Pin main in dev']]);
    expect(await world.text(VALUES('dev'), 'release/dev')).toContain(second.ref);
    await mergeLast();
    const same = await move({ action: 'pin', lane: 'dev', release: 'main' });
    expect(same.code).toBe(0);
    expect(same.steps).not.toHaveProperty('Open the pull request');
    expect(openPulls()).toEqual([]);

    await move({ action: 'promote', lane: 'production', from: 'dev' });
    expect(await world.text(VALUES('production'), 'release/production')).toContain(second.ref);
    expect((await gate('release/production')).code).toBe(0);
    await mergeLast();
    const held = (await world.gitops.commitOf('main')) ?? '';
    await publish('v3');
    await move({ action: 'pin', lane: 'dev', release: 'main' });
    await mergeLast();
    await move({ action: 'promote', lane: 'production', from: 'dev' });
    await mergeLast();
    await move({ action: 'rollback', lane: 'production', revision: held });
    expect(await world.text(VALUES('production'), 'release/production')).toContain(second.ref);
    expect((await gate('release/production')).code).toBe(0);
  });

  test('gitops bump and promote, in the code repository, start it and end with its pull request', async () => {
    const code = join(home, 'code');
    await run('git', ['init', '--quiet', '--initial-branch=main', code]);
    await writeFile(
      join(code, 'primitive.config.yaml'),
      `registry: ${registry.host}/acme\ngitops: { repository: acme/gitops }\n`,
    );
    const before = await contentOf(code);
    runWorkflows(world, { caFile, home });
    const env = developer(world, { caFile });
    const ask = async (...args: string[]) => {
      const answer = await cli.run(['gitops', ...args, '--json'], { cwd: code, env });
      expect(answer).toMatchObject({ code: 0 });
      const { result, pull } = JSON.parse(answer.stdout);
      return { result, number: pull?.number, files: pull?.files.map(({ path }: { path: string }) => path) };
    };
    const { commit, ref } = await publish('v4');
    for (const [lane, args] of [
      ['dev', ['bump', '--release', commit]],
      ['production', ['promote', '--from', 'dev', '--to', 'production']],
    ] as const) {
      const { number, ...asked } = await ask(...args);
      expect(asked).toEqual({ result: 'proposed', files: [VALUES(lane)] });
      expect(await world.text(VALUES(lane), `release/${lane}`)).toContain(ref);
      expect((await gate(`release/${lane}`)).code).toBe(0);
      await world.gitops.merge(number);
    }
    expect(await contentOf(code)).toEqual(before);
  });

  test.each([
    ['an input that is missing', { action: 'pin', lane: 'dev' }, 'release is missing'],
    ['a lane that is none', { action: 'pin', lane: 'prod', release: 'main' }, 'Lane "prod" is unknown'],
    [
      'a release that is none',
      { action: 'pin', lane: 'dev', release: '0'.repeat(40) },
      'There is no release record',
    ],
    [
      'an odd input',
      { action: 'pin', lane: 'dev', release: '$(touch pwned)' },
      'release is "$(touch pwned)"',
    ],
  ])('stops at %s', async (_, inputs, why) => {
    const stopped = await move(inputs);
    expect(stopped.output).toContain(why);
    expect(stopped).toMatchObject({ steps: { 'Set the references': 'failure' } });
  });

  test('the gate refuses what no trusted signer has released, whatever the pull request brings', async () => {
    const forged = await publish('evil', 'stranger');
    await world.gitops.commit('attack', {
      [VALUES('dev')]: `enabled: false\nimage:\n  ref: ${forged.ref}\n`,
      'keys/main.pub': releases.signers.stranger.publicKey,
      '.github/primitive/install-cli.mjs': 'console.log("mine")\n',
    });
    const judged = await gate('attack');
    expect(judged.output).toContain('SRC001');
    expect(judged).toMatchObject({ steps: { 'Check releases': 'failure' } });
  });

  test('refuses a branch of the lane that somebody else has pushed to', async () => {
    await world.gitops.commit('release/dev', { 'README.md': 'mine\n' });
    const refused = await move({ action: 'pin', lane: 'dev', release: releases.commits[0] ?? '' });
    expect(refused.output).toContain('has what this workflow did not write there');
    expect(refused).toMatchObject({ steps: { 'Open the pull request': 'failure' } });
  });

  test('runs nothing of a package with another integrity', async () => {
    await world.commit({ [CLI_PACKAGE]: 'another\n' });
    const stopped = await move({ action: 'pin', lane: 'dev', release: 'main' });
    expect(stopped.output).toContain('Nothing of it was run');
    expect(stopped).toMatchObject({ steps: { 'Install primitive': 'failure' } });
  });
});
