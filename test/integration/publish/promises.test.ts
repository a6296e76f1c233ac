import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { BuildRequest } from '../../../src/builders/builder.ts';
import { PrimitiveError } from '../../../src/core/errors.ts';
import { publishOutcome } from '../../../src/features/publish/view.ts';
import { encodeManifest } from '../../../src/oci/manifest.ts';
import { MEDIA_TYPE } from '../../../src/oci/media-types.ts';
import { brokenPromises, watchTags } from '../../support/invariants.ts';
import { createLayoutBuilder } from '../../support/layout-builder.ts';
import type { Fault } from '../../support/memory-registry.ts';
import { type PublishAttempt, type Published, PublishWorld } from '../../support/publish-world.ts';
import { partOf, seeds } from '../../support/sample.ts';

const sources = { 'domain/orders': 'v1', 'domain/stock': 'v1', 'process/billing': 'v1' };
const ids = Object.keys(sources);

const actions = ({ report }: Published) => report.components.map(({ action }) => action);
const all = (action: string) => ids.map(() => action);

/** Somebody with the right to push, but no signer of ours, puts an image under a tag. */
function squat(world: PublishWorld, id: string, tag: string): void {
  const manifest = encodeManifest(MEDIA_TYPE.ociIndex, { manifests: [], annotations: { by: 'a squatter' } });
  world.foreign.add(manifest.digest);
  world.registry.putForeign(world.repository(id), tag, manifest);
}

/** More than a publish of a few components has operations and events. */
const EVERY = Array.from({ length: 300 }, (_, index) => index);

describe('a commit', () => {
  it('is built, sealed, tagged and recorded; the next one builds what changed', async () => {
    const world = new PublishWorld();
    const violations = watchTags(world);
    const first = await world.publish({ as: 'main', commit: world.commit('first'), sources });
    expect(actions(first)).toEqual(all('built'));
    const builder = createLayoutBuilder();
    const changed = { ...sources, 'domain/stock': 'v2' };
    const states: string[] = [];
    const second = await world.publish({
      as: 'main',
      commit: world.commit('second'),
      sources: changed,
      builder,
      onEvent: (event) => {
        if (event.type === 'item') states.push(`${event.item} ${event.state}`);
      },
    });
    expect(states[0]).toBe('domain/stock planned');
    expect(states.filter((state) => state.endsWith(' tagged'))).toHaveLength(3);
    expect(actions(second)).toEqual(['reused', 'built', 'reused']);
    expect(builder.built).toEqual(['domain/stock']);
    expect(second.report.components[0]?.digest).toBe(first.report.components[0]?.digest);
    expect(second.report.channel.moved).toBe(true);
    expect(violations).toEqual([]);
    expect(await brokenPromises(world)).toEqual([]);
  });

  it('is not built by main from a cache that a pull request may have written, whatever config was read', async () => {
    const world = new PublishWorld();
    const from = ['type=registry,ref=cache.example/main'];
    const builder = createLayoutBuilder();
    const publish = (as: 'main' | 'pull-request', caches: PublishAttempt['caches']) =>
      world.publish({ as, commit: world.commit(as), sources, builder, ...(caches ? { caches } : {}) });
    await expect(publish('main', { from })).rejects.toMatchObject({ code: 'cache-untrusted', exit: 2 });
    const below = { from: ['type=registry,ref=127.0.0.1:5000/acme/cache'], writers: 'trusted' as const };
    await expect(publish('main', below)).rejects.toMatchObject({ code: 'cache-untrusted', exit: 2 });
    expect(builder.built).toEqual([]);
    expect(await world.inspect('domain/orders', world.commits[0] ?? '')).toBe('absent');
    expect(actions(await publish('main', { from, writers: 'trusted' }))).toEqual(all('built'));
  });

  it.each([
    ['the config does not say', undefined, 2],
    ['the config says 1', 1, 1],
    ['the config says 6', 6, 6],
  ])('is built as many components at a time as where %s', async (_name, parallel, expected) => {
    const world = new PublishWorld();
    const [many, commit] = [
      Array.from({ length: 7 }, (_, index) => `domain/c${index}`),
      world.commit('first'),
    ];
    let [now, most] = [0, 0];
    const builder = createLayoutBuilder({
      onBuild: async () => {
        most = Math.max(most, ++now);
        while (most < expected) await setTimeout(5);
        // For what must not begin.
        await setTimeout(50);
        now--;
      },
    });
    const published = await world.publish({
      as: 'main',
      commit,
      sources: Object.fromEntries(many.map((id) => [id, 'v1'])),
      builder,
      ...(parallel === undefined ? {} : { parallel }),
    });
    expect(actions(published)).toEqual(many.map(() => 'built'));
    expect(most).toBe(expected);
  });

  it('is found again by its inputs after a revert, on another branch, without any record', async () => {
    const world = new PublishWorld();
    await world.publish({ as: 'main', commit: world.commit('first'), sources });
    await world.publish({
      as: 'main',
      commit: world.commit('change'),
      sources: { ...sources, 'domain/stock': 'v2' },
    });
    const builder = createLayoutBuilder();
    const reverted = await world.publish({ as: 'main', commit: world.commit('revert'), sources, builder });
    world.registry.deleteTag(world.releases, 'main');
    const elsewhere = await world.publish({
      as: 'main',
      branch: 'release',
      commit: world.commit('branch'),
      sources,
      builder,
    });
    expect(builder.built).toEqual([]);
    expect(actions(reverted)).toEqual(all('reused'));
    expect(actions(elsewhere)).toEqual(all('reused'));
    expect(elsewhere.report.channel.moved).toBe(false);
  });

  it('that was published is asked about once per component and left as it is', async () => {
    const world = new PublishWorld();
    const commit = world.commit('first');
    await world.publish({ as: 'main', commit, sources });
    const before = world.registry.operations.length;
    expect(actions(await world.publish({ as: 'main', commit, sources }))).toEqual(all('already-published'));
    const asked = world.registry.operations.slice(before);
    expect(asked.filter(({ repository }) => repository !== world.releases).map(({ name }) => name)).toEqual(
      all('headManifest'),
    );
    expect(asked.some(({ name }) => name === 'putManifest')).toBe(false);
  });

  it('has no tag and no record as long as one component fails; the others are sealed and not built again', async () => {
    const world = new PublishWorld();
    const commit = world.commit('first');
    const failing = createLayoutBuilder({
      onBuild: (component) => {
        if (component === 'domain/stock')
          throw new PrimitiveError('build-failed', 'exit 1', { why: 'no', exit: 1 });
      },
    });
    const failed = await world.publish({ as: 'main', commit, sources, builder: failing });
    expect(actions(failed)).toEqual(['built', 'failed', 'built']);
    expect(failed.report.release).toBeUndefined();
    for (const id of ids) expect(world.registry.tags(world.repository(id))).not.toHaveProperty(commit);
    const builder = createLayoutBuilder();
    const again = await world.publish({ as: 'main', commit, sources, builder });
    expect(builder.built).toEqual(['domain/stock']);
    expect(actions(again)).toEqual(['reused', 'built', 'reused']);
    expect(await brokenPromises(world)).toEqual([]);
  });

  it('has no image of other platforms than the config names', async () => {
    const world = new PublishWorld();
    const right = createLayoutBuilder();
    const platforms = [{ os: 'linux', architecture: 's390x' }];
    const builder = { ...right, build: (request: BuildRequest) => right.build({ ...request, platforms }) };
    const { report } = await world.publish({ as: 'main', commit: world.commit('first'), sources, builder });
    expect(report.components[0]?.error).toMatchObject({
      code: 'build-platform-missing',
      why: 'It was asked for linux/amd64, linux/arm64 and made linux/s390x.',
    });
    expect(report.components[0]?.digest).toBeUndefined();
  });

  it('shows a failure that nobody foresaw as the bug of ours that it is', async () => {
    const world = new PublishWorld();
    const builder = createLayoutBuilder({
      onBuild: (component) => {
        if (component === 'domain/stock') throw new TypeError('x is undefined');
      },
    });
    const published = await world.publish({ as: 'main', commit: world.commit('first'), sources, builder });
    expect(published.report.components[1]).toMatchObject({
      action: 'failed',
      error: {
        code: 'internal-error',
        why: expect.stringMatching(/bug in primitive.*TypeError/),
        retryable: false,
      },
    });
    expect(publishOutcome(published).exit).toBe(70);
  });

  it('with --keep-going tags what is sealed and writes no record', async () => {
    const world = new PublishWorld();
    const commit = world.commit('first');
    const builder = createLayoutBuilder({
      onBuild: (component) => {
        if (component === 'domain/stock') throw new PrimitiveError('build-failed', 'exit 1', { exit: 1 });
      },
    });
    const { report } = await world.publish({ as: 'main', commit, sources, builder, keepGoing: true });
    expect(report.components.map(({ tags }) => tags.length)).toEqual([1, 0, 1]);
    expect(report.release).toBeUndefined();
    expect(world.registry.tags(world.releases)).toEqual({});
  });

  it('sealed by a matrix with --seal-only is tagged by one last plain publish that builds nothing', async () => {
    const world = new PublishWorld();
    const commit = world.commit('first');
    await Promise.all(
      ids.map((id) => world.publish({ as: 'main', commit, sources, select: [id], sealOnly: true })),
    );
    expect(
      ids
        .flatMap((id) => Object.keys(world.registry.tags(world.repository(id))))
        .every((tag) => tag.startsWith('in-')),
    ).toBe(true);
    const builder = createLayoutBuilder();
    const last = await world.publish({ as: 'main', commit, sources, builder });
    expect(builder.built).toEqual([]);
    expect(last.report.release).toBeDefined();
    expect(await brokenPromises(world)).toEqual([]);
  });

  it('gets every tag that the config asks for', async () => {
    const world = new PublishWorld();
    const commit = world.commit('first');
    const { report } = await world.publish({ as: 'main', commit, sources, tags: ['main-{sha}'] });
    expect(report.components[0]?.tags).toEqual([commit, `main-${commit}`]);
  });
});

describe('the further tags of a commit', () => {
  it('name what the commit names, also where they named an equal image before', async () => {
    const world = new PublishWorld();
    const commit = world.commit('first');
    await world.publish({ as: 'main', commit, sources, tags: ['main-{sha}'] });
    const repository = world.repository('domain/orders');
    for (const tag of Object.keys(world.registry.tags(repository)))
      if (!tag.startsWith('main-')) world.registry.deleteTag(repository, tag);
    for (const tag of [commit, 'main']) world.registry.deleteTag(world.releases, tag);
    const builder = createLayoutBuilder({ salt: 'other' });
    await world.publish({ as: 'main', commit: world.commit('second'), sources, builder });
    const { report } = await world.publish({ as: 'main', commit, sources, tags: ['main-{sha}'] });
    expect(report.components[0]).toMatchObject({ action: 'reused', tags: [commit, `main-${commit}`] });
    const tags = world.registry.tags(repository);
    expect(tags[`main-${commit}`]).toBe(tags[commit]);
  });

  it('are told as far as they were written when one fails', async () => {
    const world = new PublishWorld();
    const commit = world.commit('first');
    const stock = world.repository('domain/stock');
    world.registry.hook(({ name, repository, reference }) =>
      name === 'putManifest' && repository === stock && reference === `main-${commit}`
        ? new PrimitiveError('registry-failed', 'It answers 503', { exit: 3 })
        : undefined,
    );
    const { report } = await world.publish({ as: 'main', commit, sources, tags: ['main-{sha}'] });
    const failed = report.components.find(({ name }) => name === 'stock');
    expect(failed).toMatchObject({
      action: 'failed',
      tags: [commit],
      digest: world.registry.tags(stock)[commit],
    });
    expect(report.release).toBeUndefined();
    expect(await brokenPromises(world)).toEqual([]);
  });
});

describe('before anything is built', () => {
  it('all repositories that refuse a push are named', async () => {
    const world = new PublishWorld();
    const refusing = new Set<string>([world.repository('domain/orders'), world.releases]);
    world.registry.hook(({ name, repository }) =>
      name === 'checkPush' && refusing.has(repository)
        ? new PrimitiveError('registry-denied', `${repository} may not be pushed to`, { exit: 3 })
        : undefined,
    );
    const builder = createLayoutBuilder();
    await expect(
      world.publish({ as: 'main', commit: world.commit('first'), sources, builder }),
    ).rejects.toMatchObject({
      code: 'registry-denied',
      exit: 3,
      why: [...refusing].map((repository) => `${repository} may not be pushed to`).join('\n'),
    });
    expect(builder.built).toEqual([]);
  });

  it('history is asked only by who may move the channel', async () => {
    const world = new PublishWorld();
    await world.publish({ as: 'main', commit: world.commit('first'), sources });
    // Not among the commits of the world: no telling whether it follows.
    const commit = '0'.repeat(40);
    await expect(world.publish({ as: 'main', commit, sources })).rejects.toMatchObject({
      code: 'channel-undecidable',
    });
    expect(world.deepened).toBe(1);
    await world.publish({ as: 'main', commit, sources, sealOnly: true });
    await world.publish({ as: 'main', commit, sources, select: ['domain/orders'], keepGoing: true });
    await world.publish({ as: 'main', commit, sources, branch: 'release' });
    await world.publish({ as: 'pull-request', commit, sources });
    expect(world.deepened).toBe(1);
  });
});

describe('trust', () => {
  it('keeps what a pull request built out of main', async () => {
    const world = new PublishWorld();
    const proposed = world.commit('proposed');
    await world.publish({ as: 'pull-request', commit: proposed, sources });
    const builder = createLayoutBuilder({ salt: 'main' });
    const main = await world.publish({ as: 'main', commit: world.commit('merged'), sources, builder });
    expect(actions(main)).toEqual(all('built'));
    expect(main.report.components[0]?.reason).toMatch(/does not count/);
  });

  it('lets a pull request reuse what it sealed itself, and nothing that another one did', async () => {
    const world = new PublishWorld();
    await world.publish({ as: 'pull-request', commit: world.commit('proposed'), sources });
    const again = { as: 'pull-request', commit: world.commit('amended'), sources } as const;
    expect(actions(await world.publish(again))).toEqual(all('reused'));
    const other = { as: 'other-pull-request', commit: world.commit('other'), sources } as const;
    expect(actions(await world.publish(other))).toEqual(all('built'));
  });

  it('does not let the record of another pull request vouch for images', async () => {
    const world = new PublishWorld();
    const commit = world.commit('shared');
    await world.publish({ as: 'pull-request', commit, sources });
    world.registry.deleteTag(world.repository('domain/orders'), commit);
    const { plan } = await world.publish({ as: 'other-pull-request', commit, sources, sealOnly: true });
    expect(plan.components.map(({ action }) => action)).toEqual(['build', 'keep', 'keep']);
  });

  it('lets a pull request reuse what main sealed', async () => {
    const world = new PublishWorld();
    await world.publish({ as: 'main', commit: world.commit('main'), sources });
    const builder = createLayoutBuilder();
    const proposed = await world.publish({
      as: 'pull-request',
      commit: world.commit('proposed'),
      sources,
      builder,
    });
    expect(builder.built).toEqual([]);
    expect(proposed.report.channel.moved).toBe(false);
  });

  it('does not count what a stranger sealed', async () => {
    const world = new PublishWorld();
    const commit = world.commit('first');
    const theirs = await world.publish({ as: 'stranger', commit, sources, sealOnly: true });
    expect(actions(theirs)).toEqual(all('built'));
    expect(actions(await world.publish({ as: 'main', commit, sources }))).toEqual(all('built'));
  });

  it('does not attach what another signer than the one that was announced has signed', async () => {
    const world = new PublishWorld();
    const commit = world.commit('first');
    await expect(
      world.publish({ as: 'pull-request', signedBy: 'stranger', commit, sources }),
    ).resolves.toMatchObject({
      report: { components: ids.map(() => ({ action: 'failed', error: { code: 'seal-bundle-refused' } })) },
    });
    for (const id of ids) expect(world.registry.tags(world.repository(id))).toEqual({});
  });

  it.each<[string, PublishAttempt['as'], string]>([
    ['replaces a squatted tag', 'main', 'superseded'],
    ['leaves a squatted tag alone and says so', 'pull-request', 'failed'],
  ])('%s (%s)', async (_case, as, action) => {
    const world = new PublishWorld();
    const commit = world.commit('first');
    squat(world, 'domain/orders', commit);
    const { report } = await world.publish({ as, commit, sources });
    expect(report.components[0]).toMatchObject({ action });
    if (action === 'superseded')
      expect(world.foreign.has(report.components[0]?.superseded ?? 'sha256:')).toBe(true);
    else expect(report.components[0]?.error?.code).toBe('tag-conflict');
    expect(await brokenPromises(world)).toEqual([]);
  });

  it('lets main replace what a pull request published under the same commit, record included', async () => {
    const world = new PublishWorld();
    const commit = world.commit('fast-forwarded');
    await world.publish({ as: 'pull-request', commit, sources });
    const builder = createLayoutBuilder({ salt: 'main' });
    const { report } = await world.publish({ as: 'main', commit, sources, builder });
    expect(report.components.map(({ action }) => action)).toEqual(all('superseded'));
    expect(await world.record(commit)).toMatchObject({ state: 'found', tier: 'trusted' });
    expect(await brokenPromises(world)).toEqual([]);
  });

  it('lets an equal pull request adopt what another one published under the same commit', async () => {
    const world = new PublishWorld();
    const commit = world.commit('shared');
    await world.publish({ as: 'pull-request', commit, sources });
    const other = await world.publish({ as: 'other-pull-request', commit, sources });
    expect(actions(other)).toEqual(all('already-published'));
  });

  it('puts a tag back where the release record wants it', async () => {
    const world = new PublishWorld();
    const commit = world.commit('first');
    const first = await world.publish({ as: 'main', commit, sources });
    const changed = { ...sources, 'domain/orders': 'v2' };
    const second = await world.publish({ as: 'main', commit: world.commit('second'), sources: changed });
    const repository = world.repository('domain/orders');
    const other = await world.registry.getManifest(repository, digestOf(second.report, 'digest'));
    if (other) world.registry.putForeign(repository, commit, other);
    await expect(world.publish({ as: 'pull-request', commit, sources })).rejects.toMatchObject({
      code: 'release-conflict',
      why: expect.stringContaining(
        'domain/orders: the tag of this commit names a sealed image of other inputs',
      ),
    });
    const { report } = await world.publish({ as: 'main', commit, sources });
    expect(report.components.map(({ action }) => action)).toEqual([
      'superseded',
      'already-published',
      'already-published',
    ]);
    expect(report.components[0]).toMatchObject({
      digest: digestOf(first.report, 'digest'),
      superseded: digestOf(second.report, 'digest'),
    });
    expect(await brokenPromises(world)).toEqual([]);
  });

  it('does not tag a part of the components against the release record', async () => {
    const world = new PublishWorld();
    const commit = world.commit('first');
    const { report } = await world.publish({ as: 'main', commit, sources });
    world.registry.deleteManifest(world.repository('domain/orders'), digestOf(report, 'digest'));
    const builder = createLayoutBuilder({ salt: 'other' });
    const part = {
      as: 'main',
      commit,
      sources,
      select: ['domain/orders'],
      keepGoing: true,
      builder,
    } as const;
    await expect(world.publish(part)).rejects.toMatchObject({
      code: 'release-conflict',
      why: expect.stringContaining('the released image is not intact'),
    });
    expect(builder.built).toEqual([]);
  });

  it('never replaces what a trusted signer sealed under a commit, also with other inputs', async () => {
    const world = new PublishWorld();
    const commit = world.commit('first');
    await world.publish({ as: 'main', commit, sources });
    for (const as of ['main', 'pull-request'] as const) {
      await expect(
        world.publish({ as, commit, sources: { ...sources, 'domain/orders': 'tampered' } }),
      ).rejects.toMatchObject({
        code: 'release-conflict',
      });
    }
    expect(await brokenPromises(world)).toEqual([]);
  });
});

describe('a baseline', () => {
  it.each<[string, (world: PublishWorld, published: Published) => void]>([
    [
      'is deleted',
      (world, { report }) =>
        world.registry.deleteManifest(world.repository('domain/orders'), digestOf(report, 'digest')),
    ],
    [
      'lost its signature',
      (world, { report }) =>
        world.registry.deleteManifest(world.repository('domain/orders'), digestOf(report, 'signature')),
    ],
    [
      'lost its provenance',
      (world, { report }) =>
        world.registry.deleteManifest(world.repository('domain/orders'), digestOf(report, 'provenance')),
    ],
    [
      'lost an SBOM',
      (world, { report }) =>
        world.registry.deleteManifest(
          world.repository('domain/orders'),
          report.components[0]?.sbom?.[0]?.digest ?? 'sha256:',
        ),
    ],
  ])('that %s is built anew', async (_case, damage) => {
    const world = new PublishWorld();
    damage(world, await world.publish({ as: 'main', commit: world.commit('first'), sources }));
    const next = await world.publish({ as: 'main', commit: world.commit('second'), sources });
    expect(actions(next)).toEqual(['built', 'reused', 'reused']);
    expect(next.report.components[0]?.digest).toBeDefined();
  });

  it('that is deleted between plan and execute fails, retryable, and the next run builds it', async () => {
    const world = new PublishWorld();
    const first = await world.publish({ as: 'main', commit: world.commit('first'), sources });
    const commit = world.commit('second');
    const repository = world.repository('domain/orders');
    const changed = { ...sources, 'domain/stock': 'v2' };
    const raced = await world.publish({
      as: 'main',
      commit,
      sources: changed,
      onEvent: (event) => {
        if (event.type === 'step' && event.step === 'plan')
          world.registry.deleteManifest(repository, digestOf(first.report, 'digest'));
      },
    });
    expect(raced.report.components[0]).toMatchObject({
      action: 'failed',
      error: { code: 'baseline-gone', retryable: true },
    });
    expect(raced.report.release).toBeUndefined();
    const again = await world.publish({ as: 'main', commit, sources: changed });
    expect(actions(again)).toEqual(['built', 'reused', 'reused']);
  });
});

describe('the channel', () => {
  it('stays when an old commit is published again after newer ones', async () => {
    const world = new PublishWorld();
    const first = world.commit('first');
    await world.publish({ as: 'main', commit: first, sources });
    const second = world.commit('second');
    await world.publish({ as: 'main', commit: second, sources: { ...sources, 'domain/stock': 'v2' } });
    const old = await world.publish({ as: 'main', commit: first, sources });
    expect(old.report.channel).toMatchObject({ moved: false, from: second });
    expect(await world.record('main')).toMatchObject({ record: { commit: second } });
  });

  it('ends at the newer of two commits that main publishes at once', async () => {
    const world = new PublishWorld();
    const [first, second] = [world.commit('first'), world.commit('second')];
    await Promise.all([
      world.publish({ as: 'main', commit: first, sources }),
      world.publish({ as: 'main', commit: second, sources: { ...sources, 'domain/stock': 'v2' } }),
    ]);
    expect(await brokenPromises(world)).toEqual([]);
    await world.publish({ as: 'main', commit: first, sources });
    expect(await world.record('main')).toMatchObject({ record: { commit: second } });
  });
});

describe('an abort', { timeout: 300_000 }, () => {
  it('at any request is told as such, and nothing goes on after it', async () => {
    const reason = new PrimitiveError('interrupted', 'Stopped.', { exit: 130, retryable: true });
    const two = { 'domain/orders': 'v1', 'domain/stock': 'v1' };
    for (const index of partOf(EVERY, 2)) {
      const world = new PublishWorld();
      const controller = new AbortController();
      let reached = false;
      world.registry.hook(async (operation) => {
        for (let wait = operation.index % 4; wait > 0; wait--)
          await new Promise((resolve) => setImmediate(resolve));
        if (operation.index === index) {
          reached = true;
          controller.abort(reason);
        }
        // As a client does whose requests have the signal.
        return controller.signal.aborted ? reason : undefined;
      });
      const attempt = {
        as: 'main',
        commit: world.commit('first'),
        sources: two,
        signal: controller.signal,
      } as const;
      const ended = await world.publish(attempt).then(
        () => 'done',
        (error: unknown) => error,
      );
      expect.soft({ index, ended }).toEqual({ index, ended: reached ? reason : 'done' });
      const asked = world.registry.operations.length;
      for (let wait = 30; wait > 0; wait--) await new Promise((resolve) => setImmediate(resolve));
      expect.soft({ index, after: world.registry.operations.slice(asked) }).toEqual({ index, after: [] });
      if (!reached) break;
    }
  });
});

const failure: Fault = new PrimitiveError('registry-failed', '500', { exit: 3, retryable: true });

describe.each(['referrers API', 'fallback index'])('with the %s', { timeout: 300_000 }, (api) => {
  const referrersApi = api === 'referrers API';

  it.each<[string, Fault]>([
    ['fails', failure],
    ['answers with what was there before', 'stale'],
    ['loses a write', 'lost'],
  ])(
    'holds when any single operation %s, and ends in the same state when run again',
    async (_case, fault) => {
      const two = { 'domain/orders': 'v1', 'domain/stock': 'v1' };
      let reached = false;
      for (const index of partOf(EVERY, 4)) {
        const world = new PublishWorld({ referrersApi });
        const commit = world.commit('first');
        reached = false;
        const violations = watchTags(world, (operation) => {
          if (operation.index !== index) return undefined;
          reached = true;
          return fault;
        });
        await world.publish({ as: 'main', commit, sources: two }).catch(expectKnown);
        if (!reached) {
          expect(index).toBeGreaterThan(60);
          break;
        }
        world.registry.hook(undefined);
        const promisesAfterFault = fault === 'lost' ? [] : await brokenPromises(world);
        const { report } = await world.publish({ as: 'main', commit, sources: two });
        expect
          .soft({ index, violations, promisesAfterFault })
          .toEqual({ index, violations: [], promisesAfterFault: [] });
        expect
          .soft({ index, failed: report.components.filter(({ action }) => action === 'failed') })
          .toEqual({ index, failed: [] });
        expect.soft({ index, broken: await brokenPromises(world) }).toEqual({ index, broken: [] });
        expect.soft(await world.record('main')).toMatchObject({ state: 'found', record: { commit } });
      }
      expect(reached, 'an operation that there is not was reached').toBe(false);
    },
  );

  it('converges when two publishers of one commit meet, in any order', async () => {
    for (const seed of seeds(10)) {
      const world = new PublishWorld({ referrersApi });
      const commit = world.commit('first');
      let state = seed;
      world.registry.hook(async () => {
        state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
        for (let wait = (state >>> 8) % 6; wait > 0; wait--)
          await new Promise((resolve) => setImmediate(resolve));
        return undefined;
      });
      const runs = await Promise.allSettled(
        ['a', 'b'].map((salt) =>
          world.publish({ as: 'main', commit, sources, builder: createLayoutBuilder({ salt }) }),
        ),
      );
      for (const run of runs) if (run.status === 'rejected') expectKnown(run.reason);
      world.registry.hook(undefined);
      expect.soft({ seed, met: await brokenPromises(world) }).toEqual({ seed, met: [] });
      const after = await world.publish({ as: 'main', commit, sources });
      expect
        .soft({ seed, failed: after.report.components.filter(({ action }) => action === 'failed') })
        .toEqual({ seed, failed: [] });
      expect.soft({ seed, broken: await brokenPromises(world) }).toEqual({ seed, broken: [] });
    }
  });

  it('is resumed after an abort at any event: same end state, nothing built that was sealed', async () => {
    for (const stop of partOf(EVERY, 2)) {
      const world = new PublishWorld({ referrersApi });
      const commit = world.commit('first');
      const controller = new AbortController();
      let seen = 0;
      const sealed = new Set<string>();
      const run = world.publish({
        as: 'main',
        commit,
        sources,
        signal: controller.signal,
        onEvent: (event) => {
          if (controller.signal.aborted) return;
          if (event.type === 'item' && event.state === 'sealed') sealed.add(event.item);
          if (++seen === stop)
            controller.abort(new PrimitiveError('interrupted', 'Interrupted.', { exit: 130 }));
        },
      });
      const ended = await run.then(() => 'done', expectKnown);
      expect.soft({ stop, broken: await brokenPromises(world) }).toEqual({ stop, broken: [] });
      const builder = createLayoutBuilder();
      await world.publish({ as: 'main', commit, sources, builder });
      expect
        .soft({ stop, rebuilt: builder.built.filter((id) => sealed.has(id)) })
        .toEqual({ stop, rebuilt: [] });
      expect.soft({ stop, broken: await brokenPromises(world) }).toEqual({ stop, broken: [] });
      expect.soft(await world.record('main')).toMatchObject({ state: 'found', record: { commit } });
      if (ended === 'done' && seen < stop) break;
    }
  });
});

/** Every failure is one that the product speaks of. */
function expectKnown(error: unknown): void {
  expect(error).toBeInstanceOf(PrimitiveError);
}

function digestOf(report: Published['report'], part: 'digest' | 'signature' | 'provenance') {
  const digest = report.components[0]?.[part];
  if (!digest) throw new Error(`no ${part}`);
  return digest;
}
