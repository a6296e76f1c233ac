import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { generateOutcome } from '../../../src/features/generate/view.ts';
import { composeChange, readComposed } from '../../support/compose.ts';
import type { TestRepository } from '../../support/git.ts';
import { scaffold, scaffoldRepo } from '../../support/scaffold-world.ts';

/** Those that have `domain/sales` as their source. */
const CALLERS = { agent: 'clerk', integration: 'desk', projection: 'board', uisurface: 'shop' };

let repo: TestRepository;
beforeAll(async () => {
  repo = await scaffoldRepo({
    'primitives/process/flow/primitive.yaml':
      'kind: process\nname: flow\nbpmn:\n  events:\n    acme.domain.sales.v1.OrderCreated:\n      message: flow.work.completed.v1\n      correlation: requestid\n',
  });
  await scaffold(repo.root, { kind: 'domain', name: 'sales', inputs: { entity: 'order' } });
  for (const [kind, name] of Object.entries({ ...CALLERS, process: 'flow' }))
    await scaffold(repo.root, { kind, name, inputs: { source: 'domain/sales' } });
  await scaffold(repo.root, { kind: 'domain', name: 'alone' });
  await repo.write({
    'primitives/service/old/primitive.yaml':
      'schema: primitive.primitive/v1\nkind: service\nname: old\nbuild: { dockerfile: Containerfile, args: { PRICE: "$5" } }\nrun: { port: 3000, live: /up, ready: /up, drainSeconds: 1 }\n',
    'primitives/service/old/Containerfile': 'FROM scratch\n',
  });
});
afterAll(async () => {
  await repo?.[Symbol.asyncDispose]();
});

test('all primitives of a repository are in a file that Docker Compose reads', async () => {
  expect(await composeChange(repo.root, { wanted: true })).toBe('created');
  const { services } = await readComposed(repo.root, { MODEL_NAME: 'tiny' });
  expect(Object.keys(services).sort()).toEqual([
    'agent-clerk',
    'agent-clerk.migrate',
    'domain-alone',
    // Nobody takes its events.
    'domain-alone.migrate',
    'domain-sales',
    'domain-sales.dispatch',
    'domain-sales.migrate',
    'integration-desk',
    'postgres',
    'postgres.databases',
    'process-flow',
    'process-flow.deploy',
    'projection-board',
    'projection-board.migrate',
    'service-old',
    'tokens',
    'uisurface-shop',
  ]);
  // What the environment has not is not set, so that the program says what is missing.
  expect(services['agent-clerk']?.environment).toEqual({
    ACCEPT_CALLERS: '/run/tokens/agent-clerk.callers',
    CHECKPOINT_URL: 'postgres://postgres@postgres:5432/agent_clerk?sslmode=disable',
    COMMANDS_URL: 'http://domain-sales:8080',
    MODEL_API_KEY: null,
    MODEL_NAME: 'tiny',
    MODEL_URL: null,
    OTEL_EXPORTER_OTLP_ENDPOINT: null,
    SERVICE_TOKEN_FILE: '/run/tokens/agent-clerk',
  });
  expect(services['domain-sales.dispatch']?.environment).toMatchObject({
    EVENTS_URL:
      'process-flow=http://process-flow:8080/v1/events projection-board=http://projection-board:8080/v1/events',
  });
  // Neither can use its token for the other.
  expect(services['domain-sales.dispatch']?.environment).toMatchObject({
    SERVICE_TOKEN_FILE_PROCESS_FLOW: '/run/tokens/domain-sales.to.process-flow',
    SERVICE_TOKEN_FILE_PROJECTION_BOARD: '/run/tokens/domain-sales.to.projection-board',
  });
  expect(services['integration-desk']?.environment).toMatchObject({
    QUERY_URL: 'http://projection-board:8080/v1/orders',
    REQUEST_URL: 'http://domain-sales:8080',
  });
  expect(services['uisurface-shop']?.environment).toMatchObject({
    COMMANDS_URL: 'http://domain-sales:8080',
    QUERIES_URL: 'http://projection-board:8080/v1',
  });
  expect(services['process-flow']?.environment).toMatchObject({ WORK_URL: 'http://domain-sales:8080' });
  expect(services['service-old']?.build).toMatchObject({
    dockerfile: 'Containerfile',
    args: { PRICE: '$5' },
  });
  expect(services['service-old']?.ports).toMatchObject([{ host_ip: '127.0.0.1', target: 3000 }]);
});

test('a primitive starts with what it needs', async () => {
  const { services } = await readComposed(repo.root);
  const needed = (name: string, found = new Set<string>()): ReadonlySet<string> => {
    for (const other of Object.keys(services[name]?.depends_on ?? {}))
      if (!found.has(other)) needed(other, found.add(other));
    return found;
  };
  expect([...needed('uisurface-shop')].sort()).toEqual([
    'domain-sales',
    'domain-sales.dispatch',
    'domain-sales.migrate',
    'postgres',
    'postgres.databases',
    'projection-board',
    'projection-board.migrate',
    'tokens',
  ]);
  expect([...needed('domain-alone')].sort()).toEqual([
    'domain-alone.migrate',
    'postgres',
    'postgres.databases',
    'tokens',
  ]);
  expect(services['domain-sales']?.depends_on).toMatchObject({
    'domain-sales.migrate': { condition: 'service_completed_successfully' },
    tokens: { condition: 'service_completed_successfully' },
  });
});

test('the file follows the primitives, has the same bytes each time, and is never a person`s', async () => {
  const file = join(repo.root, 'compose.yaml');
  const before = await readFile(file, 'utf8');
  expect(await composeChange(repo.root)).toBe('unchanged');
  await scaffold(repo.root, { kind: 'projection', name: 'labels', inputs: { source: 'domain/sales' } });
  expect(await composeChange(repo.root, { check: true })).toBe('changed');
  expect(await readFile(file, 'utf8')).toBe(before);
  expect(await composeChange(repo.root)).toBe('changed');
  expect(
    (await readComposed(repo.root)).services['domain-sales.dispatch']?.environment?.EVENTS_URL,
  ).toContain('projection-labels=http://projection-labels:8080/v1/events');
  await appendFile(file, '# Mine.\n');
  expect(await composeChange(repo.root, { check: true })).toBe('changed');

  const own = 'services: {}\n';
  await writeFile(file, own);
  expect(await composeChange(repo.root)).toBeUndefined();
  await expect(composeChange(repo.root, { wanted: true })).rejects.toMatchObject({
    code: 'generator-output',
  });
  expect(await readFile(file, 'utf8')).toBe(own);
});

test('a check fails if the file is not up to date', () => {
  const outcome = (change: 'changed' | 'unchanged', written: boolean) =>
    generateOutcome({
      schema: 'primitive.generate/v1',
      generated: [],
      compose: { path: 'compose.yaml', change },
      written,
    });
  expect(outcome('changed', false).exit).toBe(1);
  expect(outcome('unchanged', false).exit).toBe(0);
  expect(outcome('changed', true).exit).toBe(0);
});
