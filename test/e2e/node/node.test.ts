import { delimiter, dirname } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { type Application, eventually } from '../../support/gitops-cluster.ts';
import { goCaches } from '../../support/go-caches.ts';
import { cosignVerifies } from '../../support/publish-lab.ts';
import type { DoublePull } from '../../support/services/github/repository.ts';
import { tool } from '../../tools/locate.ts';
import { callerOf, type Ordering, page, script, until, WAYS, type Way } from '../journey/ordering.ts';
import type { KindName } from '../journey/primitives.ts';
import { hang, heal } from './hanging.ts';
import {
  application,
  bump,
  configure,
  healthy,
  hooks,
  LABEL,
  mergePull,
  objects,
  type Pod,
  pods,
  propose,
  reach,
  wire,
} from './lane.ts';
import { startLoad } from './load.ts';
import { namespaceOf, openPull, setPull } from './preview.ts';
import { provide, settings, tokenOf } from './settings.ts';
import { componentOf, KINDS, NAMESPACE, type NodeWorld, startNodeWorld } from './world.ts';

// A release of all kinds, from an empty GitOps repository to pods that are ready, and what an operator does after that.
// Each test goes on where the one before it has ended.

let world: NodeWorld;
let pull: DoublePull;

beforeAll(async () => {
  world = await startNodeWorld(script);
});
afterAll(() => world?.[Symbol.asyncDispose]());

const namespaces = async () => {
  const all = await world.kube.get<{ metadata: { name: string } }>('api/v1/namespaces');
  return all.map(({ metadata }) => metadata.name);
};

test('the images of a release are sealed, by the word of cosign', async () => {
  const { lab, report } = world;
  expect(report.components.map(({ kind, action }) => [kind, action])).toEqual(
    KINDS.map((kind) => [kind, 'built']).sort(),
  );
  for (const { ref = '' } of report.components) await cosignVerifies('cosign', lab.sigstore, ref);
});

test('verify finds nothing in what is released; the suites are not run here', async () => {
  const { lab, app } = world;
  const path = [dirname(tool('buf')), dirname(tool('go')), process.env.PATH].join(delimiter);
  const call = { cwd: app.repo.root, env: { PATH: path, ...(await goCaches()) } };
  const { code, stdout } = await lab.cli.run(['verify', '--no-tests', '--json'], call);
  expect(JSON.parse(stdout).findings).toEqual([]);
  expect(code).toBe(0);
});

test('a release of each kind runs: migrated before, ready, and its smoke test has succeeded', async () => {
  await wire(world);
  await eventually(async () => expect(await namespaces()).toContain(NAMESPACE));
  await provide(world);
  const release = await bump(world);
  expect(release.components).toEqual(KINDS.map(componentOf).sort());
  await mergePull(world, release.number);
  const own = await settings(world);
  // Without `-T`, which ends Debian's static busybox with a fault.
  const smoke = (name: string) => ({
    enabled: true,
    image: { ref: world.shellImage },
    jobs: [{ name: 'ready', command: ['wget', '-q', '-O', '/dev/null', `http://${name}:8080/readyz`] }],
  });
  const enabling = await propose(
    world,
    Object.fromEntries(
      KINDS.flatMap((kind) => [
        [componentOf(kind), { enabled: true, ...own[kind] }],
        [`${componentOf(kind)}-smoke`, smoke(componentOf(kind))],
      ]),
    ),
  );
  await mergePull(world, enabling.number);
  pull = await openPull(world);
  await healthy(world);
  for (const kind of KINDS) {
    const name = componentOf(kind);
    expect(await hooks(world, name)).toMatchObject({ [`${name}-smoke-ready`]: 'Succeeded' });
    // Those of Jobs that have ended are gone, or go soon.
    await eventually(async () => {
      const running = await pods(world, `${LABEL}=${name}`);
      expect(running.length).toBeGreaterThan(0);
      for (const { status } of running)
        expect(status.conditions).toContainEqual(expect.objectContaining({ type: 'Ready', status: 'True' }));
    });
  }
});

/** The projection's migration waits for a database that never answers, until its time is up. */
const PROJECTION = componentOf('projection');
let running: readonly string[];
const uids = async (component: string) =>
  (await pods(world, `app.kubernetes.io/name=${component}`)).map(({ metadata }) => metadata.uid);

test('a preview of a domain gets ready with a database of its own, and ends with its pull request', async () => {
  running = await uids(PROJECTION);
  await hang(world, PROJECTION);
  const name = componentOf('domain');
  const namespace = `pr-${pull.number}-acme`;
  const preview = async () => {
    const all = await world.kube.get<Application>('apis/argoproj.io/v1alpha1/namespaces/argocd/applications');
    return all.filter(({ metadata }) => metadata.name.startsWith(`pr-${pull.number}`));
  };
  await eventually(async () => {
    const found = (await preview()).find(({ metadata }) => metadata.name === `pr-${pull.number}-${name}`);
    expect(found?.status).toMatchObject({ sync: { status: 'Synced' }, health: { status: 'Healthy' } });
  });
  const url = await world.node.reach(`${name}.${namespace}.svc.cluster.local:8080`);
  const { status } = await fetch(`${url}/readyz`);
  expect(status).toBe(204);
  // Of the domain two processes and the database.
  await eventually(async () => {
    const quotas = await world.kube.get<{ status: object }>(`api/v1/namespaces/${namespace}/resourcequotas`);
    expect(quotas).toMatchObject([{ status: { used: { pods: '3' } } }]);
  });
  await setPull(world, pull, 'closed');
  await eventually(async () => expect(await preview()).toEqual([]));
  expect(await namespaceOf(world, pull)).toBeDefined();
});

test('a pod without its settings ends, and says which are missing', async () => {
  const pod = async (kind: KindName) => {
    const kit = parse(await world.gitops.text(`sources/values/_kinds/${kind}.yaml`));
    const image = world.report.components.find((component) => component.kind === kind)?.ref;
    const securityContext = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } };
    const containers = [{ name: 'serve', image, args: kit.processes.serve.args, securityContext }];
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: `bare-${kind}`, namespace: NAMESPACE },
      spec: {
        restartPolicy: 'Never',
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
        containers,
      },
    };
  };
  const bare = await Promise.all(KINDS.map(pod));
  await world.kube.apply(bare.map((object) => JSON.stringify(object)).join('\n---\n'));
  await eventually(async () => {
    const ended = (await pods(world, '')).filter(({ metadata }) => metadata.name.startsWith('bare-'));
    expect(ended.map(({ status }) => status.phase)).toEqual(KINDS.map(() => 'Failed'));
  });
  for (const kind of KINDS) {
    const { settings: wanted } = parse(await world.gitops.text(`sources/values/_kinds/${kind}.yaml`)) as {
      settings: Record<string, { required?: boolean; of?: string[] }>;
    };
    const required = Object.entries(wanted).filter(
      ([, setting]) => setting.required && (setting.of?.includes('serve') ?? true),
    );
    expect(required).not.toEqual([]);
    const log = await world.node.log(NAMESPACE, `bare-${kind}`);
    for (const [variable] of required) expect(log).toContain(variable);
  }
});

const isReady = ({ conditions = [] }: Pod['status']) =>
  conditions.some(({ type, status }) => type === 'Ready' && status === 'True');

/** What orders are made with, by the Services of the lane. */
async function orderingIn({ engine }: NodeWorld): Promise<Ordering> {
  return {
    services: {
      orders: { url: await reach(world, 'domain') },
      fulfilment: { url: await reach(world, 'process') },
      concierge: { url: await reach(world, 'agent') },
      shop: { url: await reach(world, 'uisurface') },
    },
    engine,
    token: tokenOf,
  };
}

test('an order goes through all of them, by the names of their services', async () => {
  const ordering = await orderingIn(world);
  const caller = callerOf('acme', 'alice');
  const ways = Object.keys(WAYS) as Way[];
  for (const way of ways) await WAYS[way](ordering, caller, `Ordered by ${way}`);
  await until('all orders on the page', async () => {
    const shown = await page(ordering, '/', caller);
    return ways.every((way) => shown.includes(`Ordered by ${way}`));
  });
  expect([world.engine.faults, world.model.faults]).toEqual([[], []]);
});

test('a migration that hangs ends by its time limit, changes nothing that runs, and the next change heals it', async () => {
  await eventually(async () => {
    const { status } = await application(world, PROJECTION);
    expect(status?.operationState).toMatchObject({ phase: 'Failed' });
    expect(JSON.stringify(status?.operationState?.syncResult)).toContain('longer than specified deadline');
  });
  expect(await hooks(world, PROJECTION)).toMatchObject({ [`${PROJECTION}-migrate`]: 'Failed' });
  expect(await uids(PROJECTION)).toEqual(running);
  await configure(world, { [PROJECTION]: await heal(world) });
});

test('a change of one primitive rolls that one alone, its migration first, without a failed request', async () => {
  const name = componentOf('domain');
  const of = async () =>
    Object.fromEntries(
      await Promise.all(
        KINDS.map(async (kind) => [
          kind,
          (await pods(world, `${LABEL}=${componentOf(kind)}`)).map(({ metadata }) => metadata.uid),
        ]),
      ),
    ) as Record<string, string[]>;
  const before = await of();
  const { repo } = world.app;
  const main = 'primitives/domain/orders/cmd/server/main.go';
  await repo.commit({ [main]: `${await repo.read(main)}\nfunc init() { println("{}") }\n` });
  const report = await world.app.report();
  const actions = Object.fromEntries(report.components.map(({ kind, action }) => [kind, action]));
  expect(actions).toEqual({ ...Object.fromEntries(KINDS.map((kind) => [kind, 'reused'])), domain: 'built' });
  const next = await bump(world);
  expect(next.components).toEqual([name]);
  const load = startLoad(await orderingIn(world), callerOf('acme', 'bob'));
  await mergePull(world, next.number);
  await healthy(world);
  await eventually(async () => {
    const { domain = [], ...others } = await of();
    expect(domain.filter((uid) => before.domain?.includes(uid))).toEqual([]);
    const { domain: _, ...left } = before;
    expect(others).toEqual(left);
  });
  // Nothing new may run on the node meanwhile: of two pods the budget lets one go, and the drain waits for the other.
  const drain = await world.kube.attempt([
    ...['drain', 'node', `--pod-selector=${LABEL}=${name}`, '--timeout=8s'],
    '--delete-emptydir-data',
  ]);
  expect(drain.stderr).toMatch(/Cannot evict pod as it would violate the pod's disruption budget/);
  await world.kube.kubectl(['uncordon', 'node']);
  await eventually(async () => {
    const ready = await pods(world, `app.kubernetes.io/name=${name}`);
    expect(ready.filter(({ status }) => isReady(status))).toHaveLength(2);
  });
  const { requests, failed } = await load.end();
  expect(failed).toEqual([]);
  expect(requests).toBeGreaterThan(50);
  expect(await hooks(world, name)).toEqual({
    [`${name}-migrate`]: 'Succeeded',
    [`${name}-smoke-ready`]: 'Succeeded',
  });
});

test('the CronJob starts the janitor, and the namespace of a closed preview ends; opened again it is another', async () => {
  await eventually(async () => expect(await namespaceOf(world, pull)).toBeUndefined());
  await setPull(world, pull, 'open');
  await eventually(async () => expect((await namespaceOf(world, pull))?.metadata.uid).not.toBe(undefined));
  await setPull(world, pull, 'closed');
});

test('a component that is disabled ends in order, and nothing of it is left', async () => {
  const off = KINDS.flatMap((kind) => [componentOf(kind), `${componentOf(kind)}-smoke`]);
  // Kept until they were looked at: the API server has no pod that is gone.
  const ends = await pods(world, LABEL);
  for (const { metadata } of ends) {
    const log = await world.node.log(NAMESPACE, metadata.name);
    for (const line of log.split('\n').filter((each) => each !== ''))
      expect(JSON.parse(line), metadata.name).toBeTypeOf('object');
    await world.kube.setFinalizers({ apiVersion: 'v1', kind: 'Pod', metadata }, ['acme.internal/look']);
  }
  await configure(world, Object.fromEntries(off.map((component) => [component, { enabled: false }])));
  await eventually(async () => {
    const kept = await pods(world, LABEL);
    expect(kept).toHaveLength(ends.length);
    for (const { metadata, status } of kept) {
      const [{ state: { terminated } = {} } = {}] = status.containerStatuses ?? [];
      expect([metadata.name, terminated?.exitCode]).toEqual([metadata.name, 0]);
    }
  });
  for (const { metadata } of ends)
    await world.kube.setFinalizers({ apiVersion: 'v1', kind: 'Pod', metadata }, []);
  await eventually(async () => expect(await objects(world)).toEqual([]));
});
