import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createProcesses } from '../../../src/adapters/process.ts';
import { digestOf } from '../../../src/core/digest.ts';
import { findingText } from '../../../src/core/finding.ts';
import { followSource } from '../../../src/features/generate/follow.ts';
import { generate } from '../../../src/features/generate/generate.ts';
import { readOnDisk } from '../../../src/features/generate/on-disk.ts';
import { originalWarning } from '../../../src/features/generate/original.ts';
import { bundledKinds, openKinds } from '../../../src/kinds/kind.ts';
import { eventsDigestOf } from '../../../src/kinds/source.ts';
import { loadConfig } from '../../../src/repository/config.ts';
import { findConfig } from '../../../src/repository/discovery.ts';
import { prepare, scaffold, scaffoldRepo } from '../../support/scaffold-world.ts';
import { attempt, devCli } from '../../support/services/run.ts';

const SHOP = 'primitives/uisurface/shop';
const COPY = `${SHOP}/proto/service.proto`;
const CLIENT = `${SHOP}/src/sdk/gen/client.ts`;
const SALES = 'primitives/domain/sales/proto/acme/domain/sales/v1/service.proto';
const shop = { kind: 'uisurface', name: 'shop' };

/** A primitive of a repository, as `generate` finds it. */
async function primitiveIn(root: string, id = 'uisurface/shop') {
  const location = await findConfig({ cwd: root });
  const config = await loadConfig(location, '1.0.0');
  const all = await readOnDisk({ location, config, kinds: await openKinds({ bundled: bundledKinds() }) });
  const found = all.find((one) => one.id === id);
  if (found === undefined) throw new Error(`there is no ${id}`);
  return found;
}

async function generated(root: string, check: boolean, id?: string): Promise<readonly string[]> {
  const context = { root, path: '', platform: process.platform, temporary: tmpdir(), check, warn: () => {} };
  const { signal } = new AbortController();
  const found = await generate(await primitiveIn(root, id), {
    ...context,
    processes: createProcesses({}),
    signal,
  });
  return found.flatMap(({ changes }) => changes.map(({ path, change }) => `${change} ${path}`));
}

/** What `generate` copies before it generates. */
async function follow(root: string, id?: string): Promise<readonly string[]> {
  const { changes } = await followSource(await primitiveIn(root, id), root, new AbortController().signal);
  return changes.map(({ path, change }) => `${change} ${path}`);
}

const text = (root: string, path: string) => readFile(join(root, path), 'utf8');

async function warning(root: string): Promise<string> {
  const found = await originalWarning(await primitiveIn(root), root);
  return found === undefined ? 'none' : findingText(found);
}

/** A repository with the domain `sales`, which keeps orders, and a surface that calls it. */
async function salesAndShop() {
  const repo = await scaffoldRepo();
  await scaffold(repo.root, { kind: 'domain', name: 'sales', inputs: { entity: 'order' } });
  await scaffold(repo.root, { ...shop, inputs: { source: 'domain/sales' } });
  return repo;
}

test('a surface calls the service of its source, by the name and the types of its proto', async () => {
  await using repo = await salesAndShop();
  expect(await text(repo.root, COPY)).toBe(await text(repo.root, SALES));
  const client = await text(repo.root, CLIENT);
  expect(client).toContain(
    "call('acme.domain.sales.v1.SalesService/CreateOrder', request, readCreateOrderResponse",
  );
  expect(client).toContain(
    'createOrder(request: CreateOrderRequest, context: Context): Promise<CreateOrderResponse>',
  );
  expect(client).not.toContain('OrderCreated');
  const readme = await text(repo.root, `${SHOP}/README.md`);
  expect(readme).toContain('domain/sales');
  expect(readme).not.toContain('OrdersService');
  expect((await prepare(repo.root, shop)).plan.inputs).toEqual({ entity: 'order', source: 'domain/sales' });
  expect(await generated(repo.root, true)).toEqual([]);
});

test('a change of the API is named, and followed when the copy is', async () => {
  await using repo = await salesAndShop();
  expect(await warning(repo.root)).toBe('none');
  const before = await readFile(join(repo.root, SALES), 'utf8');

  await repo.write({ [SALES]: before.replace('string title = 2;', 'string title = 2;\n  string note = 9;') });

  expect(await warning(repo.root)).toContain(`${SALES}: it has changed since it was copied to ${COPY}`);
  const again = await prepare(repo.root, shop);
  expect(new Set(again.plan.files.map(({ action }) => action))).toEqual(new Set(['unchanged']));
  expect(await generated(repo.root, true)).toEqual([]);
  await follow(repo.root);
  expect(await text(repo.root, COPY)).toBe(await text(repo.root, SALES));
  expect(await generated(repo.root, false)).toEqual(['changed src/sdk/gen/client.ts']);
  expect(await readFile(join(repo.root, CLIENT), 'utf8')).toContain('readonly note: string;');
  expect(await warning(repo.root)).toBe('none');
  const last = await prepare(repo.root, shop);
  const changes = last.plan.files.filter(({ action }) => action !== 'unchanged');
  // Its record of what the template makes.
  expect(changes.map(({ path }) => path)).toEqual(['primitive.yaml']);
});

test('a copy that was edited is left alone', async () => {
  await using repo = await salesAndShop();
  await repo.write({ [COPY]: `${await text(repo.root, COPY)}// Ours.\n` });
  await repo.write({ [SALES]: `${await text(repo.root, SALES)}// Theirs.\n` });
  expect(await follow(repo.root)).toEqual([]);
  expect(await text(repo.root, COPY)).toContain('// Ours.');
  expect(await warning(repo.root)).toContain(`it has changed since it was copied from ${SALES}`);
});

const BOARD = 'primitives/projection/board';

test('new events and fields reach a projection by generate, which records what they are', async () => {
  await using repo = await scaffoldRepo();
  await scaffold(repo.root, { kind: 'domain', name: 'sales', inputs: { entity: 'order' } });
  await scaffold(repo.root, { kind: 'projection', name: 'board', inputs: { source: 'domain/sales' } });
  const digest = async () => {
    const [, recorded] =
      /^ {2}events: (\w{64})$/m.exec(await text(repo.root, `${BOARD}/primitive.yaml`)) ?? [];
    const code = await text(repo.root, `${BOARD}/internal/gen/events/events.go`);
    expect(code).toContain(`const Digest = "${recorded}"`);
    return recorded;
  };
  const before = await digest();
  const shipped = 'message OrderShipped {\n  option (primitive.events.v1.event) = {};\n  string id = 1;\n}\n';
  await repo.write({ [SALES]: `${await text(repo.root, SALES)}\n${shipped}` });

  expect(await follow(repo.root, 'projection/board')).toEqual(['changed proto/service.proto']);
  expect(await generated(repo.root, false, 'projection/board')).toEqual([
    'changed internal/gen/events/events.go',
  ]);
  expect(await digest()).not.toBe(before);
  expect(await text(repo.root, `${BOARD}/internal/gen/events/events.go`)).toContain(
    'type OrderShipped struct',
  );
  expect(await follow(repo.root, 'projection/board')).toEqual([]);
});

const CLIENTS = {
  agent: ['src/domain_api/__init__.py', 'async def create_order(self, request: CreateOrderRequest,'],
  integration: ['internal/domain/client.go', 'func (s SalesService[From]) CreateOrder('],
  process: ['internal/domain/client.go', 'func (s SalesService[From]) CreateOrder('],
} as const;

test.each(Object.entries(CLIENTS))(
  'a %s calls its source by a client that follows it',
  async (kind, found) => {
    const [client, method] = found;
    const desk = `primitives/${kind}/desk`;
    await using repo = await scaffoldRepo();
    await scaffold(repo.root, { kind: 'domain', name: 'sales', inputs: { entity: 'order' } });
    await scaffold(repo.root, { kind, name: 'desk', inputs: { source: 'domain/sales' } });
    const code = await text(repo.root, `${desk}/${client}`);
    expect(code).toContain(method);
    expect(code).toContain('acme.domain.sales.v1.SalesService/CreateOrder');
    expect(await generated(repo.root, true, `${kind}/desk`)).toEqual([]);

    await repo.write({
      [SALES]: (await text(repo.root, SALES)).replace(
        'string title = 2;',
        'string title = 2;\n  string note = 9;',
      ),
    });
    expect(await follow(repo.root, `${kind}/desk`)).toEqual(['changed proto/service.proto']);
    expect(await generated(repo.root, false, `${kind}/desk`)).toEqual([`changed ${client}`]);
    expect(await text(repo.root, `${desk}/${client}`)).not.toBe(code);
    const again = await prepare(repo.root, { kind, name: 'desk' });
    expect(again.plan.inputs).toMatchObject({ source: 'domain/sales' });
    expect(again.plan.files.filter(({ action }) => action !== 'unchanged').map(({ path }) => path)).toEqual([
      'primitive.yaml',
    ]);
  },
);

test.each(Object.entries(CLIENTS))('a %s without a source has no client', async (kind, [client]) => {
  await using repo = await scaffoldRepo();
  const { plan } = await prepare(repo.root, { kind, name: 'desk' });
  const paths = plan.files.map(({ path }) => path);
  expect(paths).not.toContain(client);
  expect(paths).not.toContain('proto/service.proto');
  expect(Object.keys(plan.inputs)).not.toContain('source');
  expect(plan.next.join()).not.toContain('primitive generate');
});

const FLOW = 'primitives/process/flow';

test('a process records the events of its source, and maps none that are not there', async () => {
  await using repo = await scaffoldRepo();
  await scaffold(repo.root, { kind: 'domain', name: 'sales', inputs: { entity: 'order' } });
  const mapped = (event: string, correlation: string) =>
    `kind: process\nname: flow\nbpmn:\n  events:\n    acme.domain.sales.v1.${event}:\n      message: flow.work.completed.v1\n      correlation: ${correlation}\n`;
  const refuses = async (event: string, correlation: string, why: string) => {
    await repo.write({ [`${FLOW}/primitive.yaml`]: mapped(event, correlation) });
    const made = prepare(repo.root, { kind: 'process', name: 'flow', inputs: { source: 'domain/sales' } });
    await expect(made).rejects.toMatchObject({ code: 'generator-input', why });
  };
  await refuses('OrderLost', 'requestid', 'acme.domain.sales.v1.OrderLost is not one of its events');
  await refuses(
    'OrderCreated',
    'data.order.ids',
    'data.order.ids is no field of acme.domain.sales.v1.OrderCreated',
  );
  await refuses(
    'OrderCreated',
    'data.order.id.x',
    'data.order.id.x is no field of acme.domain.sales.v1.OrderCreated',
  );

  await repo.write({ [`${FLOW}/primitive.yaml`]: mapped('OrderCreated', 'data.order.id') });
  await scaffold(repo.root, { kind: 'process', name: 'flow', inputs: { source: 'domain/sales' } });
  const digest = async () =>
    /^ {2}events: (\w{64})$/m.exec(await text(repo.root, `${FLOW}/primitive.yaml`))?.[1];
  const before = await digest();
  expect(before).toBe(eventsDigestOf(await text(repo.root, SALES), SALES));

  // A field that is gone is refused before anything waits for it in vain.
  const renamed = (await text(repo.root, SALES)).replaceAll('string id = 1', 'string number = 1');
  await repo.write({ [SALES]: renamed.replace('subject: "order.id"', 'subject: "order.number"') });
  expect(await follow(repo.root, 'process/flow')).toEqual(['changed proto/service.proto']);
  expect(await digest()).not.toBe(before);
  await expect(generated(repo.root, true, 'process/flow')).rejects.toMatchObject({
    code: 'generator-input',
    why: 'data.order.id is no field of acme.domain.sales.v1.OrderCreated',
  });
});

test('a domain with a proto of its own is called by that', async () => {
  const proto = 'proto/acme/billing/v1/api.proto';
  await using repo = await scaffoldRepo({
    [proto]:
      'syntax = "proto3";\npackage acme.billing.v1;\nservice Billing { rpc Pay(PayRequest) returns (PayReply); }\n' +
      'message PayRequest { int64 cents = 1; }\nmessage PayReply { repeated string lines = 1; }\n',
  });
  await scaffold(repo.root, { kind: 'domain', name: 'billing', inputs: { service: proto } });
  await scaffold(repo.root, { ...shop, inputs: { source: 'domain/billing' } });

  const client = await readFile(join(repo.root, CLIENT), 'utf8');
  expect(client).toContain("call('acme.billing.v1.Billing/Pay'");
  expect(client).toContain('readonly cents: string;');
});

test('without a source it is the domain with its name, which need not be there', async () => {
  await using repo = await scaffoldRepo();
  await scaffold(repo.root, { ...shop, inputs: { entity: 'order' } });

  expect(await readFile(join(repo.root, CLIENT), 'utf8')).toContain(
    'acme.domain.shop.v1.ShopService/CreateOrder',
  );
  expect(await warning(repo.root)).toBe('none');
  await scaffold(repo.root, { kind: 'domain', name: 'shop', inputs: { entity: 'order' } });
  // The domain has what was assumed.
  expect(await warning(repo.root)).toBe('none');
  expect(await generated(repo.root, true)).toEqual([]);
  const missing = prepare(repo.root, { ...shop, name: 'other', inputs: { source: 'domain/nowhere' } });
  await expect(missing).rejects.toMatchObject({ code: 'source-missing' });
});

test('generated readers take what protobuf allows in JSON, and name the field of what it does not', async () => {
  await using repo = await salesAndShop();
  const { salesService } = await import(join(repo.root, CLIENT));
  const reads = (response: unknown) =>
    salesService((_: string, __: unknown, read: (value: unknown) => unknown) => read(response)).getOrder(
      {},
      {},
    );

  const order = { id: '1', title: 'First', version: '9007199254740993', createTime: '2030-01-02T03:04:05Z' };
  expect(reads({ order, unknown: 1 })).toEqual({ order });
  // What has its default may be left out.
  expect(reads({ order: { id: '1' } })).toEqual({
    order: { id: '1', title: '', version: '0', createTime: undefined },
  });
  expect(reads({ order: { ...order, version: 3 } })).toMatchObject({ order: { version: '3' } });
  expect(reads({ order: null })).toEqual({ order: undefined });
  expect(() => reads({ order: { id: 7 } })).toThrow(
    'GetOrderResponse.order: Order.id: number in place of string',
  );
  expect(() => reads({ order: { version: '1.5' } })).toThrow('Order.version: text in place of integer');
  expect(() => reads([])).toThrow('GetOrderResponse: no object');
});

test('a surface of a person, or from before there were clients, needs no copy of a proto', async () => {
  await using repo = await scaffoldRepo({ [`${SHOP}/primitive.yaml`]: 'kind: uisurface\nname: shop\n' });

  expect(await generated(repo.root, true)).toEqual([]);
  expect(await warning(repo.root)).toBe('none');
});

test('an update of all says which primitives follow a proto file that it changes', async () => {
  await using repo = await scaffoldRepo();
  const { root } = repo;
  await scaffold(root, { kind: 'domain', name: 'sales', inputs: { entity: 'order' } });
  // As a version of the template before this one had it.
  const now = await text(root, SALES);
  const older = `${now}\n// Older.\n`;
  const record = await text(root, 'primitives/domain/sales/primitive.yaml');
  const [, template = '-'] = /(\w{64}) {2}proto\/\[proto\]\/service\.proto\.eta$/m.exec(record) ?? [];
  const hex = (proto: string) => digestOf(Buffer.from(proto)).replace('sha256:', '');
  await repo.write({
    [SALES]: older,
    'primitives/domain/sales/primitive.yaml': record
      .replace(hex(now), hex(older))
      .replace(template, '0'.repeat(64)),
  });
  await scaffold(root, { kind: 'projection', name: 'board', inputs: { source: 'domain/sales' } });
  await scaffold(root, { ...shop, inputs: { source: 'domain/sales' } });
  await scaffold(root, { kind: 'agent', name: 'alone' });
  await repo.commit({}, 'Scaffold');

  const all = ['scaffold', '--update', '--all'];
  const command = 'primitive generate projection/board uisurface/shop';
  expect((await attempt(devCli, [...all, '--dry-run'], { cwd: root })).stdout).toContain(
    `Next:\n  ${command}\n`,
  );
  const { code, stdout } = await attempt(devCli, [...all, '--json'], { cwd: root });
  expect([code, JSON.parse(stdout).next]).toEqual([0, [command]]);
  expect(await text(root, SALES)).toBe(now);
  const [, ...args] = command.split(' ');
  expect((await attempt(devCli, args, { cwd: root })).code).toBe(0);
  for (const id of ['projection/board', 'uisurface/shop'])
    expect((await text(root, `primitives/${id}/proto/service.proto`)).trimEnd()).toBe(now.trimEnd());
  await repo.commit({}, 'Update');
  expect(JSON.parse((await attempt(devCli, [...all, '--json'], { cwd: root })).stdout).next).toEqual([]);
});
