import { describe, expect, it, vi } from 'vitest';
import { digestOf } from '../../../src/core/digest.ts';
import { PrimitiveError } from '../../../src/core/errors.ts';
import { brokenPromises } from '../../support/invariants.ts';
import type { Operation } from '../../support/memory-registry.ts';
import { PublishWorld } from '../../support/publish-world.ts';

const sources = { 'domain/orders': 'v1', 'domain/stock': 'v1' };

interface Statement {
  readonly predicateType: string;
  readonly subject: readonly { readonly digest: { readonly sha256: string } }[];
}

const SIGNATURE = 'https://sigstore.dev/cosign/sign/v1';

/** What a world is asked to sign as main, with the digests of the bundles that it answers. */
function signatures(world: PublishWorld) {
  const sign = vi.spyOn(world.signers.main, 'sign');
  const made = async () => {
    const calls = sign.mock.calls.map(async ([bytes], call) => {
      const { predicateType, subject } = JSON.parse(new TextDecoder().decode(bytes)) as Statement;
      const bundle = digestOf((await sign.mock.results[call]?.value) as Uint8Array);
      return { predicateType, subjects: subject.map(({ digest }) => `sha256:${digest.sha256}`), bundle };
    });
    return (await Promise.all(calls)).filter(({ predicateType }) => predicateType === SIGNATURE);
  };
  return { sign, made };
}

const isIndexOf = (world: PublishWorld, id: string) => (operation: Operation) =>
  operation.name === 'putManifest' &&
  operation.repository === world.repository(id) &&
  operation.reference?.startsWith('sha256:') === true;

describe('the signature over all images', () => {
  it('is made while they are still described and pushed', async () => {
    const world = new PublishWorld();
    const { sign, made } = signatures(world);
    const isMade = () =>
      sign.mock.calls.some(([bytes]) => new TextDecoder().decode(bytes).includes(SIGNATURE));
    const seen: boolean[] = [];
    const pushes = isIndexOf(world, 'domain/orders');
    world.registry.hook(async (operation) => {
      if (!pushes(operation)) return undefined;
      for (let turn = 0; turn < 500 && !isMade(); turn++)
        await new Promise((resolve) => setTimeout(resolve, 10));
      seen.push(isMade());
      return undefined;
    });
    const { report } = await world.publish({ as: 'main', commit: world.commit('first'), sources });
    expect(seen[0]).toBe(true);
    const [only, record, ...more] = await made();
    expect(more).toEqual([]);
    expect(record?.subjects).toEqual([report.release?.digest]);
    expect(only?.subjects.sort()).toEqual(report.components.map(({ digest }) => digest).sort());
    expect(await brokenPromises(world)).toEqual([]);
  });

  it('is made again without one that failed after it was built', async () => {
    const world = new PublishWorld();
    const { made } = signatures(world);
    const pushes = isIndexOf(world, 'domain/stock');
    const refusal = new PrimitiveError('registry-denied', 'no', { exit: 3 });
    const pushed: string[] = [];
    world.registry.hook((operation) => {
      if (operation.name === 'pushBlob') pushed.push(operation.reference);
      return pushes(operation) ? refusal : undefined;
    });
    const { report } = await world.publish({ as: 'main', commit: world.commit('first'), sources });
    expect(report.components.map(({ action }) => action)).toEqual(['built', 'failed']);
    const [orders] = report.components;
    const [early, attached, ...more] = await made();
    expect(more).toEqual([]);
    expect(early?.subjects).toHaveLength(2);
    expect(attached?.subjects).toEqual([orders?.digest]);
    expect(pushed).toContain(attached?.bundle);
    expect(pushed).not.toContain(early?.bundle);
    expect(await world.inspect('domain/orders', orders?.digest ?? '')).toMatchObject({ sealed: true });
    expect(await brokenPromises(world)).toEqual([]);
  });
});
