import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Engine } from '../../support/services/engine.ts';
import type { ChatAnswer, ChatRequest } from '../../support/services/model-server.ts';
import { run } from '../../support/services/run.ts';
import { tool } from '../../tools/locate.ts';
import { JOB_TIMEOUT_SECONDS } from './system.ts';

/** On whose behalf something is done, and as part of which trace. */
export interface Caller {
  readonly tenant: string;
  readonly subject: string;
  /** 32 hexadecimal digits. */
  readonly trace: string;
}

export function callerOf(tenant: string, subject: string): Caller {
  return { tenant, subject, trace: randomBytes(16).toString('hex') };
}

/** What a gateway adds to the requests of a caller. */
export function headersOf({ tenant, subject, trace }: Caller): Record<string, string> {
  return {
    'tenant-id': tenant,
    'subject-id': subject,
    traceparent: `00-${trace}-${randomBytes(8).toString('hex')}-01`,
  };
}

/** What orders are made with. */
export interface Ordering {
  readonly services: Readonly<
    Record<'orders' | 'fulfilment' | 'concierge' | 'shop', { readonly url: string }>
  >;
  readonly engine: Engine;
  /** What the services accept. */
  token(of: 'test'): string;
}

/** The ways in which an order is made. Each repeats what it does until it succeeded, as people and programs do. */
export const WAYS = { page: orderOnPage, process: orderByProcess, agent: orderByAgent } as const;
export type Way = keyof typeof WAYS;

/** Fills in the form, and sends the same until it is taken. */
async function orderOnPage(system: Ordering, caller: Caller, title: string): Promise<void> {
  const { shop } = system.services;
  const action = await until(`a form for ${title}`, async () =>
    formAction(await page(system, '/new', caller)),
  );
  await until(`the form of ${title} is taken`, async () => {
    const { status } = await fetch(`${shop.url}${action}`, {
      method: 'POST',
      headers: { ...proxyHeaders(system, caller), origin: shop.url },
      body: new URLSearchParams({ title }),
      redirect: 'manual',
    });
    return status === 303 || refused(status, 'the form');
  });
}

/** The text of a page of the shop. */
export async function page(system: Ordering, path: string, caller: Caller): Promise<string> {
  const answer = await fetch(`${system.services.shop.url}${path}`, { headers: proxyHeaders(system, caller) });
  if (answer.status !== 200) throw new Error(`${path} has status ${answer.status}`);
  return answer.text();
}

/** What the proxy before the shop adds to requests. */
export function proxyHeaders(system: Ordering, caller: Caller): Record<string, string> {
  return { ...headersOf(caller), authorization: `Bearer ${system.token('test')}` };
}

/** Where a form is sent to. */
export function formAction(form: string): string | undefined {
  return /<form method="post" action="([^"]*)">/.exec(form)?.[1];
}

let requests = 0;

/** Starts the process, and has the engine hand its job out until it is completed. */
async function orderByProcess(system: Ordering, caller: Caller, title: string): Promise<void> {
  const id = String(++requests);
  const messageId = `request-${id}`;
  await until(`the message for ${title}`, async () => {
    const { status } = await fetch(`${system.services.fulfilment.url}/v1/messages/fulfilment.requested.v1`, {
      method: 'POST',
      headers: { ...headersOf(caller), authorization: `Bearer ${system.token('test')}` },
      body: JSON.stringify({ messageId, variables: { title } }),
    });
    return status === 204 || refused(status, 'the message');
  });
  const message = system.engine.messages.find((published) => published.messageId === messageId);
  await complete(system, id, message?.variables as Record<string, unknown>);
}

/**
 * Hands a job out until it is completed, again when it failed or its lock ended, as Zeebe does. When no retry is left,
 * there is an incident, which an operator resolves once the domain is ready again.
 */
async function complete(
  { engine, services }: Ordering,
  jobKey: string,
  variables: Record<string, unknown>,
): Promise<void> {
  const reported = () => engine.reports.filter((report) => report.jobKey === jobKey);
  for (let retries = 3; ; ) {
    const seen = reported().length;
    engine.jobs.push({
      jobKey,
      type: 'fulfilment.work.request.v1',
      processInstanceKey: jobKey,
      elementId: 'RequestWork',
      elementInstanceKey: jobKey,
      tenantId: '<default>',
      retries,
      variables,
    });
    const lockEnds = performance.now() + JOB_TIMEOUT_SECONDS * 1000;
    const report = await until(`a report of job ${jobKey}`, async () => {
      const [next] = reported().slice(seen);
      return next ?? (performance.now() > lockEnds && ('lock ended' as const));
    });
    if (report === 'lock ended') continue;
    if (report.verb === 'completion') return;
    if (report.verb !== 'failure') throw new Error(`job ${jobKey} ended with ${JSON.stringify(report)}`);
    await sleep(Number(report.body.retryBackOff));
    retries = Number(report.body.retries);
    if (retries > 0) continue;
    await until('the domain is ready', async () => (await fetch(`${services.orders.url}/readyz`)).ok);
    retries = 1;
  }
}

let messages = 0;

/** Asks the agent, with the same message until there is a reply. */
async function orderByAgent(system: Ordering, caller: Caller, title: string): Promise<void> {
  const reply = await ask(system, caller, `order: ${title}`);
  if (!reply.includes('"status":"accepted"'))
    throw new Error(`the agent ordered ${title}, and says: ${reply}`);
}

/** The reply of the agent to a message in a thread of its own. */
export async function ask({ services, token }: Ordering, caller: Caller, message: string): Promise<string> {
  const id = ++messages;
  const body = JSON.stringify({ thread_id: `${caller.tenant}/orders/${id}`, message_id: `m${id}`, message });
  return until(`a reply to ${message}`, async () => {
    const answer = await fetch(`${services.concierge.url}/invoke`, {
      method: 'POST',
      headers: {
        ...headersOf(caller),
        authorization: `Bearer ${token('test')}`,
        'content-type': 'application/json',
      },
      body,
    });
    if (answer.status === 200) return ((await answer.json()) as { reply: string }).reply;
    return answer.status === 409 ? undefined : refused(answer.status, 'the message');
  });
}

/** Calls the domain over gRPC; buf learns the service by reflection. */
export async function orderByGrpc(
  { grpcUrl, token }: { readonly grpcUrl: string; token(of: 'test'): string },
  caller: Caller,
  title: string,
): Promise<void> {
  const authorization = `authorization: Bearer ${token('test')}`;
  const headers = Object.entries(headersOf(caller)).map(([name, value]) => `${name}: ${value}`);
  await run(tool('buf'), [
    ...['curl', '--protocol', 'grpc', '--http2-prior-knowledge', '--reflect-header', authorization],
    ...[authorization, ...headers].flatMap((header) => ['-H', header]),
    ...['-d', JSON.stringify({ requestId: `grpc-${++requests}`, title })],
    `${grpcUrl}/acme.domain.orders.v1.OrdersService/CreateOrder`,
  ]);
}

/** What the model says: it asks for the tool that the message names, and repeats what the tool answered. */
export function script({ messages: said }: ChatRequest): ChatAnswer {
  const last = said.at(-1);
  const text = String(last?.content);
  if (last?.role === 'tool') return text;
  const [, verb, about = ''] = /^(order|find): (.*)$/.exec(text) ?? [];
  if (verb === 'order') return { tool: 'order_something', arguments: { title: about } };
  return { tool: 'find_order', arguments: { order_id: about } };
}

/** 4xx is the last word; what else failed is tried again. */
function refused(status: number, what: string): undefined {
  if (status >= 400 && status < 500) throw new Refused(`${what} has been refused: ${status}`);
}

class Refused extends Error {}

/** What `find` gives once that is neither undefined, false nor an error. */
export async function until<T>(what: string, find: () => Promise<T | undefined | false>): Promise<T> {
  let last: unknown;
  for (const deadline = performance.now() + 240_000; performance.now() < deadline; await sleep(25)) {
    try {
      const found = await find();
      if (found !== undefined && found !== false) return found;
    } catch (error) {
      if (error instanceof Refused) throw error;
      last = error;
    }
  }
  throw new Error(`${what}: not within four minutes`, { cause: last });
}
