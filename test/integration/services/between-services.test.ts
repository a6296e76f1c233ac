import { afterEach, describe, expect, it } from 'vitest';
import { startGate } from '../../support/services/gate.ts';
import { bodyOf, serve } from '../../support/services/http.ts';
import { startModelServer } from '../../support/services/model-server.ts';
import { startTap } from '../../support/services/tap.ts';

const stack: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stack.splice(0)) await stop();
});

/** A server that answers with what it was sent. */
async function echo() {
  const server = await serve(async (request, response) => {
    const body = await bodyOf(request);
    response.writeHead(201, { 'x-path': request.url, 'content-type': 'text/plain' }).end(body);
  });
  stack.push(server.close);
  return server;
}

describe('tap', () => {
  it('passes requests on as they are, and keeps them', async () => {
    await using tap = await startTap((await echo()).url);
    const answer = await fetch(`${tap.url}/a?b`, {
      method: 'POST',
      body: 'hällo',
      headers: { 'x-one': '1' },
    });
    expect([answer.status, answer.headers.get('x-path'), await answer.text()]).toEqual([
      201,
      '/a?b',
      'hällo',
    ]);
    const kept = { method: 'POST', path: '/a?b', body: 'hällo' };
    expect(tap.requests).toMatchObject([{ ...kept, headers: { 'x-one': '1' } }]);
  });

  it('changes, answers or breaks off what it is told to', async () => {
    const server = await echo();
    await using tap = await startTap(server.url);
    const send = async () => (await fetch(tap.url, { method: 'POST', body: 'sent' })).text();
    tap.treat((_, passOn) => passOn('another'));
    expect(await send()).toBe('another');
    tap.treat(async () => ({ status: 200, headers: {}, body: 'made up' }));
    expect(await send()).toBe('made up');
    tap.treat(async () => undefined);
    await expect(send()).rejects.toThrow('fetch failed');
    tap.treat();
    expect(await send()).toBe('sent');
    await server.close();
    await expect(send()).rejects.toThrow('fetch failed');
  });
});

describe('gate', () => {
  it('cuts connections and refuses new ones until it is open again', async () => {
    const requested = Promise.withResolvers<void>();
    const silent = await serve(() => requested.resolve());
    stack.push(silent.close);
    await using cut = await startGate(Number(new URL(silent.url).port));
    const waiting = fetch(`http://127.0.0.1:${cut.port}`);
    await requested.promise;
    cut.shut();
    await expect(waiting).rejects.toThrow('fetch failed');

    await using gate = await startGate(Number(new URL((await echo()).url).port));
    const url = `http://127.0.0.1:${gate.port}`;
    gate.shut();
    await expect(fetch(url)).rejects.toThrow('fetch failed');
    gate.open();
    expect((await fetch(url)).status).toBe(201);
  });
});

describe('model server', () => {
  const user = { role: 'user', content: 'Hi' };
  const calls = {
    role: 'assistant',
    content: null,
    tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }],
  };
  const result = { role: 'tool', tool_call_id: 'c', content: 'done' };
  const tools = [{ type: 'function', function: { name: 'f' } }];

  it('asks for tools and says what its function returns', async () => {
    await using model = await startModelServer(({ messages }) =>
      messages.at(-1)?.role === 'tool' ? 'Hello' : { tool: 'f', arguments: { a: 1 } },
    );
    const say = async (...messages: object[]) => {
      const answer = await fetch(`${model.url}chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${model.key}` },
        body: JSON.stringify({ model: 'small', messages, tools }),
      });
      return ((await answer.json()) as { choices: { finish_reason: string; message: object }[] }).choices[0];
    };
    expect(await say(user)).toMatchObject({
      finish_reason: 'tool_calls',
      message: { tool_calls: [{ function: { name: 'f', arguments: '{"a":1}' } }] },
    });
    expect(await say(user, calls, result)).toMatchObject({
      finish_reason: 'stop',
      message: { content: 'Hello' },
    });
    expect(model.requests.map(({ tools }) => tools)).toEqual([['f'], ['f']]);
    expect(model.faults).toEqual([]);
  });

  it.each([
    ['a wrong key', 'Bearer other', { model: 'small', messages: [user] }],
    ['no model', undefined, { messages: [user] }],
    ['no messages', undefined, { model: 'small', messages: [] }],
    ['a call without its result', undefined, { model: 'small', messages: [user, calls, user] }],
    ['a result of no call', undefined, { model: 'small', messages: [user, result] }],
  ])('refuses %s', async (_, authorization, body) => {
    await using model = await startModelServer(() => 'Hello');
    const { status } = await fetch(`${model.url}chat/completions`, {
      method: 'POST',
      headers: { authorization: authorization ?? `Bearer ${model.key}` },
      body: JSON.stringify(body),
    });
    expect([status, model.faults.length]).toEqual([400, 1]);
  });
});
