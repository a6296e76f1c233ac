import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CompiledModel, compileBpmn } from '../../../src/kinds/generators/bpmn/compile.ts';
import { bodyOf, type LoopbackServer, serve } from './http.ts';

/** A job as Camunda 8.8 hands it out. */
export interface EngineJob {
  readonly jobKey: string;
  readonly type: string;
  readonly processInstanceKey: string;
  readonly elementId: string;
  readonly elementInstanceKey: string;
  readonly tenantId: string;
  readonly retries: number;
  readonly variables: Readonly<Record<string, unknown>>;
}

/** What a worker said of a job: the verb of the path, and the body. */
export interface Report {
  readonly jobKey: string;
  readonly verb: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** The part of Camunda's REST API v2 that a process uses, over jobs in memory; it refuses what the real one would. */
export interface Engine {
  readonly url: string;
  readonly jobs: EngineJob[];
  readonly reports: Report[];
  readonly messages: Readonly<Record<string, unknown>>[];
  readonly deployed: (Pick<CompiledModel, 'processIds'> & { readonly tenant: string | undefined })[];
  /** Requests that a real engine would have refused. */
  readonly faults: string[];
  /** Whether a failed job with retries is handed out again after its backoff, as by the real one. */
  redelivers: boolean;
  stop(): Promise<void>;
}

type State = Omit<Engine, 'url' | 'stop'> & {
  /** The jobs that a worker has, by key. */
  readonly taken: Map<string, EngineJob>;
};

/** Fields of request bodies by the last part of the path. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  activation: ['maxJobsToActivate', 'requestTimeout', 'tenantIds', 'timeout', 'type', 'worker'],
  completion: ['result', 'variables'],
  failure: ['errorMessage', 'retries', 'retryBackOff'],
  error: ['errorCode', 'errorMessage', 'variables'],
  publication: ['correlationKey', 'messageId', 'name', 'tenantId', 'timeToLive', 'variables'],
};

/** Starts an engine without a job. */
export async function startEngine(): Promise<Engine> {
  const state: State = {
    jobs: [],
    reports: [],
    messages: [],
    deployed: [],
    faults: [],
    redelivers: false,
    taken: new Map(),
  };
  const stopping = new AbortController();
  const server: LoopbackServer = await serve((request, response) => {
    void answer(request, state, stopping.signal)
      .catch((error: unknown) => {
        state.faults.push(`${request.method} ${request.url}: ${error}`);
        return { status: 400, body: { title: 'INVALID_ARGUMENT', detail: String(error) } };
      })
      .then((answered) => send(response, answered));
  });
  return Object.assign(state, {
    url: server.url,
    stop: async () => {
      stopping.abort();
      await server.close();
    },
  });
}

interface Answer {
  readonly status: number;
  readonly body?: unknown;
}

async function answer(request: IncomingMessage, state: State, stopping: AbortSignal): Promise<Answer> {
  const path = request.url ?? '';
  if (request.method === 'GET' && path === '/v2/topology')
    return { status: 200, body: { brokers: [{ nodeId: 0 }] } };
  if (request.method !== 'POST') throw new Error('no such path');
  const text = await bodyOf(request);
  if (path === '/v2/deployments') return deploy(request, text, state);
  const [, jobKey = '', verb = ''] = /^\/v2\/(?:jobs\/(\d+)|jobs|messages)\/(\w+)$/.exec(path) ?? [];
  const body = JSON.parse(text) as Record<string, unknown>;
  const unknown = Object.keys(body).filter((field) => !FIELDS[verb]?.includes(field));
  if (unknown.length > 0) throw new Error(`unknown fields ${unknown.join(', ')}`);
  if (verb === 'activation')
    return { status: 200, body: { jobs: await activate(body, state, request, stopping) } };
  if (verb === 'publication') {
    if (state.messages.some(({ messageId }) => messageId === body.messageId))
      return { status: 409, body: {} };
    state.messages.push(body);
    return { status: 200, body: { messageKey: '1' } };
  }
  state.reports.push({ jobKey, verb, body });
  const job = state.taken.get(jobKey);
  const retries = Number(body.retries);
  if (state.redelivers && verb === 'failure' && job !== undefined && retries > 0)
    void sleep(Number(body.retryBackOff)).then(() => state.jobs.push({ ...job, retries }));
  return { status: 204 };
}

async function deploy(request: IncomingMessage, text: string, { deployed }: State): Promise<Answer> {
  const headers = { 'content-type': request.headers['content-type'] ?? '' };
  const form = await new Response(text, { headers }).formData();
  const file = form.get('resources');
  if (!(file instanceof File)) throw new Error('no resources');
  const tenant = form.get('tenantId');
  const { processIds } = await compileBpmn(Buffer.from(await file.arrayBuffer()), 'deployed.bpmn');
  deployed.push({ processIds, tenant: typeof tenant === 'string' ? tenant : undefined });
  return { status: 200, body: { deploymentKey: '1' } };
}

/** Waits as long as was asked for, for the first job of the type. */
async function activate(
  { type, tenantIds, maxJobsToActivate, requestTimeout }: Readonly<Record<string, unknown>>,
  { jobs, taken }: State,
  request: IncomingMessage,
  stopping: AbortSignal,
): Promise<readonly EngineJob[]> {
  const end = performance.now() + Number(requestTimeout);
  while (performance.now() < end && !stopping.aborted && !request.socket.destroyed) {
    const found = jobs
      .filter((job) => job.type === type && (!Array.isArray(tenantIds) || tenantIds.includes(job.tenantId)))
      .slice(0, Number(maxJobsToActivate));
    for (const job of found) {
      jobs.splice(jobs.indexOf(job), 1);
      taken.set(job.jobKey, job);
    }
    if (found.length > 0) return found;
    await sleep(20);
  }
  return [];
}

function send(response: ServerResponse, { status, body }: Answer): void {
  response.writeHead(status, { 'Content-Type': 'application/json' });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}
