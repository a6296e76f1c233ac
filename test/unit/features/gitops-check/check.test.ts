import { Check } from 'typebox/schema';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  type GitopsCheckDocument,
  gitopsCheckSchema,
} from '../../../../src/features/gitops-check/document.ts';
import { type CheckRequest, checkGitops } from '../../../../src/features/gitops-check/run.ts';
import { gitopsCheckOutcome } from '../../../../src/features/gitops-check/view.ts';
import { pinRelease, promoteLane } from '../../../../src/features/gitops-pin/run.ts';
import { createStyle } from '../../../../src/render/style.ts';
import { type LanesWorld, startLanes, valuesFile } from '../../../support/lanes.ts';

const SOURCES = { 'domain/orders': 'v1', 'domain/stock': 'v1' };
const ORDERS = 'domain-orders-v1';
const STOCK = 'domain-stock-v1';

async function check(lanes: LanesWorld, request: Partial<CheckRequest> = {}): Promise<GitopsCheckDocument> {
  const report = await checkGitops({ base: undefined, rendered: undefined, ...request }, lanes.ports);
  expect(Check(gitopsCheckSchema, report)).toBe(true);
  const { references, judged, unchanged, empty } = report.account;
  expect(judged + unchanged + empty).toBe(references);
  return report;
}

const rulesOf = ({ findings }: GitopsCheckDocument) => findings.map(({ rule }) => rule);
const values = (ref: string) => `enabled: true\nimage:\n  ref: ${ref}\n`;

/** A release in all lanes, by the ladder, each step merged. */
async function deployed(kit: Readonly<Record<string, unknown>> = {}) {
  const lanes = await startLanes(kit);
  const release = await lanes.publish(SOURCES);
  const rest = { components: [], write: true };
  await pinRelease({ lane: 'dev', release, source: undefined, ...rest }, lanes.ports);
  await lanes.repo.commit({});
  for (const [from, lane] of [
    ['dev', 'staging'],
    ['staging', 'production'],
  ] as const) {
    await promoteLane({ lane, origin: { from }, ...rest }, lanes.ports);
    await lanes.repo.commit({});
  }
  return { lanes, release };
}

describe('gitops check', () => {
  it('passes what came up the ladder, and counts what it judged', async () => {
    const { lanes } = await deployed();
    await using _ = lanes;
    const all = await check(lanes);
    expect([all.verdict, all.account]).toEqual([
      'passed',
      { files: 9, references: 6, judged: 6, unchanged: 0, empty: 0 },
    ]);
    const changed = await check(lanes, { base: 'HEAD~1' });
    expect([changed.verdict, changed.account.judged, changed.account.unchanged]).toEqual(['passed', 2, 4]);
    const outcome = gitopsCheckOutcome(all);
    expect([outcome.exit, outcome.text(createStyle(false))]).toEqual([
      0,
      'passed: 6 image references in 9 files: 6 judged, 0 unchanged, 0 empty\n',
    ]);
  });

  it('refuses what skips a lane, also in the pull request that sets both, and allows a rollback', async () => {
    const { lanes, release } = await deployed();
    await using _ = lanes;
    const next = await lanes.publish({ ...SOURCES, 'domain/orders': 'v2' });
    const ref = await lanes.ref(next, 'domain/orders');
    const base = lanes.repo.git('rev-parse', 'HEAD');
    for (const lane of ['dev', 'staging', 'production']) {
      await lanes.repo.commit({ [valuesFile(lane, ORDERS)]: values(ref) });
    }
    const report = await check(lanes, { base });
    expect(report.findings.map(({ rule, path }) => [rule, path])).toEqual([
      ['PRM001', valuesFile('production', ORDERS)],
      ['PRM001', valuesFile('staging', ORDERS)],
    ]);
    const old = await lanes.ref(release, 'domain/orders');
    for (const lane of ['staging', 'production']) {
      await lanes.repo.commit({ [valuesFile(lane, ORDERS)]: values(old) });
    }
    expect((await check(lanes, { base })).verdict).toBe('passed');
  });

  it('takes accepted releases only in lanes that say so', async () => {
    await using lanes = await startLanes();
    const proposed = await lanes.publish(SOURCES, 'pull-request');
    const ref = await lanes.ref(proposed, 'domain/orders');
    await lanes.repo.write({
      [valuesFile('local', ORDERS)]: values(ref),
      [valuesFile('dev', ORDERS)]: values(ref),
    });
    const report = await check(lanes);
    expect(report.findings.map(({ rule, path }) => [rule, path])).toEqual([
      ['SRC002', valuesFile('dev', ORDERS)],
    ]);
  });

  it('judges by the kit.yaml and the keys of the base, whatever a pull request makes of them', async () => {
    const { lanes } = await deployed();
    await using _ = lanes;
    const foreign = await lanes.publish({ ...SOURCES, 'domain/orders': 'evil' }, 'stranger');
    const ref = `127.0.0.1:5000/acme/domain-orders:${foreign}@sha256:${'0'.repeat(64)}`;
    const base = lanes.repo.git('rev-parse', 'HEAD');
    const kit = JSON.parse(await lanes.repo.read('kit.yaml'));
    await lanes.repo.commit({
      'keys/main.pub': lanes.world.signers.stranger.publicKey,
      'kit.yaml': JSON.stringify({ ...kit, images: { allowed: ['127.0.0.1:5000/'] }, sources: [] }),
      [valuesFile('dev', ORDERS)]: values(ref),
    });
    expect(rulesOf(await check(lanes, { base }))).toEqual(['SRC001']);
  });

  it('refuses a release for all lanes at once, and a second writer', async () => {
    const { lanes, release } = await deployed();
    await using _ = lanes;
    const ref = await lanes.ref(release, 'domain/orders');
    await lanes.repo.write({
      [`sources/values/_shared/apps/${ORDERS}.yaml`]: values(ref),
      [valuesFile('dev', ORDERS)]: `image:\n  ref: ${ref} # {"$imagepolicy": "flux:orders"}\n`,
    });
    const report = await check(lanes, { base: 'HEAD' });
    expect(rulesOf(report)).toEqual(['PRM002', 'WRT001']);
  });

  it('says what only renders show, and judges them', async () => {
    const { lanes, release } = await deployed();
    await using _ = lanes;
    const split = 'image:\n  repository: docker.io/evil/x\n  tag: latest\n';
    await lanes.repo.write({ [valuesFile('dev', 'proxy')]: split });
    const partial = await check(lanes, { base: 'HEAD' });
    expect([partial.verdict, partial.unchecked.map(({ path }) => path)]).toEqual([
      'partial',
      [valuesFile('dev', 'proxy')],
    ]);
    const pod = (image: string, kind = 'containers') =>
      JSON.stringify({
        kind: 'Deployment',
        metadata: { name: 'x' },
        spec: { template: { spec: { [kind]: [{ image }] } } },
      });
    const volume = JSON.stringify({
      kind: 'Pod',
      spec: { volumes: [{ image: { reference: 'docker.io/evil/volume:1' } }] },
    });
    const busybox = `docker.io/library/busybox@sha256:${'2'.repeat(64)}`;
    await lanes.repo.write({
      'rendered/dev/proxy.yaml': pod('docker.io/evil/x:latest'),
      'rendered/dev/init.yaml': pod('docker.io/evil/init:1', 'initContainers'),
      'rendered/dev/volume.yaml': volume,
      'rendered/dev/orders.yaml': pod(await lanes.ref(release, 'domain/orders')),
      'rendered/staging/smoke.yaml': pod(busybox),
      'rendered/_operators/dev.yaml': pod(busybox),
      'rendered/elsewhere/x.yaml': pod(busybox),
      // Previews deploy what a pull request has published, by its commit.
      'rendered/preview/orders.yaml': pod(`127.0.0.1:5000/acme/domain-orders:${'3'.repeat(40)}`),
      'rendered/preview/other.yaml': pod('docker.io/evil/preview:1'),
      // The database of a preview is in no values; elsewhere it is an image like others.
      'rendered/preview/database.yaml': pod(`docker.io/library/postgres:17@sha256:${'4'.repeat(64)}`),
      'rendered/preview/floating.yaml': pod('docker.io/library/postgres:17'),
      'rendered/staging/database.yaml': pod(`docker.io/library/postgres:17@sha256:${'4'.repeat(64)}`),
    });
    const report = await check(lanes, { base: 'HEAD', rendered: 'rendered' });
    expect(report.findings.map(({ rule, path }) => [rule, path])).toEqual([
      ['SRC001', 'rendered/dev/init.yaml'],
      ['SRC001', 'rendered/dev/proxy.yaml'],
      ['SRC001', 'rendered/dev/volume.yaml'],
      ['IMG003', 'rendered/elsewhere/x.yaml'],
      ['SRC001', 'rendered/preview/floating.yaml'],
      ['SRC001', 'rendered/preview/other.yaml'],
      ['SRC001', 'rendered/staging/database.yaml'],
    ]);
    expect(report.unchecked).toEqual([]);
    await expect(check(lanes, { rendered: 'nowhere' })).rejects.toMatchObject({ code: 'rendered-missing' });
  });

  it('refuses a part of a lockstep group that moves', async () => {
    const { lanes } = await deployed({ lockstep: [[ORDERS, STOCK]] });
    await using _ = lanes;
    const next = await lanes.publish({ 'domain/orders': 'v2', 'domain/stock': 'v2' });
    const move = async (...components: readonly (readonly [string, string])[]) => {
      for (const [file, id] of components)
        await lanes.repo.write({ [valuesFile('dev', file)]: values(await lanes.ref(next, id)) });
      return rulesOf(await check(lanes, { base: 'HEAD' }));
    };
    expect(await move([ORDERS, 'domain/orders'])).toEqual(['LCK001']);
    expect(await move([STOCK, 'domain/stock'])).toEqual([]);
  });

  it('gives no verdict if the registry gives no answer', async () => {
    const { lanes } = await deployed();
    await using _ = lanes;
    const ports = { ...lanes.ports, sources: () => async () => Promise.reject(new Error('no answer')) };
    await expect(checkGitops({ base: undefined, rendered: undefined }, ports)).rejects.toThrow('no answer');
  });
});

describe('a reference of a component, in lanes that hold a release,', () => {
  let shared: ReturnType<typeof deployed>;
  beforeAll(async () => {
    shared = deployed();
    await shared;
  });
  afterAll(async () => (await shared).lanes[Symbol.asyncDispose]());
  afterEach(async () => {
    (await shared).lanes.repo.git('checkout', '--quiet', '.');
  });

  it.each([
    [
      'a digest that no release lists',
      (ref: string) => ref.replace(/sha256:.*/, `sha256:${'0'.repeat(64)}`),
      'SRC001',
    ],
    [
      'a commit without a release',
      (ref: string) => ref.replace(/:[0-9a-f]{40}@/, `:${'1'.repeat(40)}@`),
      'SRC001',
    ],
    ['a tag that is no commit', (ref: string) => ref.replace(/:[0-9a-f]{40}@/, ':latest@'), 'SRC001'],
    ['a tag alone', (ref: string) => ref.replace(/@.*/, ''), 'IMG001'],
    ['an image of somebody else', () => `docker.io/evil/x@sha256:${'0'.repeat(64)}`, 'SRC001'],
    ['a registry that only begins alike', (ref: string) => ref.replace('/acme/', '/acme-evil/'), 'SRC001'],
    ['a number', () => '17', 'SRC001'],
  ])('refuses %s', async (_, change, rule) => {
    const { lanes, release } = await shared;
    const ref = change(await lanes.ref(release, 'domain/orders'));
    await lanes.repo.write({ [valuesFile('dev', ORDERS)]: values(ref) });
    const report = await check(lanes, { base: 'HEAD' });
    expect([report.verdict, rulesOf(report)]).toEqual(['failed', [rule]]);
    expect(report.findings[0]).toMatchObject({ path: valuesFile('dev', ORDERS), line: 3 });
    expect(gitopsCheckOutcome(report).exit).toBe(1);
  });

  it.each([
    ['an alias', 'x: &x\n  ref: a\nenabled: true\nimage: *x\n'],
    ['a merge key', 'x: &x\n  ref: a\nenabled: true\nimage:\n  <<: *x\n'],
    ['what is not YAML', 'image: [\n'],
    ['a key that is there twice', 'image:\n  ref: a\n  ref: b\n'],
    ['bytes in a tag', 'image:\n  ref: !!binary Z2hjci5pby9ldmlsL3g=\n'],
    ['a key with a tag', '!!binary aW1hZ2U=:\n  ref: ghcr.io/evil/x\n'],
    ['a key in bytes', 'image:\n  !!binary cmVm: ghcr.io/evil/x\n'],
    ['a merge key with a tag', 'x: &x\n  ref: a\nenabled: true\nimage:\n  !!merge "<<": *x\n'],
    ['a list of merges', 'x: &x\n  ref: a\nenabled: true\nimage:\n  <<: [*x]\n'],
    ['a merge at the root', 'x: &x\n  image: { ref: a }\n<<: *x\n'],
  ])('refuses %s, where a reference cannot be read', async (_, text) => {
    const { lanes } = await shared;
    await lanes.repo.write({ [valuesFile('dev', ORDERS)]: text });
    expect(rulesOf(await check(lanes))).toEqual(['IMG003']);
  });
});
