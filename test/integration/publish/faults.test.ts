import pLimit from 'p-limit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createProcesses } from '../../../src/adapters/process.ts';
import { PrimitiveError } from '../../../src/core/errors.ts';
import { createRegistryClient } from '../../../src/oci/client.ts';
import { createLayoutBuilder } from '../../support/layout-builder.ts';
import { patientlessClock } from '../../support/patientless-clock.ts';
import { type Published, PublishWorld } from '../../support/publish-world.ts';
import { brokenPromisesAt, recordAt } from '../../support/registry-promises.ts';
import { partOf, seeds } from '../../support/sample.ts';
import { type Distribution, startDistribution } from '../../support/services/distribution.ts';
import {
  FAULTS,
  type FaultPlan,
  type FaultProxy,
  faultAtRequest,
  seededFaultPlan,
  startFaultProxy,
} from '../../support/services/fault-proxy.ts';
import { type Olareg, startOlareg } from '../../support/services/olareg.ts';

/** Milliseconds; long enough for an answer over loopback on a busy machine. */
const STALL = 250;
const AT_A_TIME = 4;
/** After so many commits all of a place is looked at once more, and it is left for a new one. */
const COMMITS_PER_PLACE = 6;

/** Somebody's repository and where it is published: each case is one more commit, of which one component changed. */
class Place {
  readonly proxy: FaultProxy;
  #world: PublishWorld | undefined;
  #commits = 0;
  #known = new Set<string>();

  constructor(proxy: FaultProxy) {
    this.proxy = proxy;
  }

  /** One publish of a new commit under these faults, without patience where `retryBudget` is 0; then again without any. */
  async run(faults: FaultPlan, retryBudget?: number): Promise<Outcome> {
    const { world, commit } = await this.#next();
    const sources = { 'domain/orders': 'v1', 'domain/stock': commit };
    const publish = async (as: { budget?: number; builder?: ReturnType<typeof createLayoutBuilder> }) => {
      // Each run is a process of its own: nothing is remembered from the one before.
      const registry = createRegistryClient({
        processes: createProcesses({}),
        credentials: {},
        access: 'write',
        clock: patientlessClock(),
        stallTimeout: STALL,
        ...(as.budget === undefined ? {} : { retryBudget: as.budget }),
      });
      const builder = as.builder ?? createLayoutBuilder();
      try {
        return await world.publish({ as: 'main', commit, sources, registry, builder });
      } finally {
        await registry.close();
      }
    };
    const sealed = new Set<string>();
    this.proxy.reset(faults);
    const first = await publish(retryBudget === undefined ? {} : { budget: retryBudget }).catch(
      (error: unknown) => {
        if (!(error instanceof PrimitiveError)) throw error;
        return error;
      },
    );
    const hit = this.proxy.requests.filter(({ fault }) => fault !== undefined).length;
    this.proxy.reset();
    const between = await brokenPromisesAt({ ...world.observed(), known: this.#known });
    if (!(first instanceof Error))
      for (const { kind, name, signature } of first.report.components)
        if (signature) sealed.add(`${kind}/${name}`);
    const builder = createLayoutBuilder();
    this.proxy.reset();
    const second = await publish({ builder });
    // What was right before a run that wrote nothing is right after it.
    const wrote = this.proxy.requests.some(({ method }) => method !== 'GET' && method !== 'HEAD');
    const after = wrote ? await brokenPromisesAt({ ...world.observed(), known: this.#known }) : [];
    const record = await recordAt(world.observed(), 'main');
    return {
      hit,
      atOnce: !(first instanceof Error) && isWhole(first),
      said:
        first instanceof Error
          ? [first.code]
          : first.report.components.flatMap(({ error }) => (error ? [error.code] : [])),
      broken: [
        ...between,
        ...after,
        ...builder.built.filter((id) => sealed.has(id)).map((id) => `${id} was sealed and is built again`),
        ...(isWhole(second) ? [] : ['the second run does not end right']),
        ...(record.state === 'found' && record.record.commit === commit
          ? []
          : ['the channel is not at the commit']),
      ],
    };
  }

  /** What is wrong with anything that was published here, old commits included. */
  async brokenPromises(): Promise<readonly string[]> {
    this.proxy.reset();
    return this.#world ? brokenPromisesAt(this.#world.observed()) : [];
  }

  async #next(): Promise<{ world: PublishWorld; commit: string }> {
    if (this.#world === undefined || this.#commits++ % COMMITS_PER_PLACE === 0) {
      const left = await this.brokenPromises();
      if (left.length > 0) throw new Error(left.join('\n'));
      this.#world = new PublishWorld({ prefix: `${this.proxy.host}/place-${++places}` });
      this.#known = new Set();
      const registry = createRegistryClient({
        processes: createProcesses({}),
        credentials: {},
        access: 'write',
      });
      const sources = { 'domain/orders': 'v1', 'domain/stock': 'v1' };
      await this.#world.publish({ as: 'main', commit: this.#world.commit('first'), sources, registry });
      await registry.close();
    }
    return { world: this.#world, commit: this.#world.commit('next') };
  }
}

let places = 0;

interface Outcome {
  /** Faults that were met. */
  readonly hit: number;
  readonly atOnce: boolean;
  /** The codes of what went wrong in the first run. */
  readonly said: readonly string[];
  readonly broken: readonly string[];
}

function isWhole({ report }: Published): boolean {
  return (
    report.release !== undefined &&
    report.components.every(({ action, tags }) => action !== 'failed' && tags.length === 1)
  );
}

/**
 * Each request meets so many `kinds` of faults, in turn, and fails once without being tried again; `lots` runs meet many
 * faults. A run of the tests takes one case in `parts`, which is no divisor of the number of faults, so that it has all of
 * them: what differs between registries is tested with the client.
 */
describe.each([
  {
    name: 'olareg, fallback index',
    start: () => startOlareg({ referrers: false }),
    kinds: FAULTS.length,
    parts: 43,
    lots: 6,
  },
  { name: 'olareg, referrers API', start: () => startOlareg(), kinds: 1, parts: 11, lots: 2 },
  {
    name: 'Distribution 3',
    start: () => startDistribution({ inMemory: true }),
    kinds: 1,
    parts: 11,
    lots: 2,
  },
])('publish over $name', ({ name, start, kinds, parts, lots }) => {
  let service: Distribution | Olareg;
  let all: Place[];
  let length: number;

  beforeAll(async () => {
    service = await start();
    const proxies = await Promise.all(
      Array.from({ length: AT_A_TIME }, () => startFaultProxy({ target: service.url })),
    );
    all = proxies.map((proxy) => new Place(proxy));
    const [place] = all;
    if (!place) throw new Error('there is no place');
    let count = 0;
    await place.run(() => void count++);
    length = count;
  });
  afterAll(async () => {
    await Promise.all(all?.map(({ proxy }) => proxy.stop()) ?? []);
    await service?.stop();
  });

  /** Every plan once, spread over the places, none after the time of the test is over; reports how the cases ended. */
  async function runAll(
    title: string,
    plans: readonly (readonly [string, FaultPlan])[],
    { signal, budget }: { readonly signal: AbortSignal; readonly budget?: number },
  ): Promise<readonly Outcome[]> {
    const started = performance.now();
    const free = [...all];
    const limit = pLimit(AT_A_TIME);
    const outcomes = await Promise.all(
      plans.map(([label, plan]) =>
        limit(async () => {
          signal.throwIfAborted();
          const place = free.pop();
          if (!place) throw new Error('no place is free');
          const outcome = await place.run(plan, budget);
          free.push(place);
          expect.soft(outcome.broken, label).toEqual([]);
          return outcome;
        }),
      ),
    );
    for (const place of all) expect.soft(await place.brokenPromises()).toEqual([]);
    const atOnce = outcomes.filter((outcome) => outcome.atOnce).length;
    const broken = outcomes.filter((outcome) => outcome.broken.length > 0).length;
    const said = [...new Set(outcomes.flatMap((outcome) => outcome.said))].sort().join(', ');
    console.log(
      `${name}: ${title}: ${outcomes.length} cases, ${atOnce} ended right at once, ` +
        `${outcomes.length - atOnce - broken} after a second run${said && ` (${said})`}, ${broken} broken promises ` +
        `(${Math.round((performance.now() - started) / 1000)} s)`,
    );
    return outcomes;
  }

  const indexes = () => Array.from({ length }, (_, at) => at);

  test('one fault at any request is overcome', async ({ signal }) => {
    const cases = indexes().flatMap((at) =>
      Array.from({ length: kinds }, (_, turn) => {
        const fault = FAULTS[(at * kinds + turn) % FAULTS.length] ?? 'reset';
        return [`${fault} at ${at}`, faultAtRequest(at, fault)] as const;
      }),
    );
    const plans = partOf(cases, parts);
    const title = `${plans.length} of ${cases.length} faults at one request`;
    const outcomes = await runAll(title, plans, { signal });
    expect(outcomes.filter(({ hit }) => hit > 0).length).toBeGreaterThan(plans.length * 0.9);
  }, 900_000);

  test('a fault at any request that nobody tries again ends in the right state with the next run', async ({
    signal,
  }) => {
    const tried = partOf(indexes(), 21);
    const plans = tried.map((at) => [`500 at ${at}`, faultAtRequest(at, 'error-500')] as const);
    const title = `a failure without a retry at ${tried.length} of ${length} requests`;
    const outcomes = await runAll(title, plans, { signal, budget: 0 });
    expect(outcomes.filter(({ atOnce }) => atOnce).length).toBeLessThan(plans.length / 2);
  }, 300_000);

  test('many faults in one run', async ({ signal }) => {
    const plans = seeds(lots).map((seed) => [`seed ${seed}`, seededFaultPlan(seed, FAULTS, 4)] as const);
    const outcomes = await runAll('a fault at one request in four, by a seed', plans, { signal });
    expect(outcomes.reduce((sum, { hit }) => sum + hit, 0)).toBeGreaterThan(plans.length * 5);
  }, 300_000);
});
