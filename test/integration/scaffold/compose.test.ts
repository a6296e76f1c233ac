import { existsSync } from 'node:fs';
import { appendFile, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
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

describe('day two', () => {
  test('what images are built of is that of the config and of primitive.yaml', async () => {
    await using other = await scaffoldRepo();
    const pinned = `ghcr.io/acme/go@sha256:${'0'.repeat(64)}`;
    await appendFile(
      join(other.root, 'primitive.config.yaml'),
      `build:
  bases: { "docker.io/library/golang:1.26": ${pinned} }
  secrets: [{ id: npm, env: NPM_TOKEN }]
`,
    );
    await other.write({
      'primitives/service/one/primitive.yaml': `kind: service\nname: one\nbuild: { secrets: [{ id: key, file: primitives/service/one/key }] }\n`,
      'primitives/service/one/key': 'not a secret\n',
      'primitives/service/two/primitive.yaml':
        'kind: service\nname: two\nbuild: { secrets: [{ id: npm, env: TWO_TOKEN }] }\n',
    });
    expect(await composeChange(other.root, { wanted: true })).toBe('created');
    const { services, secrets } = await readComposed(other.root, { NPM_TOKEN: 'a', TWO_TOKEN: 'b' });
    expect(secrets).toEqual({
      key: expect.objectContaining({ file: join(other.root, 'primitives/service/one/key') }),
      'service-one.npm': expect.objectContaining({ environment: 'NPM_TOKEN' }),
      'service-two.npm': expect.objectContaining({ environment: 'TWO_TOKEN' }),
    });
    expect(services['service-one']?.build).toMatchObject({
      additional_contexts: { 'docker.io/library/golang:1.26': `docker-image://${pinned}` },
      secrets: [
        { source: 'service-one.npm', target: 'npm' },
        { source: 'key', target: 'key' },
      ],
    });
    // The values are in no file that is committed, and its paths are those of any checkout.
    const text = await readFile(join(other.root, 'compose.yaml'), 'utf8');
    expect(text).toContain('file: ./primitives/service/one/key');
    expect(text).not.toContain(other.root);
  });

  test('a primitive that is renamed or removed leaves the file whole, and a file that was removed stays away', async () => {
    await using other = await scaffoldRepo();
    const { root } = other;
    await scaffold(root, { kind: 'domain', name: 'sales', inputs: { entity: 'order' } });
    await scaffold(root, { kind: 'projection', name: 'board', inputs: { source: 'domain/sales' } });
    await scaffold(root, { kind: 'uisurface', name: 'shop', inputs: { source: 'domain/sales' } });
    expect(await composeChange(root, { wanted: true })).toBe('created');
    const [from, to] = ['board', 'wall'].map((name) => join(root, 'primitives/projection', name));
    await rename(from ?? '', to ?? '');
    const manifest = join(to ?? '', 'primitive.yaml');
    await writeFile(manifest, (await readFile(manifest, 'utf8')).replace('name: board', 'name: wall'));
    expect(await composeChange(root, { check: true })).toBe('changed');
    expect(await composeChange(root)).toBe('changed');
    const renamed = (await readComposed(root)).services;
    expect(Object.keys(renamed).filter((name) => /board|wall/.test(name))).toEqual([
      'projection-wall',
      'projection-wall.migrate',
    ]);
    expect(renamed['uisurface-shop']?.environment?.QUERIES_URL).toBe('http://projection-wall:8080/v1');
    expect(JSON.stringify(renamed)).not.toContain('board');

    // Without its source a surface has nobody to call, and is there all the same: the program says what is missing.
    await rm(join(root, 'primitives/domain/sales'), { recursive: true });
    expect(await composeChange(root)).toBe('changed');
    const left = (await readComposed(root)).services;
    expect(Object.keys(left).filter((name) => name.includes('sales'))).toEqual([]);
    expect(left['uisurface-shop']?.environment).toMatchObject({ COMMANDS_URL: null, QUERIES_URL: null });

    await rm(join(root, 'compose.yaml'));
    expect(await composeChange(root)).toBeUndefined();
    expect(await composeChange(root, { check: true })).toBeUndefined();
    expect(existsSync(join(root, 'compose.yaml'))).toBe(false);

    for (const kind of ['projection', 'uisurface'])
      await rm(join(root, 'primitives', kind), { recursive: true });
    expect(await composeChange(root, { wanted: true })).toBe('created');
    expect((await readComposed(root)).services).toEqual({});
  });
});
