import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bodyOf, serve } from '../../support/services/http.ts';
import { type ChatAnswer, type ModelServer, startModelServer } from '../../support/services/model-server.ts';
import { freePort } from '../../support/services/ports.ts';
import { type Postgres, startPostgres } from '../../support/services/postgres.ts';
import { run } from '../../support/services/run.ts';
import { type Program, startProgram, untilReady } from '../../support/services/service.ts';
import { tool, toolsDir } from '../../tools/locate.ts';
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
    ACCEPT_CALLERS: 'anyone:t',
    CHECKPOINT_URL: postgres.url,
    MODEL_URL: model.url,
    MODEL_NAME: 'small',
    MODEL_API_KEY: model.key,
    TURN_TIMEOUT_SECONDS: String(TURN_SECONDS),
    DRAIN_TIMEOUT_SECONDS: '2',
  };
}

async function startAgent(
  program = python(),
  settings: Readonly<Record<string, string>> = {},
): Promise<{ url: string; program: Program }> {
  const port = await freePort();
  const env = { ...(await environment(port)), ...settings };
  const agent = startProgram(program, ['-m', MODULE], { folder, name: `agent-${port}`, env });
  const url = `http://127.0.0.1:${port}`;
  await untilReady(agent, async () => (await fetch(`${url}/readyz`)).ok);
  return { url, program: agent };
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

test('while Postgres hangs, turns end at their limit, readiness answers, and the process stops', async () => {
  const { url, program } = await startAgent();
  let thaw = () => {};
  thinks = async () => {
    thaw = postgres.freeze();
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

test('the thread of a killed process is free within the lease, and a thread of many turns stays small', async () => {
  const [first, second] = await Promise.all([startAgent(), startAgent()]);
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

    // A thread at rest has one checkpoint, whatever its length.
    for (let n = 1; n <= 12; n++) {
      thinks = async () => `Reply ${n}: ${'words '.repeat(150)}`;
      expect((await invoke(second.url, 'long', `m${n}`)).status).toBe(200);
    }
    const kept = `SELECT count(*), (SELECT count(*) FROM checkpoint_writes WHERE thread_id = 't/long'),
      (SELECT sum(length(blob)) < 50000 FROM checkpoint_blobs WHERE thread_id = 't/long')
      FROM checkpoints WHERE thread_id = 't/long'`;
    expect(await postgres.execute(kept)).toEqual(['1|0|t']);
  } finally {
    await Promise.all([first.program.stop(), second.program.stop()]);
  }
});

/** A tool, as an owner writes one. */
const TOOLS = `
from langchain_core.tools import tool

@tool
async def weather(city: str) -> str:
    """Return the weather in a city."""
    return f"sunny in {city}"

TOOLS = (weather,)
`;

test('another provider works by its package and its name', async () => {
  const asked: { path: string; authorization: string; version: string; messages: unknown[] }[] = [];
  const contents = [
    [{ type: 'tool_use', id: 'toolu_1', name: 'weather', input: { city: 'Rome' } }],
    [{ type: 'text', text: 'Sunny.' }],
  ];
  const anthropic = await serve((incoming, outgoing) => {
    bodyOf(incoming).then((body) => {
      const { headers, url: path = '' } = incoming;
      const { messages } = JSON.parse(body) as { messages: unknown[] };
      const authorization = String(headers['x-api-key'] ?? headers.authorization);
      asked.push({ path, authorization, version: String(headers['anthropic-version']), messages });
      const content = contents.shift();
      const stop = content?.[0]?.type === 'tool_use' ? 'tool_use' : 'end_turn';
      const usage = { input_tokens: 1, output_tokens: 1 };
      const about = { id: 'msg_1', type: 'message', role: 'assistant', model: 'small', stop_sequence: null };
      outgoing.writeHead(200, { 'content-type': 'application/json' });
      outgoing.end(JSON.stringify({ ...about, content, stop_reason: stop, usage }));
    });
  });
  const own = await mkdtemp(join(tmpdir(), 'agent-anthropic-'));
  try {
    const kind = await kindOf('agent');
    await writeFiles(own, new Map([...(await scaffold(kind, NAME)), ...(await reference(kind, NAME))]));
    const env = { UV_CACHE_DIR: join(toolsDir(), 'cache/kinds/uv') };
    await run(tool('uv'), ['add', '--quiet', '--no-sync', 'langchain-anthropic==1.7.10'], { cwd: own, env });
    await run(tool('uv'), ['sync', '--quiet', '--locked', '--no-dev'], { cwd: own, env });
    const adapter = join(own, 'src', MODULE, 'chat_model.py');
    const text = await readFile(adapter, 'utf8');
    await writeFile(adapter, text.replace('PROVIDER: Final = "openai"', 'PROVIDER: Final = "anthropic"'));
    await writeFile(join(own, 'src', MODULE, 'tools.py'), TOOLS);

    const settings = { MODEL_URL: anthropic.url, CHECKPOINT_URL: 'memory:', TOOL_GRANTS: 'weather' };
    const { url, program } = await startAgent(join(own, '.venv/bin/python'), settings);
    try {
      const answer = await invoke(url, 'rome', 'm1');
      expect([answer.status, answer.body.reply]).toEqual([200, 'Sunny.']);
    } finally {
      await program.stop();
    }
    expect(asked.map(({ path, authorization }) => [path, authorization.includes(model.key)])).toEqual([
      ['/v1/messages', true],
      ['/v1/messages', true],
    ]);
    expect(asked[0]?.version).toMatch(/^\d{4}-\d\d-\d\d$/);
    expect(asked[1]?.messages.at(-1)).toMatchObject({
      role: 'user',
      content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: 'sunny in Rome' }],
    });
  } finally {
    await anthropic.close();
    await rm(own, { recursive: true, force: true });
  }
});
