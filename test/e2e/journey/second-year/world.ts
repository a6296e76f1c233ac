import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installPacked } from '../../../support/packed.ts';
import { type Engine, startEngine } from '../../../support/services/engine.ts';
import { type ModelServer, startModelServer } from '../../../support/services/model-server.ts';
import { startOidcIssuer } from '../../../support/services/oidc-issuer.ts';
import { freePort } from '../../../support/services/ports.ts';
import { startPostgres } from '../../../support/services/postgres.ts';
import { run } from '../../../support/services/run.ts';
import { startTap, type Tap } from '../../../support/services/tap.ts';
import {
  build,
  type Implemented,
  imageEnvironment,
  implement,
  installAgent,
  installPages,
} from '../primitives.ts';
import { processOf, QUICK, type Running } from '../process.ts';
import { type Repository, startRepository } from '../repository.ts';

const ENTITY = 'order';
const source = { name: 'sales', entity: ENTITY };

/** The primitives: a domain with a name of its own, and what was scaffolded for it by `--source`. */
export const PRIMITIVES = {
  sales: { kind: 'domain', name: 'sales' },
  board: { kind: 'projection', name: 'board', source },
  ledger: { kind: 'projection', name: 'ledger', source },
  fulfilment: { kind: 'process', name: 'fulfilment', source },
  desk: { kind: 'integration', name: 'desk', source },
  clerk: { kind: 'agent', name: 'clerk', source },
  shop: { kind: 'uisurface', name: 'shop', source },
} as const satisfies Readonly<Record<string, Implemented>>;
export type PrimitiveName = keyof typeof PRIMITIVES;

/** Who takes the events of the domain. */
export const CONSUMERS = ['board', 'ledger', 'fulfilment'] as const;
export type Consumer = (typeof CONSUMERS)[number];

/** What runs, by what it does; `dispatcher` is the second process of the domain. */
export type ServiceName = PrimitiveName | 'dispatcher';

/** Before scaffold: the process waits for the events of its own requests. */
const PROCESS = `schema: primitive.primitive/v1
kind: process
name: fulfilment
bpmn:
  events:
    acme.domain.sales.v1.OrderCreated:
      message: fulfilment.work.completed.v1
      correlation: requestid
      variables: { order: subject }
`;

/** The repository with its programs, which run as a cluster would have them: each behind an address that stays. */
export interface World extends AsyncDisposable {
  readonly repository: Repository;
  /** Before each service: it passes requests on to the replicas in turn. */
  readonly addresses: Readonly<Record<ServiceName, Tap>>;
  readonly engine: Engine;
  readonly model: ModelServer;
  /** What runs of a service. */
  replicas(service: ServiceName): readonly Running[];
  /** Builds the sources as they are; services that start from now on are of them. */
  build(...names: readonly PrimitiveName[]): Promise<void>;
  /** Starts a service as it was built last, lets both versions work for some time, and ends the one before. */
  roll(service: ServiceName, meanwhile: () => Promise<void>): Promise<void>;
  /** Runs another command of a program to its end, with the environment of the service. */
  command(service: ServiceName, ...args: readonly string[]): Promise<string>;
  /** What a statement returns from the database of a primitive, a line for each row. */
  query(database: PrimitiveName, sql: string): Promise<readonly string[]>;
  token(of: string): string;
  /** All that all services have logged. */
  logs(): Promise<Readonly<Record<string, readonly string[]>>>;
}

const COMMAND: Readonly<Record<ServiceName, readonly string[]>> = {
  sales: ['serve'],
  dispatcher: ['dispatch'],
  board: ['serve'],
  ledger: ['serve'],
  fulfilment: ['serve'],
  desk: ['serve'],
  clerk: [],
  shop: [],
};
const SERVICES = Object.keys(COMMAND) as ServiceName[];

/** Scaffolds, implements, builds and starts all of it. `reply` is what the model says. */
export async function startWorld(reply: Parameters<typeof startModelServer>[0]): Promise<World> {
  await using started = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'primitive-second-year-'));
  started.defer(() => rm(folder, { recursive: true, force: true }));
  const repository = await startRepository(started.use(await installPacked()), join(folder, 'repository'));
  await scaffoldAll(repository);

  const postgres = started.use(await startPostgres());
  const issuer = started.use(await startOidcIssuer());
  const model = started.use(await startModelServer(reply));
  const engine = await startEngine();
  started.defer(() => engine.stop());

  const running = Object.fromEntries(SERVICES.map((name) => [name, []])) as unknown as Record<
    ServiceName,
    Running[]
  >;
  const addresses = {} as Record<ServiceName, Tap>;
  for (const name of SERVICES) {
    let turn = 0;
    const next = () => running[name][turn++ % running[name].length]?.url ?? 'http://127.0.0.1:1';
    addresses[name] = started.use(await startTap(next));
  }

  const token = (of: string) => `token-of-${of}`;
  const tokenFile = async (of: string) => {
    const file = join(folder, `${of}.token`);
    await writeFile(file, `${token(of)}\n`);
    return file;
  };
  /** A file of callers, each with the token of its name. */
  const callers = async (of: string, names: readonly string[]) => {
    const file = join(folder, `callers-of-${of}`);
    const tokens = Object.fromEntries(names.map((name) => [name, [token(name)]]));
    await writeFile(file, JSON.stringify({ tokens }));
    return file;
  };
  const databaseUrl = (name: string) => `${postgres.url.slice(0, postgres.url.lastIndexOf('/'))}/${name}`;
  const queries = `${addresses.board.url}/v1/`;
  const events = CONSUMERS.map(async (name) => [
    `SERVICE_TOKEN_FILE_${name.toUpperCase()}`,
    await tokenFile(`sales-for-${name}`),
  ]);
  const deployment: Readonly<Record<ServiceName, Readonly<Record<string, string>>>> = {
    sales: { DATABASE_URL: databaseUrl('sales') },
    dispatcher: {
      DATABASE_URL: databaseUrl('sales'),
      EVENTS_URL: CONSUMERS.map((name) => `${name}=${addresses[name].url}/v1/events`).join(' '),
      ...Object.fromEntries(await Promise.all(events)),
    },
    board: { DATABASE_URL: databaseUrl('board') },
    ledger: { DATABASE_URL: databaseUrl('ledger') },
    fulfilment: {
      ENGINE_URL: engine.url,
      ENGINE_AUTH: 'none',
      WORK_URL: addresses.sales.url,
      RETRY_BACKOFF: '1s',
    },
    desk: {
      RESOURCE_URL: `${addresses.desk.url}/mcp`,
      ISSUER_URL: issuer.url,
      QUERY_URL: `${queries}orders`,
      REQUEST_URL: addresses.sales.url,
    },
    clerk: {
      CHECKPOINT_URL: databaseUrl('clerk'),
      MODEL_URL: model.url,
      MODEL_NAME: 'small',
      MODEL_API_KEY: model.key,
      TOOL_GRANTS: 'create_order,get_order',
      COMMANDS_URL: addresses.sales.url,
    },
    shop: {
      COMMANDS_URL: addresses.sales.url,
      QUERIES_URL: queries,
      ACCEPT_PROXY: await tokenFile('test'),
    },
  };
  const environment = async (name: ServiceName, port = 0) => ({
    ...(await imageEnvironment(folderOf(repository, primitiveOf(name)))),
    ...QUICK,
    HTTP_ADDRESS: `127.0.0.1:${port}`,
    PORT: String(port),
    GRPC_ADDRESS: '127.0.0.1:0',
    ACCEPT_CALLERS: await callers(name, ['test', 'shop', 'fulfilment', 'desk', 'clerk', `sales-for-${name}`]),
    ACCEPT_EVENTS: await callers(`events-of-${name}`, [`sales-for-${name}`]),
    ...(name === 'dispatcher' ? {} : { SERVICE_TOKEN_FILE: await tokenFile(name) }),
    ...deployment[name],
  });

  const programs = {} as Record<PrimitiveName, readonly [string, ...string[]]>;
  let builds = 0;
  const buildAll = async (...names: readonly PrimitiveName[]) => {
    builds += 1;
    for (const name of names) {
      const primitive = folderOf(repository, name);
      if (name === 'clerk') programs[name] = await installAgent(primitive);
      else if (name === 'shop') programs[name] = await installPages(primitive);
      else programs[name] = await build(primitive, join(folder, 'programs', `${name}-${builds}`));
    }
  };
  await mkdir(join(folder, 'programs'));
  const command = async (name: ServiceName, ...args: readonly string[]) => {
    const [program, ...first] = programs[primitiveOf(name)];
    return run(program, [...first, ...args], { cwd: folder, env: await environment(name) });
  };
  const all: Running[] = [];
  started.defer(async () => {
    await Promise.all(all.map((replica) => replica.stop()));
  });
  const logNames: string[] = [];
  const start = async (service: ServiceName) => {
    const port = await freePort();
    const deployed = {
      command: programs[primitiveOf(service)],
      args: COMMAND[service],
      env: await environment(service, port),
    };
    const name = `${service}-${all.length}`;
    const replica = processOf(deployed, { folder, name, url: `http://127.0.0.1:${port}` });
    all.push(replica);
    logNames.push(name);
    await replica.start();
    running[service].push(replica);
  };
  const roll = async (service: ServiceName, meanwhile: () => Promise<void>) => {
    const [before] = running[service];
    await start(service);
    await meanwhile();
    running[service].shift();
    await before?.stop();
  };
  const logs = async () => {
    const texts = await Promise.all(all.map((replica) => replica.log()));
    return Object.fromEntries(logNames.map((name, at) => [name, (texts[at] ?? '').split('\n')]));
  };

  await buildAll(...(Object.keys(PRIMITIVES) as PrimitiveName[]));
  for (const name of ['sales', 'board', 'ledger', 'clerk'] as const) {
    await postgres.execute(`CREATE DATABASE ${name}`);
    await command(name, 'migrate');
  }
  await Promise.all(SERVICES.map(start));
  const everything = started.move();
  return {
    repository,
    addresses,
    engine,
    model,
    replicas: (service) => running[service],
    build: buildAll,
    roll,
    command,
    query: (database, sql) => postgres.execute(sql, database),
    token,
    logs,
    [Symbol.asyncDispose]: () => everything.disposeAsync(),
  };
}

/** Scaffolds all primitives, puts what test/reference has in the place of the stubs, and commits both. */
async function scaffoldAll(repository: Repository): Promise<void> {
  const process = folderOf(repository, 'fulfilment');
  await mkdir(process, { recursive: true });
  await writeFile(join(process, 'primitive.yaml'), PROCESS);
  for (const primitive of Object.values<Implemented>(PRIMITIVES)) {
    const { kind, name } = primitive;
    const flags = primitive.source ? ['--source', `domain/${primitive.source.name}`] : ['--entity', ENTITY];
    await repository.succeed('scaffold', '--kind', kind, '--name', name, ...flags);
    await implement(repository.folder, primitive);
  }
  await repository.commit('Scaffold and implement');
}

/** The folder of a primitive. */
export function folderOf({ folder }: Repository, name: PrimitiveName): string {
  const { kind } = PRIMITIVES[name];
  return join(folder, 'primitives', kind, name);
}

function primitiveOf(service: ServiceName): PrimitiveName {
  return service === 'dispatcher' ? 'sales' : service;
}
