import type { IncomingHttpHeaders } from 'node:http';
import { bodyOf, serve } from './http.ts';
import { type Service, stopper } from './service.ts';

/** A message of a conversation, in the words of the chat completions API. */
export interface ChatMessage {
  readonly role: 'system' | 'developer' | 'user' | 'assistant' | 'tool';
  readonly content: unknown;
  readonly tool_calls?: readonly { readonly id: string }[];
  readonly tool_call_id?: string;
}

/** What a model says next: words, or the tool that it asks for. */
export type ChatAnswer = string | { readonly tool: string; readonly arguments: object };

/** One question to the model. */
export interface ChatRequest {
  readonly headers: IncomingHttpHeaders;
  readonly messages: readonly ChatMessage[];
  /** Names of the tools that it was offered. */
  readonly tools: readonly string[];
}

/** The chat completions API over a function; it refuses what OpenAI's server would. */
export interface ModelServer extends Service {
  /** With the path that requests are relative to. */
  readonly url: string;
  readonly key: string;
  readonly requests: readonly ChatRequest[];
  /** Requests that were refused. */
  readonly faults: readonly string[];
}

/** Starts a model that answers each conversation with `reply`. All its tool calls have the same id, as some servers do. */
export async function startModelServer(
  reply: (request: ChatRequest) => ChatAnswer | Promise<ChatAnswer>,
): Promise<ModelServer> {
  const key = 'model-key';
  const requests: ChatRequest[] = [];
  const faults: string[] = [];
  const server = await serve((incoming, outgoing) => {
    const answer = async () => {
      const { method, url, headers } = incoming;
      if (method !== 'POST' || url !== '/v1/chat/completions') throw new Error(`no ${method} ${url}`);
      if (headers.authorization !== `Bearer ${key}`) throw new Error('wrong key');
      const request = { headers, ...parse(await bodyOf(incoming)) };
      requests.push(request);
      const said = await reply(request);
      if (typeof said === 'object' && !request.tools.includes(said.tool))
        throw new Error(`the script asks for ${said.tool}, but the tools are ${request.tools.join(', ')}`);
      return completion(said);
    };
    answer().then(
      (body) => outgoing.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body)),
      (error: unknown) => {
        faults.push(String(error));
        const body = { error: { message: String(error), type: 'invalid_request_error' } };
        outgoing.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      },
    );
  });
  const stop = stopper(() => server.close());
  return { url: `${server.url}/v1/`, key, requests, faults, stop, [Symbol.asyncDispose]: stop };
}

function parse(text: string): Omit<ChatRequest, 'headers'> {
  const body = JSON.parse(text) as {
    model?: unknown;
    stream?: unknown;
    messages?: readonly ChatMessage[];
    tools?: readonly { readonly type: string; readonly function: { readonly name: string } }[];
  };
  if (typeof body.model !== 'string' || body.stream === true) throw new Error('no model, or a stream');
  const messages = body.messages ?? [];
  if (messages.length === 0) throw new Error('no messages');
  // Each tool call of an answer has to be followed by its result, before anybody speaks again.
  const open = new Set<string>();
  for (const { role, tool_calls: calls, tool_call_id: id } of messages) {
    if (role === 'tool') {
      if (!open.delete(id ?? '')) throw new Error(`a result of ${id}, which was not asked for`);
      continue;
    }
    if (open.size > 0) throw new Error(`no result of ${[...open].join(', ')}`);
    for (const call of calls ?? []) open.add(call.id);
  }
  if (open.size > 0) throw new Error(`no result of ${[...open].join(', ')}`);
  return { messages, tools: (body.tools ?? []).map((tool) => tool.function.name) };
}

function completion(said: ChatAnswer): object {
  const calls = typeof said === 'object' && {
    tool_calls: [
      {
        id: 'call_1',
        type: 'function',
        function: { name: said.tool, arguments: JSON.stringify(said.arguments) },
      },
    ],
  };
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1,
    model: 'small',
    choices: [
      {
        index: 0,
        finish_reason: calls ? 'tool_calls' : 'stop',
        message: { role: 'assistant', content: typeof said === 'string' ? said : null, ...calls },
      },
    ],
    usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
  };
}
