import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createProcesses } from '../../../src/adapters/process.ts';
import { createRegistryClient } from '../../../src/oci/client.ts';
import { PublishWorld } from '../../support/publish-world.ts';
import { answerInRounds } from '../../support/rounds.ts';
import { type DelayProxy, startDelayProxy } from '../../support/services/delay-proxy.ts';
import { type Distribution, startDistribution } from '../../support/services/distribution.ts';

// What a publish costs on a distant registry: kept, so that it is raised knowingly or not at all.

const sources = { 'domain/orders': 'v1', 'domain/stock': 'v1', 'process/billing': 'v1' };
const ids = Object.keys(sources);

describe('questions that wait for the answer to another', () => {
  it('of a publish without changes are few', async () => {
    const world = new PublishWorld();
    await world.publish({ as: 'main', commit: world.commit('first'), sources });
    const rounds = answerInRounds(world.registry);
    let planned = 0;
    const { report } = await world.publish({
      as: 'main',
      commit: world.commit('second'),
      sources,
      onEvent: (event) => {
        if (event.type === 'step' && event.step === 'plan') planned = rounds.length;
      },
    });
    expect(report.components.map(({ action }) => action)).toEqual(['reused', 'reused', 'reused']);
    expect(report.channel.moved).toBe(true);
    // The record and what the tags name, its content and what signs it, that bundle's manifest, its content; then what the
    // record lists, the platforms of that.
    expect(planned).toBe(6);
    const puts = rounds.findIndex((round) =>
      round.some(({ name, repository }) => name === 'putManifest' && repository !== world.releases),
    );
    expect(puts, 'all tags are put in the round after the trial upload').toBe(planned + 1);
    expect(rounds).toHaveLength(21);
  });

  it('do not wait for what is asked for other components', async () => {
    const world = new PublishWorld();
    await world.publish({ as: 'main', commit: world.commit('first'), sources });
    const commit = world.commit('second');
    const read = Promise.withResolvers<void>();
    world.registry.hook(async ({ name, repository, reference }) => {
      if (repository === world.repository('domain/stock') && name === 'getManifest') read.resolve();
      const isFirst = repository === world.repository('domain/orders') && reference === commit;
      if (isFirst && name === 'headManifest') await read.promise;
      return undefined;
    });
    const { report } = await world.publish({ as: 'main', commit, sources });
    expect(report.components.map(({ action }) => action)).toEqual(['reused', 'reused', 'reused']);
  });

  it('of a commit that was published are four', async () => {
    const world = new PublishWorld();
    const commit = world.commit('first');
    await world.publish({ as: 'main', commit, sources });
    const rounds = answerInRounds(world.registry);
    const { report } = await world.publish({ as: 'main', commit, sources });
    expect(report.components.map(({ action }) => action)).toEqual(ids.map(() => 'already-published'));
    expect(rounds).toHaveLength(4);
  });
});

describe('requests to a registry without the referrers API', () => {
  let distribution: Distribution;
  let proxy: DelayProxy;

  beforeAll(async () => {
    distribution = await startDistribution();
    proxy = await startDelayProxy({ target: distribution.url });
  });

  afterAll(async () => {
    await proxy?.stop();
    await distribution?.stop();
  });

  async function publish(world: PublishWorld, commit: string, of = sources) {
    const registry = createRegistryClient({
      processes: createProcesses({}),
      credentials: {},
      access: 'write',
    });
    proxy.reset();
    try {
      const { report } = await world.publish({ as: 'main', commit, sources: of, registry });
      return report.components.map(({ action }) => action);
    } finally {
      await registry.close();
    }
  }

  /** `PUT manifests/TAG`, sorted, of one repository. */
  function asked(image: string): string[] {
    const at = (path: string) => /^\/v2\/(.+?)\/((?:manifests|blobs|referrers)\/.*)$/.exec(path);
    return proxy.requests
      .flatMap(({ method, path }) => {
        const [, name, target = ''] = at(path) ?? [];
        return name?.endsWith(`/${image}`) ? [`${method} ${shape(target)}`] : [];
      })
      .sort();
  }

  it('are few for what has not changed', async () => {
    const world = new PublishWorld({ prefix: `${proxy.host}/acme` });
    await publish(world, world.commit('first'));
    expect(await publish(world, world.commit('second'))).toEqual(ids.map(() => 'reused'));
    // Everything waits for the first response, and most for what this one names.
    expect(proxy.requests[0]?.path).toMatch(/\/primitive-releases\/manifests\/main$/);
    for (const id of ids) {
      expect(asked(id.replace('/', '-'))).toEqual([
        'GET manifests/DIGEST',
        'GET manifests/INDEX',
        'HEAD manifests/COMMIT',
        // Its two platforms.
        'HEAD manifests/DIGEST',
        'HEAD manifests/DIGEST',
        'PUT manifests/COMMIT',
      ]);
    }
    expect(asked('primitive-releases')).toEqual([
      'DELETE blobs/uploads/SESSION',
      // The new record's layer and the bundle over it, read back, beside the two of the channel's record.
      'GET blobs/DIGEST',
      'GET blobs/DIGEST',
      'GET blobs/DIGEST',
      'GET blobs/DIGEST',
      'GET manifests/COMMIT',
      // The channel's bundle; the record before it is stored, and both manifests read back.
      'GET manifests/DIGEST',
      'GET manifests/DIGEST',
      'GET manifests/DIGEST',
      'GET manifests/DIGEST',
      // The channel's, the record's before it is stored, before and after merging, one to read back.
      'GET manifests/INDEX',
      'GET manifests/INDEX',
      'GET manifests/INDEX',
      'GET manifests/INDEX',
      'GET manifests/INDEX',
      'GET manifests/main',
      'GET referrers/DIGEST',
      'HEAD blobs/DIGEST',
      'HEAD manifests/COMMIT',
      'HEAD manifests/COMMIT',
      'HEAD manifests/main',
      'HEAD manifests/main',
      // A trial upload before anything else, the record, its bundle.
      'POST blobs/uploads/',
      'POST blobs/uploads/',
      'POST blobs/uploads/',
      'PUT blobs/uploads/SESSION',
      'PUT blobs/uploads/SESSION',
      'PUT manifests/COMMIT',
      'PUT manifests/DIGEST',
      'PUT manifests/DIGEST',
      'PUT manifests/INDEX',
      'PUT manifests/main',
    ]);
    const commit = world.commits.at(-1) ?? '';
    expect(await publish(world, commit)).toEqual(ids.map(() => 'already-published'));
    for (const id of ids) expect(asked(id.replace('/', '-'))).toEqual(['HEAD manifests/COMMIT']);
    expect(asked('primitive-releases')).toEqual([
      'GET blobs/DIGEST',
      'GET blobs/DIGEST',
      'GET manifests/COMMIT',
      'GET manifests/DIGEST',
      'GET manifests/INDEX',
      'GET manifests/main',
      'GET referrers/DIGEST',
    ]);
  });

  it('are two more for what is reused beside something that is built', async () => {
    const world = new PublishWorld({ prefix: `${proxy.host}/beside` });
    await publish(world, world.commit('first'));
    const changed = { ...sources, 'domain/stock': 'v2' };
    expect(await publish(world, world.commit('second'), changed)).toEqual(['reused', 'built', 'reused']);
    for (const image of ['domain-orders', 'process-billing']) {
      expect(asked(image)).toEqual([
        'GET manifests/DIGEST',
        'GET manifests/INDEX',
        // For the plan, and before the tag is written: a build takes its time.
        'HEAD manifests/COMMIT',
        'HEAD manifests/COMMIT',
        // Its two platforms for the plan; itself before the tag is written.
        'HEAD manifests/DIGEST',
        'HEAD manifests/DIGEST',
        'HEAD manifests/DIGEST',
        'PUT manifests/COMMIT',
      ]);
    }
  });
});

function shape(target: string): string {
  return target
    .replace(/sha256:[0-9a-f]{64}/g, 'DIGEST')
    .replace(/sha256-[0-9a-f]{64}/, 'INDEX')
    .replace(/\b[0-9a-f]{40}\b/, 'COMMIT')
    .replace(/uploads\/.+/, 'uploads/SESSION');
}
