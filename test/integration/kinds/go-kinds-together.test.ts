import { realpathSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ComposeProject, composeChange, readComposed } from '../../support/compose.ts';
import { scaffold, scaffoldRepo } from '../../support/scaffold-world.ts';
import { startEngine } from '../../support/services/engine.ts';
import { type OidcIssuer, startOidcIssuer } from '../../support/services/oidc-issuer.ts';
import { freePorts } from '../../support/services/ports.ts';
import { attempt, run } from '../../support/services/run.ts';
import { logTail } from '../../support/services/service.ts';
import { tool } from '../../tools/locate.ts';
import { type GoPrograms, startGoPrograms } from './go-kinds-programs.ts';

// The programs of these kinds, implemented as in test/reference: what one does shows up in the others.

let programs: GoPrograms;
let issuer: OidcIssuer;

beforeAll(async () => {
  programs = await startGoPrograms(['domain', 'projection', 'integration', 'process']);
  issuer = await startOidcIssuer();
}, 300_000);

afterAll(async () => {
  await programs?.[Symbol.asyncDispose]();
  await issuer?.stop();
});

const statusOf = async (url: string) => (await fetch(url)).status;

/** What a tool of the integration answers somebody of a tenant. */
async function callTool(port: number, tenantId: string, name: string, args: object): Promise<object> {
  const resource = `http://127.0.0.1:${port}/mcp`;
  const token = issuer.token({ sub: 'alice', tenantId, scope: 'openid mcp:tools' }, resource);
  const answer = await fetch(resource, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args } }),
  });
  const { result } = (await answer.json()) as { result: object };
  return result;
}

test('an item that is created by a call can be queried in the projection, and by the tools of an agent', async () => {
  const [grpc = 0, domainHttp = 0, dispatchHttp = 0, projectionHttp = 0, toolsHttp = 0] = await freePorts(5);
  const urls = {
    domain: await programs.database('domain', 'domain'),
    projection: await programs.database('projection', 'projection'),
  };
  const domain = await programs.start('domain', 'serve', {
    DATABASE_URL: urls.domain,
    GRPC_ADDRESS: `127.0.0.1:${grpc}`,
    HTTP_ADDRESS: `127.0.0.1:${domainHttp}`,
    ACCEPT_CALLERS: 'anyone:acme',
  });
  // The dispatcher is there before anybody takes its events.
  await programs.start('domain', 'dispatch', {
    DATABASE_URL: urls.domain,
    HTTP_ADDRESS: `127.0.0.1:${dispatchHttp}`,
    EVENTS_URL: `http://127.0.0.1:${projectionHttp}/v1/events`,
  });
  await Promise.all([domainHttp, dispatchHttp].map(programs.ready));

  // buf learns the service by reflection.
  const create = `http://127.0.0.1:${grpc}/acme.domain.items.v1.ItemsService/CreateItem`;
  const headers = [
    '-H',
    'tenant-id: acme',
    '-H',
    'traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  ];
  const call = [
    'curl',
    '--protocol',
    'grpc',
    '--http2-prior-knowledge',
    ...headers,
    '-d',
    '{"request_id":"r1","title":"First"}',
    create,
  ];
  const { item } = JSON.parse(await run(tool('buf'), call)) as { item: { id: string; title: string } };
  expect(item).toMatchObject({ title: 'First', version: '1' });
  expect(JSON.parse(await run(tool('buf'), call))).toEqual({ item });
  // Whoever has no token is of one tenant.
  const other = call.map((argument) => argument.replace('tenant-id: acme', 'tenant-id: other'));
  await expect(run(tool('buf'), other)).rejects.toThrow('permission_denied');

  const tokens = join(programs.folder, 'query-tokens');
  await writeFile(tokens, 'query\n');
  await programs.start('projection', 'serve', {
    DATABASE_URL: urls.projection,
    HTTP_ADDRESS: `127.0.0.1:${projectionHttp}`,
    ACCEPT_CALLERS: tokens,
    ACCEPT_EVENTS: 'anyone:acme',
  });
  await programs.ready(projectionHttp);
  const query = `http://127.0.0.1:${projectionHttp}/v1/items`;
  const asTenant = async (tenant: string, path = '') =>
    (await (
      await fetch(`${query}${path}`, { headers: { Authorization: 'Bearer query', 'Tenant-Id': tenant } })
    ).json()) as {
      items?: object[];
    };
  const seen = await programs.until('the event', async () => {
    const { items } = await asTenant('acme');
    return items?.length ? items : undefined;
  });
  expect(seen).toEqual([{ id: item.id, title: 'First', version: 1, created: expect.any(String) }]);
  expect(await asTenant('acme', `/${item.id}`)).toMatchObject({ id: item.id, title: 'First' });
  expect(await asTenant('other')).toEqual({ items: [] });
  const foreign = {
    ...{ specversion: '1.0', id: 'e1', source: '/domain/items', type: 'acme.domain.items.v1.ItemCreated' },
    ...{ subject: 'item/i1', tenant: 'other', sequence: '1', data: {} },
  };
  const sent = await fetch(`http://127.0.0.1:${projectionHttp}/v1/events`, {
    method: 'POST',
    body: JSON.stringify(foreign),
  });
  expect([sent.status, await asTenant('other')]).toEqual([403, { items: [] }]);

  await programs.start('integration', 'serve', {
    HTTP_ADDRESS: `127.0.0.1:${toolsHttp}`,
    RESOURCE_URL: `http://127.0.0.1:${toolsHttp}/mcp`,
    ISSUER_URL: issuer.url,
    QUERY_URL: `http://127.0.0.1:${projectionHttp}/v1/items`,
    REQUEST_URL: `http://127.0.0.1:${domainHttp}`,
    SERVICE_TOKEN_FILE: tokens,
  });
  await programs.ready(toolsHttp);
  expect(await callTool(toolsHttp, 'acme', 'get_item', { id: item.id })).toMatchObject({
    structuredContent: { id: item.id, title: 'First', version: 1 },
  });
  expect(await callTool(toolsHttp, 'other', 'get_item', { id: item.id })).toMatchObject({
    isError: true,
    content: [{ text: 'item not found' }],
  });
  const second = { title: 'Second', idempotencyKey: 'k1' };
  const accepted = await callTool(toolsHttp, 'acme', 'request_item', second);
  expect(accepted).toMatchObject({ structuredContent: { status: 'accepted' } });
  expect(await callTool(toolsHttp, 'acme', 'request_item', second)).toEqual(accepted);
  const titles = await programs.until('the second event', async () => {
    const { items = [] } = await asTenant('acme');
    return items.length > 1 ? items.map((one) => (one as { title: string }).title) : undefined;
  });
  expect(titles.sort()).toEqual(['First', 'Second']);
  expect(
    await callTool(toolsHttp, 'acme', 'request_item', { title: '', idempotencyKey: 'k2' }),
  ).toMatchObject({
    isError: true,
  });

  await domain.stop();
  expect(logTail(domain.logFile)).toMatch(
    /"part":"readiness".*"part":"delay".*"part":"grpc".*"part":"http".*"part":"database"/s,
  );
}, 300_000);

test('a refused event stops its aggregate until it is discarded, and a lost read model is built anew', async () => {
  const [grpc = 0, domainHttp = 0, dispatchHttp = 0, projectionHttp = 0] = await freePorts(4);
  const domain = await programs.database('domain', 'writer');
  const projection = await programs.database('projection', 'reader');
  const [tokens, token] = [join(programs.folder, 'tokens'), join(programs.folder, 'token')];
  await writeFile(tokens, 'other\nsecret\n');
  await writeFile(token, 'sender\n');
  await programs.start('domain', 'serve', {
    DATABASE_URL: domain,
    GRPC_ADDRESS: `127.0.0.1:${grpc}`,
    HTTP_ADDRESS: `127.0.0.1:${domainHttp}`,
    ACCEPT_CALLERS: tokens,
  });
  await programs.start('domain', 'dispatch', {
    DATABASE_URL: domain,
    HTTP_ADDRESS: `127.0.0.1:${dispatchHttp}`,
    EVENTS_URL: `http://127.0.0.1:${projectionHttp}/v1/events`,
    SERVICE_TOKEN_FILE: token,
  });
  const reader = await programs.start('projection', 'serve', {
    DATABASE_URL: projection,
    HTTP_ADDRESS: `127.0.0.1:${projectionHttp}`,
    ACCEPT_CALLERS: tokens,
    ACCEPT_EVENTS: token,
  });
  await Promise.all([domainHttp, dispatchHttp, projectionHttp].map(programs.ready));

  const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
  const headers = {
    authorization: 'Bearer secret',
    'content-type': 'application/json',
    'tenant-id': 'acme',
    'subject-id': 'alice',
    traceparent: `00-${trace}-00f067aa0ba902b7-01`,
  };
  const service = `http://127.0.0.1:${domainHttp}/acme.domain.items.v1.ItemsService`;
  const call = async (method: string, body: object, extra: object = {}) => {
    const init = { method: 'POST', headers: { ...headers, ...extra }, body: JSON.stringify(body) };
    const answer = await fetch(`${service}/${method}`, init);
    return { status: answer.status, ...((await answer.json()) as { item?: { id: string }; code?: string }) };
  };
  const titles = async () => {
    const answer = await fetch(`http://127.0.0.1:${projectionHttp}/v1/items`, { headers });
    const { items } = (await answer.json()) as { items: readonly { title: string }[] };
    return items.map(({ title }) => title).sort();
  };
  const shows = (...wanted: string[]) =>
    programs.until(`titles ${wanted}`, async () =>
      (await titles()).join() === wanted.join() ? true : undefined,
    );
  const events = (...args: string[]) =>
    run(programs.binary('domain'), ['events', ...args], { env: { DATABASE_URL: domain } });

  expect(await call('CreateItem', {}, { authorization: 'Bearer guess' })).toMatchObject({ status: 401 });
  expect(await statusOf(`http://127.0.0.1:${projectionHttp}/v1/items`)).toBe(401);
  // Who may query may not write, and who may write does so for its source, and for the item that it names.
  const forged = async (as: string, more: object = {}) => {
    const item = { id: 'i1', title: 'Forged', version: '1', createTime: '2030-01-02T03:04:05Z' };
    const type = 'acme.domain.items.v1.ItemCreated';
    const core = { specversion: '1.0', id: 'e1', source: '/domain/items', type, subject: 'item/i1' };
    const answer = await fetch(`http://127.0.0.1:${projectionHttp}/v1/events`, {
      method: 'POST',
      headers: { authorization: `Bearer ${as}`, 'content-type': 'application/cloudevents+json' },
      body: JSON.stringify({ ...core, tenant: 'acme', sequence: '1', data: { item }, ...more }),
    });
    return answer.status;
  };
  expect(await forged('secret')).toBe(401);
  expect(await forged('sender', { source: '/evil' })).toBe(403);
  expect(await forged('sender', { subject: 'item/i2' })).toBe(400);
  const first = await call('CreateItem', { requestId: 'r1', title: 'First' });
  expect(first).toMatchObject({ status: 200, item: { title: 'First', version: '1' } });
  expect(await call('CreateItem', { requestId: 'r2', title: 'Other' })).toMatchObject({ status: 200 });
  await shows('First', 'Other');
  const log = logTail(reader.logFile);
  expect(log).toMatch(new RegExp(`"tenant":"acme","subject":"alice","trace_id":"${trace}"`));

  // What the domain says is wrong, the projection refuses; what comes after it waits.
  const id = first.item?.id;
  await programs.postgres.execute(`UPDATE writer.outbox_streams SET saved = 2 WHERE aggregate_id = '${id}';
    INSERT INTO writer.outbox (message_id, tenant_id, type, aggregate_type, aggregate_id, sequence, occurred_at, actor,
                               trace_parent, trace_state, data)
    VALUES ('poison', 'acme', 'acme.domain.items.v1.ItemRenamed', 'item', '${id}', 2, now(), '', '', '', '{"item": {}}');
    UPDATE writer.outbox_deliveries AS d SET saved = 2, state = 'live' FROM writer.outbox_streams AS s
    WHERE s.stream_id = d.stream_id AND s.aggregate_id = '${id}'`);
  expect(await call('RenameItem', { id, title: 'Renamed', version: '1' })).toMatchObject({ status: 200 });
  expect(await call('RenameItem', { id, title: 'Stale', version: '1' })).toMatchObject({
    status: 409,
    code: 'aborted',
  });
  const stuck = await programs.until(
    'the dead event',
    async () => JSON.parse(await events('list')) as object,
  );
  expect(stuck).toMatchObject({ id: 'poison', dead: true, lastError: expect.stringContaining('400') });
  expect(await titles()).toEqual(['First', 'Other']);
  await events('discard', '-reason', 'has no id', 'poison');
  await shows('Other', 'Renamed');
  expect(await events('list')).toBe('');

  await programs.postgres.execute('TRUNCATE reader.items, reader.streams');
  expect(await titles()).toEqual([]);
  await events('replay');
  await shows('Other', 'Renamed');

  // Beside the live tables, which answer until the switch.
  const rebuild = async (command: string) => {
    const env = { DATABASE_URL: projection };
    return JSON.parse(await run(programs.binary('projection'), ['rebuild', command], { env })) as object;
  };
  await programs.postgres.execute(`UPDATE reader.items SET title = 'Wrong' WHERE title = 'Other'`);
  const building = { state: 'building', streams: 2 };
  expect(await rebuild('start')).toEqual({ ...building, behind: 2, progress: 0 });
  expect(await rebuild('cancel')).toMatchObject({ state: 'none' });
  await rebuild('start');
  await events('replay');
  const rebuilt = { ...building, behind: 0, progress: 1 };
  await programs.until('the end of the replay', async () =>
    JSON.stringify(await rebuild('status')) === JSON.stringify(rebuilt) ? true : undefined,
  );
  expect(await titles()).toEqual(['Renamed', 'Wrong']);
  await call('CreateItem', { requestId: 'r3', title: 'Meanwhile' });
  await shows('Meanwhile', 'Renamed', 'Wrong');
  expect(await rebuild('switch')).toMatchObject({ state: 'switched' });
  expect(await titles()).toEqual(['Meanwhile', 'Other', 'Renamed']);
  expect(await rebuild('drop')).toMatchObject({ state: 'none' });
  await call('CreateItem', { requestId: 'r4', title: 'After' });
  await shows('After', 'Meanwhile', 'Other', 'Renamed');
}, 300_000);

test('a process waits for the events of its own request, through an outage of the domain', async () => {
  const [grpc = 0, domainHttp = 0, dispatchHttp = 0, flowHttp = 0] = await freePorts(4);
  const DATABASE_URL = await programs.database('domain', 'looped');
  const tokens = join(programs.folder, 'loop-tokens');
  await writeFile(tokens, 'secret\n');
  const engine = await startEngine();
  engine.redelivers = true;
  const flow = await programs.start('process', 'serve', {
    ENGINE_URL: engine.url,
    ENGINE_AUTH: 'none',
    WORK_URL: `http://127.0.0.1:${domainHttp}`,
    HTTP_ADDRESS: `127.0.0.1:${flowHttp}`,
    RETRY_BACKOFF: '100ms',
    ACCEPT_CALLERS: tokens,
    SERVICE_TOKEN_FILE: tokens,
  });
  try {
    await programs.ready(flowHttp);
    engine.jobs.push({
      jobKey: '1',
      type: 'items.work.request.v1',
      processInstanceKey: '22',
      elementId: 'RequestWork',
      elementInstanceKey: '33',
      tenantId: '<default>',
      retries: 3,
      variables: { title: 'First', caller: { tenant: 'acme', subject: 'alice' } },
    });
    // The domain is not there yet.
    await programs.until('two failures', async () => engine.reports[1]);
    await programs.start('domain', 'serve', {
      DATABASE_URL,
      GRPC_ADDRESS: `127.0.0.1:${grpc}`,
      HTTP_ADDRESS: `127.0.0.1:${domainHttp}`,
      ACCEPT_CALLERS: tokens,
    });
    await programs.start('domain', 'dispatch', {
      DATABASE_URL,
      HTTP_ADDRESS: `127.0.0.1:${dispatchHttp}`,
      EVENTS_URL: `http://127.0.0.1:${flowHttp}/v1/events`,
      SERVICE_TOKEN_FILE: tokens,
    });
    const done = await programs.until('the completion', async () =>
      engine.reports.find(({ verb }) => verb === 'completion'),
    );
    const { work_id: id } = done.body.variables as { work_id: string };
    expect(await programs.until('the message', async () => engine.messages[0])).toEqual({
      name: 'items.work.completed.v1',
      correlationKey: id,
      messageId: expect.stringMatching(/.+/),
      timeToLive: 3_600_000,
      variables: { item: expect.stringMatching(/^item\/.+/) },
    });
    const failures = engine.reports.filter(({ verb }) => verb === 'failure');
    expect(failures.map(({ body }) => body.retries)).toEqual(failures.map(() => 3));
    expect(engine.faults).toEqual([]);
  } finally {
    await flow.stop();
    await engine.stop();
  }
}, 300_000);

/** Starts services of a compose file and what they need as Docker Compose would, but as programs of this machine. */
function composeUp(
  { services }: ComposeProject,
  ports: Readonly<Record<string, number>>,
  tokens: string,
): (service: string) => Promise<void> {
  const local = (value: string) =>
    Object.entries(ports)
      .reduce((text, [name, port]) => text.replaceAll(`://${name}:8080`, `://127.0.0.1:${port}`), value)
      .replaceAll('/run/tokens', tokens)
      .replaceAll('postgres@postgres:5432', new URL(programs.postgres.url).host.replace(/^/, 'postgres@'))
      .replaceAll('--host=postgres', `--host=127.0.0.1 --port=${new URL(programs.postgres.url).port}`);
  const shell = { env: { PATH: `${dirname(realpathSync(tool('postgres')))}:${process.env.PATH}` } };
  const started = new Map<string, Promise<void>>();
  const start = async (name: string): Promise<void> => {
    const { entrypoint, command, environment = {}, depends_on = {} } = services[name] ?? {};
    await Promise.all(Object.keys(depends_on).map(up));
    // The one that tests share.
    if (name === 'postgres') return;
    const [program, ...args] = (entrypoint ?? []).map(local);
    if (program !== undefined) return void (await run(program, args, shell));
    const [service = '', process = 'serve'] = name.split('.');
    const set = Object.entries(environment).filter(([, value]) => value !== null);
    const env = Object.fromEntries(set.map(([key, value]) => [key, local(value ?? '')]));
    const kind = service.split('-')[0] ?? '';
    const isOnce = Object.values(services).some(
      (other) => other.depends_on?.[name]?.condition === 'service_completed_successfully',
    );
    if (isOnce) return void (await run(programs.binary(kind), [...(command ?? [])], { env }));
    const HTTP_ADDRESS = `127.0.0.1:${ports[name]}`;
    const GRPC_ADDRESS = `127.0.0.1:${ports[`${name}.grpc`] ?? 0}`;
    await programs.start(kind, process, { ...env, HTTP_ADDRESS, GRPC_ADDRESS });
  };
  const up = (name: string) => {
    const known = started.get(name) ?? start(name);
    started.set(name, known);
    return known;
  };
  return up;
}

test('what generate makes of the repository starts a projection with its domain and tokens', async () => {
  await using repo = await scaffoldRepo();
  for (const kind of ['domain', 'projection', 'integration'])
    await scaffold(repo.root, {
      kind,
      name: 'items',
      inputs: kind === 'domain' ? {} : { source: 'domain/items' },
    });
  await composeChange(repo.root, { wanted: true });
  const [domain = 0, grpc = 0, dispatch = 0, projection = 0] = await freePorts(4);
  const ports = {
    'domain-items': domain,
    'domain-items.grpc': grpc,
    'domain-items.dispatch': dispatch,
    'projection-items': projection,
  };
  const tokens = join(programs.folder, 'composed');
  await mkdir(tokens);
  const up = composeUp(await readComposed(repo.root), ports, tokens);
  await Promise.all([up('projection-items'), up('domain-items')]);
  await Promise.all([domain, dispatch, projection].map(programs.ready));

  const as = async (name: string) => ({
    authorization: `Bearer ${await readFile(join(tokens, name), 'utf8')}`,
    'tenant-id': 'acme',
    'content-type': 'application/json',
  });
  const create = (headers: Record<string, string>) =>
    fetch(`http://127.0.0.1:${domain}/acme.domain.items.v1.ItemsService/CreateItem`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ requestId: 'r1', title: 'First' }),
    });
  expect((await create({ 'tenant-id': 'acme', 'content-type': 'application/json' })).status).toBe(401);
  expect((await create(await as('integration-items'))).status).toBe(200);
  expect((await create(await as('developer'))).status).toBe(200);
  const list = async (name: string) =>
    fetch(`http://127.0.0.1:${projection}/v1/items`, { headers: await as(name) });
  const items = await programs.until('the event', async () => {
    const found = (await (await list('developer')).json()) as { items: { title: string }[] };
    return found.items.length > 0 ? found.items : undefined;
  });
  expect(items.map(({ title }) => title)).toEqual(['First']);
  // It sends events, and does not query.
  expect((await list('domain-items.to.projection-items')).status).toBe(401);

  // A second start keeps the tokens and the databases.
  const before = await readFile(join(tokens, 'developer'), 'utf8');
  const again = composeUp(await readComposed(repo.root), ports, tokens);
  await Promise.all([again('tokens'), again('postgres.databases')]);
  expect(await readFile(join(tokens, 'developer'), 'utf8')).toBe(before);
  expect(before).toMatch(/^[A-Za-z0-9]{30,43}$/);
}, 300_000);

test('a start without settings names what is missing', async () => {
  for (const [kind, command, missing] of [
    ['domain', 'serve', 'ACCEPT_CALLERS'],
    ['domain', 'dispatch', 'EVENTS_URL'],
    ['projection', 'serve', 'ACCEPT_CALLERS'],
    ['projection', 'migrate', 'DATABASE_URL'],
    ['integration', 'serve', 'RESOURCE_URL'],
    ['integration', 'stdio', 'TENANT_ID'],
  ] as const) {
    const { code, stderr } = await attempt(programs.binary(kind), [command], {
      env: { DATABASE_URL: '' },
    });
    expect(code).toBe(1);
    expect(JSON.parse(stderr)).toMatchObject({
      level: 'ERROR',
      msg: 'failed',
      error: expect.stringContaining(missing),
    });
  }
});
