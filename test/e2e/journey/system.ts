import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installPacked } from '../../support/packed.ts';
import { type Collector, startCollector } from '../../support/services/collector.ts';
import { type Engine, startEngine } from '../../support/services/engine.ts';
import { type Gate, startGate } from '../../support/services/gate.ts';
import { type ModelServer, startModelServer } from '../../support/services/model-server.ts';
import { startOidcIssuer } from '../../support/services/oidc-issuer.ts';
import { freePorts } from '../../support/services/ports.ts';
import { startPostgres } from '../../support/services/postgres.ts';
import { run } from '../../support/services/run.ts';
import { startTap, type Tap } from '../../support/services/tap.ts';
import { type Update, updatedPrimitives } from './earlier.ts';
import { buildPrimitives, imageEnvironment, type KindName } from './primitives.ts';
import { processOf, QUICK, type Running } from './process.ts';

/** The processes of the system, by what they do in it. */
export const SERVICES = [
  'orders',
  'dispatcher',
  'orderList',
  'fulfilment',
  'orderDesk',
  'concierge',
  'shop',
] as const;
export type ServiceName = (typeof SERVICES)[number];

/** Who calls whom: the requests of each pair go through a tap. */
const HOPS = [
  'shop -> orders',
  'shop -> orderList',
  'fulfilment -> orders',
  'orderDesk -> orders',
  'orderDesk -> orderList',
  'dispatcher -> orderList',
  'concierge -> orderDesk',
] as const;
export type Hop = (typeof HOPS)[number];

/** Six primitives, with real Postgres, and doubles of a process engine and a model server. */
export interface System extends AsyncDisposable {
  /** Where the primitives are. */
  readonly repository: string;
  /** How they were updated. */
  readonly update: Update;
  readonly services: Readonly<Record<ServiceName, Running>>;
  readonly taps: Readonly<Record<Hop, Tap>>;
  /** Where the domain takes gRPC. */
  readonly grpcUrl: string;
  /** Between all services and Postgres. */
  readonly database: Gate;
  readonly engine: Engine;
  readonly model: ModelServer;
  /** Gets the telemetry of all services. */
  readonly collector: Collector;
  /** The token that a service calls others with. */
  token(of: ServiceName | 'test'): string;
  /** Runs another command of a program to its end, with the environment of the service. */
  command(service: ServiceName, ...args: readonly string[]): Promise<string>;
  /** What a statement returns from the database of a primitive, a line for each row. */
  query(
    database: 'orders' | 'order_list' | 'concierge' | 'postgres',
    sql: string,
  ): Promise<readonly string[]>;
}

/** Kinds of the services; `dispatcher` is the second process of the domain. */
const KIND: Readonly<Record<ServiceName, KindName>> = {
  orders: 'domain',
  dispatcher: 'domain',
  orderList: 'projection',
  fulfilment: 'process',
  orderDesk: 'integration',
  concierge: 'agent',
  shop: 'uisurface',
};

const COMMAND: Readonly<Record<ServiceName, readonly string[]>> = {
  orders: ['serve'],
  dispatcher: ['dispatch'],
  orderList: ['serve'],
  fulfilment: ['serve'],
  orderDesk: ['serve'],
  concierge: [],
  shop: [],
};

/** Scaffolds all of it by an earlier version, updates, builds and starts it. `reply` is what the model says. */
export async function startSystem(reply: Parameters<typeof startModelServer>[0]): Promise<System> {
  await using started = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'primitive-journey-'));
  started.defer(() => rm(folder, { recursive: true, force: true }));
  const cli = started.use(await installPacked());
  const repository = join(folder, 'repository');
  const update = await updatedPrimitives(cli, repository);
  const programs = await buildPrimitives(repository);

  const postgres = started.use(await startPostgres());
  const database = started.use(await startGate(Number(new URL(postgres.url).port)));
  const issuer = started.use(await startOidcIssuer());
  const model = started.use(await startModelServer(reply));
  const collector = started.use(await startCollector());
  const engine = await startEngine();
  started.defer(() => engine.stop());

  const ports = await freePorts(SERVICES.length + 1);
  const url = Object.fromEntries(
    SERVICES.map((name, at) => [name, `http://127.0.0.1:${ports[at]}`]),
  ) as Record<ServiceName, string>;
  const taps = {} as Record<Hop, Tap>;
  for (const hop of HOPS) taps[hop] = started.use(await startTap(url[hop.split(' -> ')[1] as ServiceName]));

  const token = (of: string) => `token-of-${of}`;
  const tokenFile = (of: string) => join(folder, `${of}.token`);
  for (const name of [...SERVICES, 'test']) await writeFile(tokenFile(name), `${token(name)}\n`);
  const callers = join(folder, 'callers');
  const named = Object.fromEntries([...SERVICES, 'test'].map((name) => [name, [token(name)]]));
  await writeFile(callers, JSON.stringify({ tokens: named }));
  const senders = join(folder, 'senders');
  await writeFile(senders, JSON.stringify({ tokens: { dispatcher: [token('dispatcher')] } }));

  const databaseUrl = (name: string) => `postgres://postgres@127.0.0.1:${database.port}/${name}`;
  const deployment: Readonly<Record<ServiceName, Readonly<Record<string, string>>>> = {
    orders: { DATABASE_URL: databaseUrl('orders'), GRPC_ADDRESS: `127.0.0.1:${ports.at(-1)}` },
    dispatcher: {
      DATABASE_URL: databaseUrl('orders'),
      EVENTS_URL: `${taps['dispatcher -> orderList'].url}/v1/events`,
    },
    orderList: { DATABASE_URL: databaseUrl('order_list') },
    fulfilment: {
      ENGINE_URL: engine.url,
      ENGINE_AUTH: 'none',
      WORK_URL: `${taps['fulfilment -> orders'].url}/${ORDERS_SERVICE}/CreateOrder`,
      JOB_TIMEOUT: `${JOB_TIMEOUT_SECONDS}s`,
      RETRY_BACKOFF: '1s',
    },
    orderDesk: {
      RESOURCE_URL: `${taps['concierge -> orderDesk'].url}/mcp`,
      ISSUER_URL: issuer.url,
      QUERY_URL: `${taps['orderDesk -> orderList'].url}/v1/orders`,
      REQUEST_URL: `${taps['orderDesk -> orders'].url}/${ORDERS_SERVICE}/CreateOrder`,
    },
    concierge: {
      CHECKPOINT_URL: databaseUrl('concierge'),
      MODEL_URL: model.url,
      MODEL_NAME: 'small',
      MODEL_API_KEY: model.key,
      SEND_CALLER_TO_MODEL: 'true',
      TOOL_GRANTS: 'order_something,find_order',
      ORDER_DESK_URL: `${taps['concierge -> orderDesk'].url}/mcp`,
    },
    shop: {
      COMMANDS_URL: taps['shop -> orders'].url,
      QUERIES_URL: `${taps['shop -> orderList'].url}/v1/`,
      ACCEPT_PROXY: tokenFile('test'),
    },
  };
  const environment = async (name: ServiceName) => ({
    ...(await imageEnvironment(programs[KIND[name]].folder)),
    ...QUICK,
    HTTP_ADDRESS: `127.0.0.1:${new URL(url[name]).port}`,
    PORT: new URL(url[name]).port,
    ACCEPT_CALLERS: callers,
    ACCEPT_EVENTS: senders,
    SERVICE_TOKEN_FILE: tokenFile(name),
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_BSP_SCHEDULE_DELAY: '100',
    OTEL_METRIC_EXPORT_INTERVAL: '1000',
    ...deployment[name],
  });
  const command = async (name: ServiceName, ...args: readonly string[]) => {
    const [program, ...first] = programs[KIND[name]].command;
    return run(program, [...first, ...args], { cwd: folder, env: await environment(name) });
  };
  const query = async (name: string, sql: string) => postgres.execute(sql, name);

  for (const name of ['orders', 'order_list', 'concierge'])
    await query('postgres', `CREATE DATABASE ${name}`);
  await Promise.all((['orders', 'orderList', 'concierge'] as const).map((name) => command(name, 'migrate')));

  const services = {} as Record<ServiceName, Running>;
  for (const name of SERVICES) {
    const deployed = {
      command: programs[KIND[name]].command,
      args: COMMAND[name],
      env: await environment(name),
    };
    services[name] = started.use(processOf(deployed, { folder, name, url: url[name] }));
  }
  await Promise.all(Object.values(services).map((service) => service.start()));

  const all = started.move();
  return {
    repository,
    update,
    services,
    taps,
    grpcUrl: `http://127.0.0.1:${ports.at(-1)}`,
    database,
    engine,
    model,
    collector,
    token,
    command,
    query,
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** Methods of the domain are below this path (Connect protocol). */
const ORDERS_SERVICE = 'acme.domain.orders.v1.OrdersService';

/** How long the engine locks a job for the process. */
export const JOB_TIMEOUT_SECONDS = 2;
