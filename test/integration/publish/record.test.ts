import { describe, expect, it, vi } from 'vitest';
import { PrimitiveError } from '../../../src/core/errors.ts';
import { brokenPromises } from '../../support/invariants.ts';
import type { Operation } from '../../support/memory-registry.ts';
import { type Published, PublishWorld } from '../../support/publish-world.ts';

const sources = { 'domain/orders': 'v1', 'domain/stock': 'v1', 'process/billing': 'v1' };
const actions = ({ report }: Published) => report.components.map(({ action }) => action);

/** A world in which one commit is published, and the next one. */
async function published() {
  const world = new PublishWorld();
  await world.publish({ as: 'main', commit: world.commit('first'), sources });
  return { world, commit: world.commit('second') };
}

describe('the record of a commit', () => {
  const tagOf = (world: PublishWorld, id: string, commit: string) => (operation: Operation) =>
    operation.name === 'putManifest' &&
    operation.repository === world.repository(id) &&
    operation.reference === commit;

  it('is not written when a tag cannot be put, and is signed once when all are', async () => {
    const { world, commit } = await published();
    const sign = vi.spyOn(world.signers.main, 'sign');
    const refused = tagOf(world, 'domain/stock', commit);
    world.registry.hook((operation) =>
      refused(operation) ? new PrimitiveError('registry-denied', 'no', { exit: 3 }) : undefined,
    );
    const failed = await world.publish({ as: 'main', commit, sources });
    expect(actions(failed)).toEqual(['reused', 'failed', 'reused']);
    expect(failed.report.release).toBeUndefined();
    expect(await world.record(commit)).toEqual({ state: 'absent' });
    expect(failed.report.channel.moved).toBe(false);
    world.registry.hook(undefined);
    const again = await world.publish({ as: 'main', commit, sources });
    expect(again.report.release?.written).toBe(true);
    expect(sign).toHaveBeenCalledTimes(1);
    expect(await brokenPromises(world)).toEqual([]);
  });

  it('gets its tag after the last image has its own', async () => {
    const { world, commit } = await published();
    const puts: string[] = [];
    world.registry.hook(async ({ name, repository, reference }) => {
      if (name !== 'putManifest' || (reference !== commit && reference !== 'main')) return undefined;
      // As late as it can be: everything else has long been done.
      if (repository === world.repository('process/billing'))
        for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
      puts.push(`${repository.split('/').at(-1)}:${reference === commit ? 'commit' : reference}`);
      return undefined;
    });
    await world.publish({ as: 'main', commit, sources });
    expect(puts.slice(0, 3).sort()).toEqual([
      'domain-orders:commit',
      'domain-stock:commit',
      'process-billing:commit',
    ]);
    expect(puts.slice(3)).toEqual(['primitive-releases:commit', 'primitive-releases:main']);
  });

  it('that cannot be signed is not written', async () => {
    const { world, commit } = await published();
    const failure = new PrimitiveError('signing-failed', 'no', { exit: 3, retryable: true });
    const sign = vi.spyOn(world.signers.main, 'sign').mockRejectedValue(failure);
    await expect(world.publish({ as: 'main', commit, sources })).rejects.toMatchObject({
      code: 'signing-failed',
    });
    expect(await world.record(commit)).toEqual({ state: 'absent' });
    sign.mockRestore();
    expect((await world.publish({ as: 'main', commit, sources })).report.release?.written).toBe(true);
    expect(await brokenPromises(world)).toEqual([]);
  });
});

describe('the record of the channel', () => {
  it('vouches for nothing where only a pull request signed it', async () => {
    const { world, commit } = await published();
    const honest = await world.record('main');
    if (honest.state !== 'found') throw new Error('nothing was published');
    const billing = world.repository('process/billing');
    const [orders, stock, last] = honest.record.components;
    if (!orders || !stock || !last) throw new Error('components are missing');
    // The channel says that the inputs of billing are in an image that a pull request sealed.
    const proposed = world.commit('proposed');
    const changed = { ...sources, 'process/billing': 'evil' };
    const evil = await world.publish({ as: 'pull-request', commit: proposed, sources: changed });
    const digest = evil.report.components[2]?.digest;
    const entry = { ...last, digest: digest ?? last.digest };
    expect(entry.digest).not.toBe(last.digest);
    await world.putRecord('pull-request', {
      ...honest.record,
      commit: proposed,
      components: [orders, stock, entry],
    });
    const forged = await world.registry.getManifest(world.releases, proposed);
    if (!forged) throw new Error('the forged record is not there');
    world.registry.putForeign(world.releases, 'main', forged);
    const run = await world.publish({ as: 'main', commit, sources });
    expect(actions(run)).toEqual(['reused', 'reused', 'reused']);
    expect(world.registry.tags(billing)[commit]).toBe(last.digest);
  });
});
