import { Check } from 'typebox/schema';
import { describe, expect, it } from 'vitest';
import { gitopsPinSchema } from '../../../../src/features/gitops-pin/document.ts';
import { type PinRequest, pinRelease, promoteLane } from '../../../../src/features/gitops-pin/run.ts';
import { gitopsPinOutcome } from '../../../../src/features/gitops-pin/view.ts';
import { createStyle } from '../../../../src/render/style.ts';
import { SOURCES as LANE_SOURCES, type LanesWorld, startLanes, valuesFile } from '../../../support/lanes.ts';

const SOURCES = { 'domain/orders': 'v1', 'domain/stock': 'v1' };
const ORDERS = 'domain-orders-v1';
const STOCK = 'domain-stock-v1';

const pin = (lanes: LanesWorld, request: Partial<PinRequest> & Pick<PinRequest, 'release'>) =>
  pinRelease({ lane: 'dev', source: undefined, components: [], write: true, ...request }, lanes.ports);

const promote = (lanes: LanesWorld, from: string, lane: string, components: readonly string[] = []) =>
  promoteLane({ lane, origin: { from }, components, write: true }, lanes.ports);

const rollBack = (lanes: LanesWorld, lane: string, rollback: string) =>
  promoteLane({ lane, origin: { rollback }, components: [], write: true }, lanes.ports);

const commitAll = (lanes: LanesWorld) => lanes.repo.commit({}, 'merge');

describe('gitops pin', () => {
  it('sets the exact references of a release, and says what it left alone', async () => {
    await using lanes = await startLanes();
    const release = await lanes.publish({ ...SOURCES, 'agent/helper': 'v1' });
    const plan = await pin(lanes, { release, write: false });
    expect([plan.written, plan.edits.map(({ action }) => action)]).toEqual([false, ['create', 'create']]);
    const report = await pin(lanes, { release });
    expect(Check(gitopsPinSchema, report)).toBe(true);
    expect(report).toEqual({ ...plan, written: true });
    const ref = await lanes.ref(release, 'domain/orders');
    expect(await lanes.repo.read(valuesFile('dev', ORDERS))).toBe(
      `# ${ORDERS} in the lane dev.\nenabled: false\nimage:\n  ref: "${ref}"\n`,
    );
    expect(report.skipped).toEqual([
      { component: 'proxy', reason: 'its component.yaml names no image of a source' },
    ]);
    expect(report.unwired).toEqual(['agent/helper']);
    const text = gitopsPinOutcome(report).text(createStyle(false));
    expect(text).toContain('agent/helper: no component here has its image');
    expect(text).toContain('Wrote 2 references of dev.');
  });

  it('again changes nothing; a release that reused an image leaves its reference', async () => {
    await using lanes = await startLanes();
    const first = await lanes.publish(SOURCES);
    await pin(lanes, { release: first });
    expect((await pin(lanes, { release: first })).written).toBe(false);
    const second = await lanes.publish({ ...SOURCES, 'domain/stock': 'v2' });
    const report = await pin(lanes, { release: 'main' });
    expect(report.edits.map(({ component, action }) => [component, action])).toEqual([
      [ORDERS, 'unchanged'],
      [STOCK, 'update'],
    ]);
    expect(await lanes.repo.read(valuesFile('dev', ORDERS))).toContain(`:${first}@`);
    expect(await lanes.repo.read(valuesFile('dev', STOCK))).toContain(
      await lanes.ref(second, 'domain/stock'),
    );
  });

  it('changes no other byte: comments, anchors, quotes, CRLF, a byte order mark', async () => {
    await using lanes = await startLanes();
    const before =
      "\uFEFF# why\r\nenabled: true # on\r\nx: &x 0444\r\ny: *x\r\nimage:\r\n  ref: ''   # here\r\n";
    await lanes.repo.commit({ [valuesFile('dev', ORDERS)]: before });
    const release = await lanes.publish(SOURCES);
    await pin(lanes, { release, components: [ORDERS] });
    const ref = await lanes.ref(release, 'domain/orders');
    expect(await lanes.repo.read(valuesFile('dev', ORDERS))).toBe(before.replace("''", `'${ref}'`));
  });

  it.each([
    ['an alias', 'image: &i\n  ref: ""\nother:\n  image: *i\n', 'cannot be replaced'],
    ['a template', 'image:\n  ref: "{{ .x }}"\n', 'is not a reference'],
    ['an image of another repository', 'image:\n  ref: ghcr.io/other/x:1\n', 'it holds an image of'],
  ])('refuses %s and writes nothing', async (_, text, why) => {
    await using lanes = await startLanes();
    await lanes.repo.commit({ [valuesFile('dev', ORDERS)]: text });
    const release = await lanes.publish(SOURCES);
    await expect(pin(lanes, { release })).rejects.toMatchObject({
      code: 'pin-refused',
      why: expect.stringContaining(why),
    });
    expect(lanes.repo.git('status', '--porcelain')).toBe('');
  });

  it('believes no release but one by a trusted signer', async () => {
    await using lanes = await startLanes();
    const proposed = await lanes.publish(SOURCES, 'pull-request');
    await expect(pin(lanes, { release: proposed })).rejects.toMatchObject({ code: 'release-rejected' });
    expect((await pin(lanes, { release: proposed, lane: 'local' })).written).toBe(true);
    const foreign = await lanes.publish(SOURCES, 'stranger');
    for (const release of [foreign, '0'.repeat(40)]) {
      await expect(pin(lanes, { release, lane: 'local' })).rejects.toMatchObject({
        code: 'release-rejected',
      });
    }
  });

  it('moves the components of the repository that the release is of, and no other', async () => {
    const other = {
      repository: 'acme/web',
      registry: '127.0.0.1:5000/web',
      trusted: [{ key: 'keys/main.pub' }],
    };
    const [app] = LANE_SOURCES;
    await using lanes = await startLanes({
      sources: [app, other],
      previews: {
        ...{ repository: 'acme/app', label: 'preview', cluster: 'main' },
        others: [{ name: 'web', repository: 'acme/web' }],
      },
    });
    const stock = `environments/_shared/components/apps/primitives/${STOCK}`;
    const text = await lanes.repo.read(`${stock}/component.yaml`);
    const release = await lanes.publish(SOURCES);
    const reasons = async () =>
      (await pin(lanes, { release, source: 'acme/app', write: false })).skipped
        .filter(({ component }) => component !== 'proxy')
        .map(({ component, reason }) => `${component}: ${reason}`);
    expect(await reasons()).toEqual([]);
    for (const [source, reason] of [
      ['web', 'it is of acme/web'],
      ['acme/web', 'it is of acme/web'],
      ['acme/none', 'kit.yaml has no code repository acme/none, its `source`'],
    ] as const) {
      await lanes.repo.commit({ [`${stock}/component.yaml`]: `${text}source: ${source}\n` });
      expect(await reasons()).toEqual([`${STOCK}: ${reason}`]);
    }
    await lanes.repo.commit({ [`${stock}/component.yaml`]: `${text}source: acme/app\n` });
    expect(await reasons()).toEqual([]);
  });

  it('leaves components that say no code repository to the first', async () => {
    const [app] = LANE_SOURCES;
    const first = {
      repository: 'acme/web',
      registry: '127.0.0.1:5000/web',
      trusted: [{ key: 'keys/main.pub' }],
    };
    await using lanes = await startLanes({ sources: [first, app], previews: undefined });
    const orders = `environments/_shared/components/apps/primitives/${ORDERS}/component.yaml`;
    await lanes.repo.commit({ [orders]: `${await lanes.repo.read(orders)}source: acme/app\n` });
    const { edits, skipped } = await pin(lanes, {
      release: await lanes.publish(SOURCES),
      source: 'acme/app',
    });
    expect(edits.map(({ component }) => component)).toEqual([ORDERS]);
    expect(skipped).toContainEqual({
      component: STOCK,
      reason: 'it is of acme/web, as its component.yaml has no `source`',
    });
  });

  it.each([
    [{ lane: 'prod' }, 'lane-unknown'],
    [{ components: ['domain-orders'] }, 'component-unknown'],
    [{ source: 'acme/other' }, 'source-unknown'],
  ])('refuses %o with %s', async (request, code) => {
    await using lanes = await startLanes();
    const release = await lanes.publish(SOURCES);
    await expect(pin(lanes, { release, ...request })).rejects.toMatchObject({ code, exit: 2 });
  });

  it('moves a lockstep group together, or not at all', async () => {
    await using lanes = await startLanes({ lockstep: [[ORDERS, STOCK]] });
    const release = await lanes.publish(SOURCES);
    await expect(pin(lanes, { release, components: [ORDERS] })).rejects.toMatchObject({
      code: 'lockstep-torn',
      why: expect.stringContaining(`${STOCK} would stay behind ${ORDERS}`),
    });
    expect((await pin(lanes, { release })).written).toBe(true);
  });
});

describe('gitops promote', () => {
  it('copies exact texts up the ladder, and skips no lane', async () => {
    await using lanes = await startLanes();
    const release = await lanes.publish(SOURCES);
    await pin(lanes, { release });
    await expect(pin(lanes, { release, lane: 'staging' })).rejects.toMatchObject({ code: 'lane-skipped' });
    await expect(promote(lanes, 'dev', 'production')).rejects.toMatchObject({ code: 'lane-skipped' });
    await expect(promote(lanes, 'local', 'dev')).rejects.toMatchObject({ code: 'lane-skipped' });
    await commitAll(lanes);
    await promote(lanes, 'dev', 'staging');
    await commitAll(lanes);
    await promote(lanes, 'staging', 'production');
    const ref = await lanes.ref(release, 'domain/orders');
    expect(await lanes.repo.read(valuesFile('production', ORDERS))).toContain(`"${ref}"`);
  });

  it('copies what is committed, not what stands in the work tree', async () => {
    await using lanes = await startLanes();
    await pin(lanes, { release: await lanes.publish(SOURCES) });
    const report = await promote(lanes, 'dev', 'staging');
    expect([report.edits, report.skipped.length]).toEqual([[], 3]);
  });

  it('judges by the history of the lane before: a hotfix goes on though staging has moved', async () => {
    await using lanes = await startLanes();
    const fix = await lanes.publish(SOURCES);
    await pin(lanes, { release: fix });
    await commitAll(lanes);
    await promote(lanes, 'dev', 'staging');
    await commitAll(lanes);
    const next = await lanes.publish({ ...SOURCES, 'domain/orders': 'v2' });
    await pin(lanes, { release: next });
    await commitAll(lanes);
    await promote(lanes, 'dev', 'staging');
    await commitAll(lanes);
    expect((await pin(lanes, { release: fix, lane: 'production' })).written).toBe(true);
  });

  it('does not count what another branch or another file held', async () => {
    await using lanes = await startLanes();
    const release = await lanes.publish(SOURCES);
    const ref = await lanes.ref(release, 'domain/orders');
    const text = `enabled: true\nimage:\n  ref: ${ref}\n`;
    // A pull request that sets staging and takes it back before it is merged.
    lanes.repo.git('switch', '--quiet', '-c', 'topic');
    await lanes.repo.commit({ [valuesFile('staging', ORDERS)]: text });
    await lanes.repo.commit({ [valuesFile('staging', ORDERS)]: 'enabled: false\nimage:\n  ref: ""\n' });
    lanes.repo.git('switch', '--quiet', 'main');
    lanes.repo.git('merge', '--quiet', '--no-ff', '-m', 'merge', 'topic');
    // A file of dev that is renamed to one of staging.
    await lanes.repo.commit({ [valuesFile('dev', STOCK)]: text });
    lanes.repo.git('mv', valuesFile('dev', STOCK), valuesFile('staging', STOCK));
    await commitAll(lanes);
    await expect(pin(lanes, { release, lane: 'production', components: [ORDERS] })).rejects.toMatchObject({
      code: 'lane-skipped',
    });
  });

  it('refuses a shallow clone, where what was held is not known', async () => {
    await using lanes = await startLanes();
    await pin(lanes, { release: await lanes.publish(SOURCES) });
    await commitAll(lanes);
    lanes.repo.git('clone', '--quiet', '--depth=1', `file://${lanes.repo.root}`, 'shallow');
    const cwd = `${lanes.repo.root}/shallow`;
    const request = { lane: 'staging', origin: { from: 'dev' }, components: [], write: true };
    await expect(promoteLane(request, { ...lanes.ports, cwd })).rejects.toMatchObject({
      code: 'revision-shallow',
    });
  });

  it('rolls back to what a commit held, also in production', async () => {
    await using lanes = await startLanes();
    const held = [];
    for (const content of ['v1', 'v2']) {
      await pin(lanes, { release: await lanes.publish({ ...SOURCES, 'domain/orders': content }) });
      await commitAll(lanes);
      await promote(lanes, 'dev', 'staging');
      await commitAll(lanes);
      await promote(lanes, 'staging', 'production');
      held.push(await commitAll(lanes));
    }
    const [first = ''] = held;
    const before = lanes.repo.git('show', `${first}:${valuesFile('production', ORDERS)}`);
    const report = await rollBack(lanes, 'production', first);
    expect(report.edits.map(({ action }) => action)).toEqual(['update', 'unchanged']);
    expect((await lanes.repo.read(valuesFile('production', ORDERS))).trimEnd()).toBe(before);
    await expect(rollBack(lanes, 'production', 'nowhere')).rejects.toMatchObject({
      code: 'revision-unknown',
    });
  });

  it('promotes nothing that no release lists, whoever wrote it into the lane before', async () => {
    await using lanes = await startLanes();
    const release = await lanes.publish(SOURCES);
    const forged = (await lanes.ref(release, 'domain/orders')).replace(
      /sha256:.*/,
      `sha256:${'0'.repeat(64)}`,
    );
    await lanes.repo.commit({ [valuesFile('dev', ORDERS)]: `enabled: true\nimage:\n  ref: ${forged}\n` });
    await expect(promote(lanes, 'dev', 'staging')).rejects.toMatchObject({
      code: 'release-rejected',
      why: expect.stringContaining('lists sha256:'),
    });
  });
});
