import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ChatAnswer, type ModelServer, startModelServer } from '../../support/services/model-server.ts';
import { freePort } from '../../support/services/ports.ts';
import { type Postgres, startPostgres } from '../../support/services/postgres.ts';
import { run } from '../../support/services/run.ts';
import { type Program, startProgram, untilReady } from '../../support/services/service.ts';
import { kindOf, reference, scaffold, syncPython, writeFiles } from './python-ts-kinds-workbench.ts';

/** Of no other test's agent: in the environment that they share, Python knows one package of a name. */
const NAME = 'patient';
const MODULE = 'acme_agent_patient';
const TURN_SECONDS = 5;

let folder: string;
let postgres: Postgres;
let model: ModelServer;
/** What the model does before it answers. */
let thinks: () => Promise<ChatAnswer> = async () => 'Hello!';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'agent-'));
  const kind = await kindOf('agent');
  await writeFiles(folder, new Map([...(await scaffold(kind, NAME)), ...(await reference(kind, NAME))]));
  await syncPython(folder);
  postgres = await startPostgres();
  model = await startModelServer(() => thinks());
  await run(python(), ['-m', MODULE, 'migrate'], { cwd: folder, env: await environment(1) });
});
afterAll(async () => {
  await model?.stop();
  await postgres?.stop();
  await rm(folder, { recursive: true, force: true });
});

const python = () => join(folder, '.venv/bin/python');

async function environment(port: number): Promise<Record<string, string>> {
  return {
    PORT: String(port),
    ACCEPT_CALLERS: 'anyone',
    CHECKPOINT_URL: postgres.url,
    MODEL_URL: model.url,
    MODEL_NAME: 'small',
    MODEL_API_KEY: model.key,
    TURN_TIMEOUT_SECONDS: String(TURN_SECONDS),
    DRAIN_TIMEOUT_SECONDS: '2',
  };
}

async function startAgent(): Promise<{ url: string; program: Program }> {
  const port = await freePort();
  const env = await environment(port);
  const program = startProgram(python(), ['-m', MODULE], { folder, name: `agent-${port}`, env });
  const url = `http://127.0.0.1:${port}`;
  await untilReady(program, async () => (await fetch(`${url}/readyz`)).ok);
  return { url, program };
}

interface Answer {
  readonly status: number;
  readonly type: string | null;
  readonly retryAfter: string | null;
  readonly body: { readonly reply?: string; readonly code?: string };
  readonly seconds: number;
}

async function invoke(url: string, thread: string, messageId: string): Promise<Answer> {
  const start = performance.now();
  const answer = await fetch(`${url}/invoke`, {
    method: 'POST',
    headers: { 'tenant-id': 't', 'content-type': 'application/json' },
    body: JSON.stringify({ thread_id: `t/${thread}`, message_id: messageId, message: 'Hi' }),
  });
  return {
    status: answer.status,
    type: answer.headers.get('content-type'),
    retryAfter: answer.headers.get('retry-after'),
    body: (await answer.json()) as Answer['body'],
    seconds: (performance.now() - start) / 1000,
  };
}

/** Stops every process of Postgres where it is: connections stay open, and nothing is answered. */
async function freeze(): Promise<() => void> {
  const [server = ''] = await postgres.execute(
    `SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)`,
  );
  const children: number[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    if (stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] === server) children.push(Number(pid));
  }
  const all = [Number(server), ...children];
  for (const pid of all) process.kill(pid, 'SIGSTOP');
  return () => {
    for (const pid of all) process.kill(pid, 'SIGCONT');
  };
}

test('while Postgres hangs, turns end at their limit, readiness answers, and the process stops', async () => {
  const { url, program } = await startAgent();
  let thaw = () => {};
  thinks = async () => {
    thaw = await freeze();
    thinks = async () => 'Hello!';
    return 'Never stored';
  };
  try {
    const during = await invoke(url, 'frozen', 'm1');
    const after = await invoke(url, 'another', 'm1');
    for (const { status, type, body, seconds } of [during, after]) {
      expect([status, body.code]).toEqual(status === 503 ? [503, 'store_unavailable'] : [504, 'out_of_time']);
      expect(type).toBe('application/problem+json');
      expect(seconds).toBeLessThan(TURN_SECONDS + 2);
    }
    const start = performance.now();
    const probes = await Promise.all(
      ['/readyz', '/livez'].map(async (path) => (await fetch(url + path)).status),
    );
    expect([probes, performance.now() - start < 4000]).toEqual([[503, 200], true]);

    const last = invoke(url, 'last', 'm1');
    await sleep(500);
    process.kill(program.pid, 'SIGTERM');
    const draining = performance.now();
    expect((await last).body.code).toMatch(/out_of_time|store_unavailable/);
    expect(await program.exit).toBe(0);
    // Two seconds to drain, one to release the thread, one to close the store, and time to end.
    expect(performance.now() - draining).toBeLessThan(7000);
  } finally {
    thaw();
    await program.stop();
  }

  const next = await startAgent();
  try {
    let again = await invoke(next.url, 'frozen', 'm1');
    for (; again.status === 409; again = await invoke(next.url, 'frozen', 'm1')) await sleep(500);
    expect([again.status, again.body.reply]).toEqual([200, 'Hello!']);
  } finally {
    await next.program.stop();
  }
});

test('the thread of a killed process is free within the lease', async () => {
  const first = await startAgent();
  const second = await startAgent();
  try {
    const asked = Promise.withResolvers<void>();
    thinks = async () => {
      asked.resolve();
      thinks = async () => 'Hello!';
      return new Promise<ChatAnswer>(() => {});
    };
    const lost = invoke(first.url, 'killed', 'm1').catch(() => 'no answer');
    await asked.promise;
    process.kill(first.program.pid, 'SIGKILL');
    const killed = performance.now();
    expect(await lost).toBe('no answer');

    const busy = await invoke(second.url, 'killed', 'm1');
    expect([busy.status, busy.body.code]).toEqual([409, 'thread_busy']);
    expect(Number(busy.retryAfter)).toBeLessThanOrEqual(15);
    let again = busy;
    for (; again.status === 409; again = await invoke(second.url, 'killed', 'm1')) await sleep(500);
    expect([again.status, again.body.reply]).toEqual([200, 'Hello!']);
    expect(performance.now() - killed).toBeLessThan(18_000);
  } finally {
    await Promise.all([first.program.stop(), second.program.stop()]);
  }
});

test('a thread of sixty turns keeps one checkpoint, and takes tens of kilobytes', async () => {
  const { url, program } = await startAgent();
  try {
    for (let n = 1; n <= 60; n++) {
      thinks = async () => `Reply ${n}: ${'words '.repeat(150)}`;
      expect((await invoke(url, 'long', `m${n}`)).status).toBe(200);
    }
    const kept = `SELECT count(*), (SELECT count(*) FROM checkpoint_writes WHERE thread_id = 't/long'),
      (SELECT sum(length(blob)) < 300000 FROM checkpoint_blobs WHERE thread_id = 't/long')
      FROM checkpoints WHERE thread_id = 't/long'`;
    expect(await postgres.execute(kept)).toEqual(['1|0|t']);
  } finally {
    await program.stop();
  }
});
