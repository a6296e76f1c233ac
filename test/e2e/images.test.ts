import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PublishReport } from '../../src/features/publish/document.ts';
import { bundledKinds, openKinds } from '../../src/kinds/kind.ts';
import { scaffold as goScaffold, write } from '../integration/kinds/go-kinds-lab.ts';
import { scaffoldedKinds } from '../support/goldens.ts';
import { type App, cosignVerifies, type PublishLab, startPublishLab } from '../support/publish-lab.ts';
import { partOf } from '../support/sample.ts';
import { type ContainerOptions, startContainer, unpackImage } from '../support/services/container.ts';
import { type Engine, startEngine } from '../support/services/engine.ts';
import { pushKindBases } from '../support/services/kind-bases.ts';
import { freePort } from '../support/services/ports.ts';
import { type Postgres, startPostgres } from '../support/services/postgres.ts';

/** What a deployment would set: the image sets the rest. `before` runs to its end first. */
interface Deployment extends ContainerOptions {
  readonly before?: readonly string[];
}

const GO = { DRAIN_DELAY: '0s', LOG_LEVEL: 'INFO' };
const FOR_ANYONE = { ...GO, ACCEPT_CALLERS: 'anyone' };
const NODE_AND_PYTHON = { DRAIN_DELAY_SECONDS: '0' };

/** What is there for every image to use. */
interface Services {
  /** Of a Postgres database. */
  readonly database: string;
  /** Of an OIDC issuer. */
  readonly issuer: string;
  /** Of Camunda's REST API, where there is nothing to do. */
  readonly engine: string;
}

const deployments: Readonly<Record<string, (port: number, services: Services) => Promise<Deployment>>> = {
  agent: async (port, { database }) => ({
    before: ['migrate'],
    env: {
      ...NODE_AND_PYTHON,
      PORT: String(port),
      CHECKPOINT_URL: database,
      MODEL_URL: 'http://127.0.0.1:1/v1/',
      MODEL_NAME: 'm',
      MODEL_API_KEY: 'k',
      ACCEPT_CALLERS: 'anyone',
    },
  }),
  domain: async (port, { database }) => ({
    before: ['migrate'],
    env: {
      ...FOR_ANYONE,
      DATABASE_URL: database,
      HTTP_ADDRESS: `127.0.0.1:${port}`,
      GRPC_ADDRESS: `127.0.0.1:${await freePort()}`,
    },
  }),
  integration: async (port, { issuer }) => ({
    env: {
      ...GO,
      HTTP_ADDRESS: `127.0.0.1:${port}`,
      RESOURCE_URL: `http://127.0.0.1:${port}/mcp`,
      ISSUER_URL: issuer,
      QUERY_URL: 'http://127.0.0.1:1/v1/orders',
      REQUEST_URL: 'http://127.0.0.1:1/acme.domain.orders.v1.OrdersService/CreateOrder',
    },
  }),
  process: async (port, { engine }) => ({
    env: {
      ...FOR_ANYONE,
      HTTP_ADDRESS: `127.0.0.1:${port}`,
      ENGINE_URL: engine,
      ENGINE_AUTH: 'none',
      WORK_URL: 'http://127.0.0.1:1/acme.domain.orders.v1.OrdersService/CreateOrder',
    },
  }),
  projection: async (port, { database }) => ({
    before: ['migrate'],
    env: {
      ...FOR_ANYONE,
      DATABASE_URL: database,
      HTTP_ADDRESS: `127.0.0.1:${port}`,
      ACCEPT_EVENTS: 'anyone',
    },
  }),
  uisurface: async (port) => ({
    env: {
      ...NODE_AND_PYTHON,
      PORT: String(port),
      COMMANDS_URL: 'http://127.0.0.1:1/',
      QUERIES_URL: 'http://127.0.0.1:1/',
      ACCEPT_PROXY: 'anyone',
    },
  }),
};

/** What a kubelet takes for a yes, as far as kinds use it. */
const OK = [200, 204];

const inGo = ['domain', 'integration', 'process', 'projection'];
/** Their Dockerfiles differ in a port, and each image costs a build, an SBOM and four signatures: one is enough. */
const chosen = partOf(inGo, inGo.length);
const kinds = (await scaffoldedKinds()).filter((kind) => !inGo.includes(kind) || chosen.includes(kind));
/** The last one has the same files as another, of the same sizes and times, and another content. */
const components = [...kinds.map((kind) => [kind, 'orders'] as const), [chosen[0] ?? '', 'stocks'] as const];

let lab: PublishLab;
let engine: Engine;
let postgres: Postgres;
let app: App;
let report: PublishReport;

beforeAll(async () => {
  lab = await startPublishLab({ hostNetwork: true });
  engine = await startEngine();
  postgres = await startPostgres();
  const bases = await pushKindBases(lab.proxy.host);
  app = await lab.app({
    sources: {},
    config: [
      'languages: { go: {module: github.com/acme/app}, ts: {scope: "@acme"}, python: {prefix: acme}, proto: {package: acme} }',
      `build: ${JSON.stringify({ builder: 'buildx', bases })}`,
    ].join('\n'),
  });
  for (const [kind, name] of components) {
    const { code, stderr } = await lab.cli.run(['scaffold', '--kind', kind, '--name', name], {
      cwd: app.repo.root,
    });
    if (code !== 0) throw new Error(stderr);
  }
  // A process takes no jobs, and so does not start, while its handlers are stubs.
  if (kinds.includes('process')) {
    await write(
      join(app.repo.root, 'primitives/process/orders'),
      (await goScaffold('process', 'orders')).reference,
    );
  }
  await app.repo.commit({}, 'Scaffold');
}, 300_000);

afterAll(async () => {
  await app?.[Symbol.asyncDispose]();
  await postgres?.stop();
  await engine?.stop();
  await lab?.[Symbol.asyncDispose]();
});

test('kinds in every language, as scaffolded but for the handlers of a process, are built, sealed and tagged by one publish', async () => {
  report = await app.report();
  expect(report.components.map(({ kind, name, action }) => [kind, name, action])).toEqual(
    components.map(([kind, name]) => [kind, name, 'built']).sort(),
  );
  expect(report.release?.written).toBe(true);
  for (const { ref } of report.components) await cosignVerifies('cosign', lab.sigstore, ref ?? '');
}, 900_000);

describe.each(kinds)('the image of %s', (kind) => {
  test('starts, is live and ready, and ends on SIGTERM', async () => {
    await postgres.execute(`CREATE DATABASE ${kind}`);
    const { run } = (await (await openKinds({ bundled: bundledKinds() })).get(kind)) ?? {};
    const { ref = '' } = report.components.find((component) => component.kind === kind) ?? {};
    const port = await freePort();
    const database = new URL(`/${kind}`, postgres.url).href;
    const services = { database, issuer: lab.sigstore.issuer, engine: engine.url };
    const { before, ...deployment } = (await deployments[kind]?.(port, services)) ?? { env: {} };
    await using image = await unpackImage(ref);
    if (before) {
      await using first = await startContainer(image, { ...deployment, command: before });
      expect(await first.exit, await first.log()).toBe(0);
    }
    await using container = await startContainer(image, deployment);
    const get = (path: string) =>
      Promise.race([statusOf(`http://127.0.0.1:${port}${path}`), container.failed]);
    expect(OK).toContain(await get(run?.live ?? ''));
    expect(OK).toContain(await get(run?.ready ?? ''));
    expect(await container.terminate(), await container.log()).toBe(0);
    expect(engine.faults).toEqual([]);
    for (const line of (await container.log()).trim().split('\n'))
      expect(JSON.parse(line)).toBeTypeOf('object');
  });
});

/** The status of the first answer: the process needs a moment to listen. */
async function statusOf(url: string): Promise<number> {
  for (let attempt = 0; ; attempt++) {
    try {
      return (await fetch(url)).status;
    } catch (error) {
      if (attempt === 1200) throw error;
      await sleep(100);
    }
  }
}
