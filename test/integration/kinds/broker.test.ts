import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Nats, startNats } from '../../support/services/nats.ts';
import { freePorts } from '../../support/services/ports.ts';
import { run } from '../../support/services/run.ts';
import type { Program } from '../../support/services/service.ts';
import { go, scaffold, write } from './go-kinds-lab.ts';
import { type GoPrograms, startGoPrograms } from './go-kinds-programs.ts';

// A domain whose owner adds JetStream as its README says, and a real server.

let programs: GoPrograms;
let nats: Nats;
/** The program of the domain with the broker. */
let domain: string;
/** Creates and reads streams. */
let reader: string;

beforeAll(async () => {
  programs = await startGoPrograms(['domain']);
  nats = await startNats();
  const module = join(programs.folder, 'domain');
  await addBroker(module);
  domain = programs.binary('domain');
  reader = join(programs.folder, 'broker.bin');
  await mkdir(join(module, 'broker'));
  await copyFile(join(import.meta.dirname, 'broker/main.go'), join(module, 'broker/main.go'));
  await build(module, domain, './cmd/server');
  await build(module, reader, './broker');
}, 600_000);

afterAll(async () => {
  await programs?.[Symbol.asyncDispose]();
  await nats?.stop();
});

/** What the README says. */
async function addBroker(module: string): Promise<void> {
  const readme = await readFile(join(module, 'README.md'), 'utf8');
  const [, section = ''] = /### Broker\n([\s\S]*?)\n## /.exec(readme) ?? [];
  const [, get = ''] = /^go (get \S+)$/m.exec(section) ?? [];
  const got = await go(module, get.split(' '), { GOFLAGS: '', GOSUMDB: 'off' });
  expect(got).toMatchObject({ code: 0 });
  const goMod = await readFile(join(module, 'go.mod'));
  const { files } = await scaffold('domain', 'items', {}, undefined, undefined, goMod);
  const written = [...files].filter(([path]) => path.startsWith('internal/platform/jetstream/'));
  expect(written.map(([, { owner }]) => owner)).toEqual(['generated']);
  await write(module, new Map(written));

  const edit = async (path: string, from: string, to: string) => {
    const text = await readFile(join(module, path), 'utf8');
    expect(text).toContain(from);
    await writeFile(
      join(module, path),
      text.replace(from, () => to),
    );
  };
  await edit('internal/config/config.go', '"http", "https"}', '"http", "https", "nats"}');
  const [, block = ''] = /```go\n([\s\S]*?)```/.exec(section) ?? [];
  const loop = 'for name, address := range cfg.Consumers {\n';
  await edit('cmd/server/main.go', loop, loop + block);
  await edit('cmd/server/main.go', '\t"syscall"\n', '\t"strings"\n\t"syscall"\n');
  const own = '\t"github.com/acme/app/primitives/domain/items/internal/platform/lifecycle"\n';
  await edit('cmd/server/main.go', own, own.replace('lifecycle', 'jetstream') + own);
  expect(await go(module, ['mod', 'tidy'], { GOFLAGS: '', GOSUMDB: 'off' })).toMatchObject({ code: 0 });
  expect(await go(module, ['vet', '-tags=integration', './...'])).toEqual({
    code: 0,
    stdout: '',
    stderr: '',
  });
}

async function build(module: string, output: string, what: string): Promise<void> {
  expect(await go(module, ['build', '-o', output, what])).toEqual({ code: 0, stdout: '', stderr: '' });
}

interface Message {
  readonly subject: string;
  readonly header: Readonly<Record<string, readonly string[]>>;
  readonly event: { readonly id: string; readonly sequence: string; readonly type: string };
}

async function messages(stream: string): Promise<readonly Message[]> {
  const lines = await run(reader, ['read', nats.url, stream]);
  return lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Message);
}

/** A domain with a database of its own, whose only consumer is a stream. */
async function startDomain(name: string) {
  const [grpc = 0, http = 0, dispatching = 0] = await freePorts(3);
  const DATABASE_URL = await programs.database('domain', name);
  await programs.start('domain', 'serve', {
    DATABASE_URL,
    GRPC_ADDRESS: `127.0.0.1:${grpc}`,
    HTTP_ADDRESS: `127.0.0.1:${http}`,
    ACCEPT_CALLERS: 'anyone:acme.example',
  });
  await programs.ready(http);
  const dispatch = async () => {
    const program = await programs.start('domain', 'dispatch', {
      DATABASE_URL,
      HTTP_ADDRESS: `127.0.0.1:${dispatching}`,
      EVENTS_URL: `broker=${nats.url}/${name}`,
    });
    await programs.ready(dispatching);
    return program;
  };
  const call = async (method: string, body: object) => {
    const answer = await fetch(`http://127.0.0.1:${http}/acme.domain.items.v1.ItemsService/${method}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'tenant-id': 'acme.example' },
      body: JSON.stringify(body),
    });
    expect([method, answer.status]).toEqual([method, 200]);
    return ((await answer.json()) as { item: { id: string } }).item.id;
  };
  const operate = (...args: string[]) => run(domain, args, { env: { DATABASE_URL } });
  const waiting = async () => {
    const [line = ''] = (await operate('subscriptions', 'list')).split('\n');
    return JSON.parse(line) as { name: string; waiting: number; dead: number };
  };
  const settled = () =>
    programs.until('all is delivered', async () => ((await waiting()).waiting === 0 ? true : undefined));
  return { dispatch, call, operate, waiting, settled };
}

test('nothing is lost, doubled or out of order while both sides are killed', async () => {
  await run(reader, ['create', nats.url, 'KILLED', 'killed.>']);
  const { dispatch, call, settled, operate } = await startDomain('killed');
  let dispatcher: Program = await dispatch();
  let over = false;
  const [items, renames] = [12, 40];
  const commands = Promise.all(
    Array.from({ length: items }, async (_, nth) => {
      const id = await call('CreateItem', { requestId: `r${nth}`, title: 'First' });
      for (let version = 1; version <= renames; version++)
        await call('RenameItem', { id, title: `Title ${version}`, version: String(version) });
    }),
  ).finally(() => {
    over = true;
  });
  const killDispatcher = async () => {
    process.kill(dispatcher.pid, 'SIGKILL');
    await dispatcher.exit;
  };
  let kills = 0;
  const delivered = async (more: number) => {
    const before = await count();
    await programs.until('more is delivered', async () =>
      over || (await count()) >= before + more ? true : undefined,
    );
  };
  const count = async () => {
    const [row = '0'] = await programs.postgres.execute(
      'SELECT sum(delivered) FROM killed.outbox_deliveries',
    );
    return Number(row);
  };
  while (!over) {
    await delivered(30);
    if (kills % 3 !== 1) await killDispatcher();
    if (kills % 3 !== 0) await nats.kill();
    if (kills % 3 !== 0) await nats.start();
    if (kills % 3 !== 1) dispatcher = await dispatch();
    kills += 1;
  }
  await commands;
  await settled();
  expect(kills).toBeGreaterThanOrEqual(3);

  const found = await messages('KILLED');
  const ids = found.map(({ event }) => event.id);
  const saved = await programs.postgres.execute('SELECT message_id FROM killed.outbox');
  expect(ids.toSorted()).toEqual([...saved].sort());
  expect(found.map(({ header }) => header['Nats-Msg-Id'])).toEqual(ids.map((id) => [id]));
  const sequences = Map.groupBy(found, ({ subject }) => subject);
  expect(sequences.size).toBe(items);
  for (const [subject, all] of sequences) {
    expect(subject).toMatch(/^killed\.acme%2Eexample\.item\.[^.]+$/);
    expect(all.map(({ event }) => event.sequence)).toEqual(
      Array.from({ length: renames + 1 }, (_, n) => String(n + 1)),
    );
  }

  // What is sent again is dropped by its id.
  await operate('events', 'replay');
  await programs.until('the end of the replay', async () =>
    (await operate('events', 'replays')).includes('"state":"done"') ? true : undefined,
  );
  expect((await messages('KILLED')).map(({ event }) => event.id)).toEqual(ids);
}, 300_000);

test('an event waits for its stream and for the broker, and is dead if it is too large', async () => {
  const { dispatch, call, operate, waiting, settled } = await startDomain('waiting');
  await dispatch();
  await call('CreateItem', { requestId: 'r1', title: 'First' });
  const log = async () =>
    (await Promise.all(programs.logs('domain', 'dispatch').map((file) => readFile(file, 'utf8')))).join('');
  await programs.until('an unavailable consumer', async () =>
    /no response from stream/.test(await log()) ? true : undefined,
  );
  expect(await waiting()).toMatchObject({ name: 'broker', waiting: 1, dead: 0 });
  await run(reader, ['create', nats.url, 'WAITING', 'waiting.>']);
  await settled();

  await nats.kill();
  await call('CreateItem', { requestId: 'r2', title: 'Second' });
  await call('CreateItem', { requestId: 'r3', title: '🚲'.repeat(200) });
  expect(await waiting()).toMatchObject({ waiting: 2, dead: 0 });
  await nats.start();
  await programs.until('the dead event', async () => ((await waiting()).dead === 1 ? true : undefined));
  await programs.until('the other one', async () => ((await waiting()).waiting === 1 ? true : undefined));
  expect(JSON.parse(await operate('events', 'list'))).toMatchObject({
    dead: true,
    lastError: expect.stringContaining('exceeds maximum'),
  });
  expect(await messages('WAITING')).toHaveLength(2);
}, 300_000);
