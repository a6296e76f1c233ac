import { describe, expect, it } from 'vitest';
import { checkGitops } from '../../../../src/features/gitops-check/run.ts';
import { pinRelease, promoteLane } from '../../../../src/features/gitops-pin/run.ts';
import { type LanesWorld, startLanes, valuesFile } from '../../../support/lanes.ts';

const ORDERS = 'domain-orders-v1';
const MIGRATIONS = `${ORDERS}-migrations`;
const COMPONENTS = 'environments/_shared/components/apps/primitives';
const platform = (lane: string) => `sources/values/_platform/${lane}/operators.yaml`;
const SOURCES = { 'domain/orders': 'v1', 'domain/stock': 'v1', 'domain/operator': 'v1' };
const OPERATORS = [{ kind: 'domain', image: 'domain-operator' }];
const operator = (ref = '') =>
  `enabled: true\noperators:\n  domain:\n    enabled: true # always\n    image: { ref: "${ref}" }\n`;

const pin = (lanes: LanesWorld, release: string, lane = 'dev', components: readonly string[] = []) =>
  pinRelease({ release, lane, source: undefined, components, write: true }, lanes.ports);
const promote = (lanes: LanesWorld, from: string, lane: string) =>
  promoteLane({ lane, origin: { from }, components: [], write: true }, lanes.ports);

describe('gitops pin of what is beside a component', () => {
  it('sets the reference of migrations where their chart reads it, in a new file, too', async () => {
    await using lanes = await startLanes();
    await lanes.repo.commit({
      [`${COMPONENTS}/${MIGRATIONS}/component.yaml`]: `of: ${ORDERS}\nname: ${MIGRATIONS}\narea: apps\nimage: domain-orders\n`,
      [valuesFile('staging', MIGRATIONS)]: 'enabled: true\nmigrations:\n  image:\n    ref: ""\n',
    });
    const release = await lanes.publish(SOURCES);
    const ref = await lanes.ref(release, 'domain/orders');
    const { edits } = await pin(lanes, release);
    expect(edits).toMatchObject([
      { component: MIGRATIONS, action: 'create', path: 'migrations.image.ref', after: ref },
      { component: ORDERS, action: 'create', path: 'image.ref', after: ref },
      { component: 'domain-stock-v1' },
    ]);
    expect(await lanes.repo.read(valuesFile('dev', MIGRATIONS))).toBe(
      `# ${MIGRATIONS} in the lane dev.\nenabled: false\nmigrations:\n  image:\n    ref: "${ref}"\n`,
    );
    await lanes.repo.commit({}, 'merge');
    await promote(lanes, 'dev', 'staging');
    expect(await lanes.repo.read(valuesFile('staging', MIGRATIONS))).toBe(
      `enabled: true\nmigrations:\n  image:\n    ref: "${ref}"\n`,
    );
  });

  it('sets two versions of one image beside each other, together or one alone', async () => {
    await using lanes = await startLanes();
    const next = 'domain-orders-v2';
    await lanes.repo.commit({
      [`${COMPONENTS}/${next}/component.yaml`]: `name: ${next}\narea: apps\nchart: primitive-runtime\nimage: domain-orders\n`,
    });
    const first = await lanes.publish(SOURCES);
    const { edits } = await pin(lanes, first);
    const refs = edits.filter(({ component }) => component.startsWith('domain-orders'));
    expect(refs.map(({ component }) => component)).toEqual([ORDERS, next]);
    expect(new Set(refs.map(({ after }) => after)).size).toBe(1);
    const second = await lanes.publish({ ...SOURCES, 'domain/orders': 'v2' });
    const alone = await pin(lanes, second, 'dev', [next]);
    expect(alone.edits.map(({ component, after }) => [component, after])).toEqual([
      [next, await lanes.ref(second, 'domain/orders')],
    ]);
    expect(await lanes.repo.read(valuesFile('dev', ORDERS))).toContain(
      await lanes.ref(first, 'domain/orders'),
    );
  });

  it('moves the operators that kit.yaml names, lane by lane, and makes no values of the platform', async () => {
    await using lanes = await startLanes({ operators: OPERATORS });
    await lanes.repo.commit({ [platform('dev')]: operator(), [platform('staging')]: operator() });
    const release = await lanes.publish(SOURCES);
    const ref = await lanes.ref(release, 'domain/operator');
    const early = await pin(lanes, release, 'local');
    expect(early.skipped).toContainEqual({
      component: 'operators',
      reason: `${platform('local')} has no \`operators.domain.image.ref\`: the platform writes it`,
    });
    expect(early.unwired).toEqual([]);
    await expect(pin(lanes, release, 'staging')).rejects.toMatchObject({ code: 'lane-skipped' });
    await pin(lanes, release, 'dev', ['operators']);
    expect(await lanes.repo.read(platform('dev'))).toBe(operator(ref));
    await lanes.repo.commit({}, 'merge');
    const before = lanes.repo.git('rev-parse', 'HEAD');
    const promoted = await promote(lanes, 'dev', 'staging');
    expect(promoted.edits.find(({ component }) => component === 'operators')).toMatchObject({ after: ref });
    expect(await lanes.repo.read(platform('staging'))).toBe(operator(ref));
    await lanes.repo.commit({}, 'merge');
    // The gate judges them as values of their lane.
    const passed = await checkGitops({ base: before, rendered: undefined }, lanes.ports);
    expect(passed).toMatchObject({ verdict: 'passed', findings: [] });
    const skipped = lanes.repo.git('rev-parse', 'HEAD');
    const next = await lanes.publish({ ...SOURCES, 'domain/operator': 'v2' });
    const other = await lanes.ref(next, 'domain/operator');
    await lanes.repo.commit({
      [platform('production')]: operator(other),
      'sources/values/_platform/operators.yaml': operator(ref),
    });
    const { findings } = await checkGitops({ base: skipped, rendered: undefined }, lanes.ports);
    expect(findings.map(({ rule, path }) => [rule, path])).toEqual([
      ['PRM002', 'sources/values/_platform/operators.yaml'],
      ['PRM001', platform('production')],
    ]);
  });
});
