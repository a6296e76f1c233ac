import { describe, expect, it } from 'vitest';
import type { Digest } from '../../../src/core/digest.ts';
import type { Event } from '../../../src/core/events.ts';
import { encodeManifest, parseManifest } from '../../../src/oci/manifest.ts';
import { MEDIA_TYPE } from '../../../src/oci/media-types.ts';
import { brokenPromises } from '../../support/invariants.ts';
import { createLayoutBuilder } from '../../support/layout-builder.ts';
import type { Operation } from '../../support/memory-registry.ts';
import { type PublishAttempt, type Published, PublishWorld } from '../../support/publish-world.ts';
import { seeds } from '../../support/sample.ts';

const sources = { 'domain/orders': 'v1', 'domain/stock': 'v1' };
const ids = Object.keys(sources);
const ORDERS = 'domain/orders';

const actions = ({ report }: Published) => report.components.map(({ action }) => action);
const all = (action: string) => ids.map(() => action);
const tagsOf = (world: PublishWorld, tag: string) =>
  ids.map((id) => world.registry.tags(world.repository(id))[tag]);

/** Main seals and tags one component of a commit, with an image of its own, and writes no record yet. */
function mainTagsOrders(world: PublishWorld, commit: string): Promise<Published> {
  const builder = createLayoutBuilder({ salt: 'main' });
  return world.publish({ as: 'main', commit, sources, select: [ORDERS], keepGoing: true, builder });
}

/** Puts an index of the same platforms under a digest that nobody has sealed. */
async function unsealed(world: PublishWorld, digest: Digest): Promise<Digest> {
  const repository = world.repository(ORDERS);
  const manifest = await world.registry.getManifest(repository, digest);
  const parsed = manifest && parseManifest(manifest);
  if (parsed?.type !== 'index') throw new Error('there is no such image');
  const copy = encodeManifest(MEDIA_TYPE.ociIndex, {
    manifests: parsed.manifests,
    annotations: { by: 'nobody' },
  });
  world.registry.putForeign(repository, copy.digest, copy);
  return copy.digest;
}

/** Publishes, and lets `meanwhile` happen right before the first operation that `when` picks; it must come to that. */
async function interrupted(
  world: PublishWorld,
  attempt: PublishAttempt,
  when: (operation: Operation) => boolean,
  meanwhile: () => Promise<unknown>,
): Promise<Published> {
  let happened = false;
  world.registry.hook(async (operation) => {
    if (happened || !when(operation)) return undefined;
    happened = true;
    await meanwhile();
    return undefined;
  });
  try {
    return await world.publish(attempt);
  } finally {
    world.registry.hook(undefined);
    expect(happened).toBe(true);
  }
}

/** Waits for fewer than so many turns of the event loop; the same seed gives the same sequence. */
function seededPause(seed: number): (atMost: number) => Promise<undefined> {
  let state = seed;
  return async (atMost) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    for (let wait = (state >>> 8) % atMost; wait > 0; wait--)
      await new Promise((resolve) => setImmediate(resolve));
    return undefined;
  };
}

describe('an accepted run', () => {
  /** All tags are written, the record is signed and about to be. */
  const beforeRecord =
    (world: PublishWorld, commit: string) =>
    ({ name, repository, reference }: Operation) =>
      name === 'headManifest' && repository === world.releases && reference === commit;

  it('leaves a tag alone that main took in the meantime, and says so; main then has the last word', async () => {
    const world = new PublishWorld();
    const commit = world.commit('fast-forwarded');
    let taken: Digest | undefined;
    const run = interrupted(
      world,
      { as: 'pull-request', commit, sources },
      beforeRecord(world, commit),
      async () => {
        taken = (await mainTagsOrders(world, commit)).report.components[0]?.digest;
      },
    );
    await expect(run).rejects.toMatchObject({ code: 'tag-conflict', exit: 1, retryable: true });
    expect(taken).toBeDefined();
    expect(tagsOf(world, commit)[0]).toBe(taken);
    await world.publish({ as: 'main', commit, sources, builder: createLayoutBuilder({ salt: 'main' }) });
    expect(await world.record(commit)).toMatchObject({ state: 'found', tier: 'trusted' });
    expect(await brokenPromises(world)).toEqual([]);
  });

  it('follows the release that main recorded in the meantime', async () => {
    const world = new PublishWorld();
    const commit = world.commit('fast-forwarded');
    const builder = createLayoutBuilder({ salt: 'main' });
    const run = await interrupted(
      world,
      { as: 'pull-request', commit, sources },
      beforeRecord(world, commit),
      () => world.publish({ as: 'main', commit, sources, builder }),
    );
    expect(actions(run)).toEqual(all('already-published'));
    expect(await world.record(commit)).toMatchObject({ tier: 'trusted' });
    expect(await brokenPromises(world)).toEqual([]);
  });

  it('looks again before it tags what it reuses, although nothing was built since', async () => {
    const world = new PublishWorld();
    await world.publish({ as: 'pull-request', commit: world.commit('proposed'), sources });
    const commit = world.commit('fast-forwarded');
    let planned = false;
    let taken: Digest | undefined;
    const onEvent = (event: Event) => {
      planned ||= event.type === 'step' && event.step === 'plan';
    };
    const { report } = await interrupted(
      world,
      { as: 'pull-request', commit, sources, select: [ORDERS], keepGoing: true, onEvent },
      () => planned,
      async () => {
        taken = (await mainTagsOrders(world, commit)).report.components[0]?.digest;
      },
    );
    expect(report.components[0]).toMatchObject({ action: 'already-published', digest: taken });
    expect(tagsOf(world, commit)[0]).toBe(taken);
  });

  it('does not take an image that is not sealed out of the record of another pull request', async () => {
    const world = new PublishWorld();
    const commit = world.commit('shared');
    const earlier = world.commit('earlier');
    await world.publish({ as: 'other-pull-request', commit: earlier, sources });
    const honest = await world.record(earlier);
    if (honest.state !== 'found') throw new Error('there is no record');
    const [orders, ...others] = honest.record.components;
    if (!orders) throw new Error('there is no component');
    const components = [{ ...orders, digest: await unsealed(world, orders.digest) }, ...others];
    const run = interrupted(world, { as: 'pull-request', commit, sources }, beforeRecord(world, commit), () =>
      world.putRecord('other-pull-request', { ...honest.record, commit, components }),
    );
    await expect(run).rejects.toMatchObject({ code: 'release-incomplete' });
    const state = await world.inspect(ORDERS, commit);
    expect(state).toMatchObject({ sealed: true });
  });
});

describe('the run after two pull requests met', () => {
  it('puts back the tags that one of them took from the record of the other before it was killed', async () => {
    const world = new PublishWorld();
    const repository = world.repository(ORDERS);
    const commit = world.commit('shared');
    const builder = createLayoutBuilder({ salt: 'other' });
    await world.publish({ as: 'other-pull-request', commit, sources, builder });
    const listed = tagsOf(world, commit);
    const earlier = world.commit('earlier');
    await world.publish({ as: 'pull-request', commit: earlier, sources });
    const taken = await world.registry.getManifest(repository, earlier);
    if (!taken || taken.digest === listed[0]) throw new Error('there is no other image');
    world.registry.putForeign(repository, commit, taken);
    const { report } = await world.publish({ as: 'other-pull-request', commit, sources });
    expect(report.components[0]).toMatchObject({ action: 'superseded', superseded: taken.digest });
    expect(tagsOf(world, commit)).toEqual(listed);
    const { plan } = await world.publish({ as: 'pull-request', commit, sources });
    expect(plan.record.action).toBe('keep');
    expect(await brokenPromises(world)).toEqual([]);
  });
});

describe('the input tag', () => {
  it('stays at what main sealed while a pull request was building the same inputs', async () => {
    const world = new PublishWorld();
    const merged = world.commit('merged');
    const builder = createLayoutBuilder({
      onBuild: async (component) => {
        if (component === ORDERS) await mainTagsOrders(world, merged);
      },
    });
    const { report } = await world.publish({
      as: 'pull-request',
      commit: world.commit('proposed'),
      sources,
      builder,
    });
    const pointed = await world.inspect(ORDERS, `in-${report.components[0]?.inputDigest}`);
    expect(pointed).toMatchObject({ sealed: true, image: { tier: 'trusted' } });
    expect(await brokenPromises(world)).toEqual([]);
  });
});

/** What another publisher of a commit stored, with other images, before it wrote its tags: the image of orders, the record. */
async function publishedElsewhere(world: PublishWorld, commit: string) {
  const builder = createLayoutBuilder({ salt: 'other' });
  const { report } = await world.publish({ as: 'main', commit, sources, builder });
  const image = await world.registry.getManifest(world.repository(ORDERS), commit);
  const record = await world.registry.getManifest(world.releases, commit);
  if (!image || !record) throw new Error('nothing was published');
  for (const where of [...ids.map((id) => world.repository(id)), world.releases]) {
    for (const tag of Object.keys(world.registry.tags(where))) world.registry.deleteTag(where, tag);
  }
  return { report, image, record };
}

describe('a run that meets another one', () => {
  it('lets all its tags follow the equal image that was first', async () => {
    const world = new PublishWorld();
    const commit = world.commit('first');
    const repository = world.repository(ORDERS);
    let written = false;
    const run = await interrupted(
      world,
      { as: 'main', commit, sources, tags: ['main-{sha}'] },
      ({ name, repository: where, reference }) => {
        if (where !== repository || reference !== commit) return false;
        written ||= name === 'putManifest';
        return written && name === 'headManifest';
      },
      async () => {
        for (const tag of Object.keys(world.registry.tags(repository)))
          world.registry.deleteTag(repository, tag);
        await mainTagsOrders(world, commit);
      },
    );
    expect(actions(run)).toEqual(['already-published', 'built']);
    expect(run.report.components[0]?.reason).toBe('another run published an equal image first');
    expect(tagsOf(world, `main-${commit}`)).toEqual(tagsOf(world, commit));
    expect(await brokenPromises(world)).toEqual([]);
  });

  it('writes no record where an image of an earlier attempt was deleted while the rest was built', async () => {
    const world = new PublishWorld();
    const commit = world.commit('first');
    const first = await mainTagsOrders(world, commit);
    const kept = first.report.components[0]?.digest ?? 'sha256:';
    const builder = createLayoutBuilder({
      onBuild: () => world.registry.deleteManifest(world.repository(ORDERS), kept),
    });
    const { report } = await world.publish({ as: 'main', commit, sources, builder });
    expect(report.components[0]).toMatchObject({ action: 'failed', error: { code: 'baseline-gone' } });
    expect(report.release).toBeUndefined();
    expect(await world.record(commit)).toEqual({ state: 'absent' });
    expect(actions(await world.publish({ as: 'main', commit, sources }))).toEqual(['built', 'reused']);
    expect(await brokenPromises(world)).toEqual([]);
  });

  it('follows the record that another run put there while it was putting tags back itself', async () => {
    const world = new PublishWorld();
    const commit = world.commit('first');
    const repository = world.repository(ORDERS);
    const { report, image, record } = await publishedElsewhere(world, commit);
    let puts = 0;
    world.registry.hook(({ name, repository: where, reference }) => {
      if (reference !== commit) return undefined;
      // The other run was about to write: its tag comes after ours was read back, its record after ours was.
      if (name === 'headManifest' && where === world.releases && puts === 1)
        world.registry.putForeign(repository, commit, image);
      if (name === 'putManifest' && where === repository && ++puts === 2)
        world.registry.putForeign(world.releases, commit, record);
      return undefined;
    });
    const run = await world.publish({ as: 'main', commit, sources });
    expect(puts).toBeGreaterThanOrEqual(2);
    world.registry.hook(undefined);
    expect(await brokenPromises(world)).toEqual([]);
    expect(run.report.release).toMatchObject({ digest: report.release?.digest, written: false });
    expect(run.report.components.map(({ digest }) => digest)).toEqual(
      report.components.map(({ digest }) => digest),
    );
  });

  it('follows the record that a slower run put there after this one had read its own back', async () => {
    const world = new PublishWorld();
    const commit = world.commit('first');
    const { report, record } = await publishedElsewhere(world, commit);
    let late = 0;
    world.registry.hook(({ name, repository, reference }) => {
      if (name === 'putManifest' && repository === world.releases && reference === 'main' && ++late === 1)
        world.registry.putForeign(world.releases, commit, record);
      return undefined;
    });
    const run = await world.publish({ as: 'main', commit, sources });
    world.registry.hook(undefined);
    expect(await brokenPromises(world)).toEqual([]);
    expect(run.report.release).toMatchObject({ digest: report.release?.digest, written: false });
    expect(run.report.components.map(({ digest }) => digest)).toEqual(
      report.components.map(({ digest }) => digest),
    );
    expect(world.registry.tags(world.releases).main).toBe(record.digest);
  });
});

describe('two runs of main that publish one commit at once', { timeout: 300_000 }, () => {
  it('end on one image of what they build, beside what they reuse', async () => {
    for (const seed of seeds(8)) {
      const world = new PublishWorld();
      await world.publish({ as: 'main', commit: world.commit('first'), sources });
      const commit = world.commit('second');
      const changed = { ...sources, 'domain/stock': 'v2' };
      const pause = seededPause(seed);
      world.registry.hook(() => pause(6));
      const runs = ['a', 'b'].map(async (salt) => {
        await pause(200);
        const builder = createLayoutBuilder({ salt });
        return world.publish({ as: 'main', commit, sources: changed, builder });
      });
      const [a, b] = (await Promise.all(runs)).map(({ report }) => report.components);
      world.registry.hook(undefined);
      expect.soft({ seed, b: b?.map(({ digest }) => digest) }).toEqual({
        seed,
        b: a?.map(({ digest }) => digest),
      });
      expect.soft({ seed, broken: await brokenPromises(world) }).toEqual({ seed, broken: [] });
    }
  });
});

describe('main and two pull requests that publish one commit at once', { timeout: 300_000 }, () => {
  it.each([['with the referrers API', true] as const, ['with the fallback index', false] as const])(
    'end with what main sealed, whatever the order (%s)',
    async (_case, referrersApi) => {
      for (const seed of seeds(5)) {
        const world = new PublishWorld({ referrersApi });
        const commit = world.commit('first');
        const pause = seededPause(seed);
        world.registry.hook(() => pause(8));
        const runs = (['main', 'pull-request', 'other-pull-request'] as const).map(async (as) => {
          await pause(400);
          return world.publish({ as, commit, sources, builder: createLayoutBuilder({ salt: as }) });
        });
        const [main, ...others] = await Promise.allSettled(runs);
        world.registry.hook(undefined);
        expect.soft({ seed, main: main?.status }).toEqual({ seed, main: 'fulfilled' });
        for (const other of others)
          if (other.status === 'rejected') expect.soft(other.reason.code).toMatch(/^(tag|release)-conflict$/);
        expect.soft({ seed, broken: await brokenPromises(world) }).toEqual({ seed, broken: [] });
        expect.soft(await world.record(commit)).toMatchObject({ state: 'found', tier: 'trusted' });
        for (const id of ids)
          expect
            .soft(await world.inspect(id, commit))
            .toMatchObject({ sealed: true, image: { tier: 'trusted' } });
      }
    },
  );
});
