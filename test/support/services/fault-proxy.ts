import { createHash } from 'node:crypto';
import { Agent, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { serve } from './http.ts';
import { type Service, stopper } from './service.ts';

/** What a registry or the network between may do to one request. */
export const FAULTS = [
  'reset',
  'rate-limit-header',
  'rate-limit-body',
  'secondary-limit',
  'error-500',
  'error-503',
  'truncated',
  'wrong-digest',
  'stall',
  'stale',
] as const;

/**
 * - `reset`: the connection breaks before anything is passed on.
 * - `rate-limit-header`: 429 with `Retry-After: 1`; `rate-limit-body`: 429 as GHCR gives it, the delay in the body.
 * - `secondary-limit`: 403 as GHCR gives it. `error-500`, `error-503`: at once, nothing passed on.
 * - `truncated`: it is passed on, and half of the answer comes back; an answer without a body is lost whole.
 * - `wrong-digest`: it is passed on, and one byte of the answer's body is changed.
 * - `stall`: nothing is passed on and nothing is answered.
 * - `stale`: a read gets what the same read got before the last write to that path, 404 when there was nothing; a write
 *   is passed on as it is.
 */
export type HttpFault = (typeof FAULTS)[number];

/** One request that came through, in order of arrival. */
export interface ProxiedRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  /** Of the answer that went back; absent where there was none. */
  readonly status: number | undefined;
  readonly authorized: boolean;
  readonly fault: HttpFault | undefined;
}

export interface FaultProxyOptions {
  /** `http://127.0.0.1:PORT` of the registry behind it. */
  readonly target: string;
  /** Decides about each request, by its index from 0 since the last `reset`. */
  readonly faults?: FaultPlan;
}

export type FaultPlan = (index: number, method: string, path: string) => HttpFault | undefined;

/** A reverse proxy on loopback that misbehaves as told, and keeps a record. */
export interface FaultProxy extends Service {
  readonly host: string;
  readonly url: string;
  readonly requests: readonly ProxiedRequest[];
  /** Forgets the record and takes a new plan. */
  reset(faults?: FaultPlan): void;
}

/** A plan with one fault at one request. */
export function faultAtRequest(at: number, fault: HttpFault): FaultPlan {
  return (index) => (index === at ? fault : undefined);
}

/** A plan with one of the faults at every so many requests; the same seed gives the same plan. */
export function seededFaultPlan(seed: number, faults: readonly HttpFault[] = FAULTS, oneIn = 6): FaultPlan {
  return (index) => {
    // Hashed, so that neighbouring indexes do not look alike.
    const hash = createHash('sha256').update(`${seed} ${index}`).digest();
    return hash.readUInt16BE(0) % oneIn === 0 ? faults[hash.readUInt16BE(2) % faults.length] : undefined;
  };
}

interface Answer {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: Buffer;
}

/** Starts the proxy; the caller's Host header is passed on, so that the registry's locations name the proxy. */
export async function startFaultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  const target = new URL(options.target);
  const agent = new Agent({ keepAlive: true });
  let faults = options.faults;
  let requests: { -readonly [K in keyof ProxiedRequest]: ProxiedRequest[K] }[] = [];
  /** Per path, the answer to the last read before the last write: what a stale cache still holds. */
  const before = new Map<string, Answer>();
  const latest = new Map<string, Answer>();

  async function passOn(incoming: IncomingMessage, path: string): Promise<Answer> {
    const onward = httpRequest({
      agent,
      host: target.hostname,
      port: target.port,
      method: incoming.method,
      path,
      headers: incoming.headers,
    });
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      onward.on('response', resolve).on('error', reject);
    });
    incoming.pipe(onward);
    const response = await answered;
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    return { status: response.statusCode ?? 502, headers: response.rawHeaders, body: Buffer.concat(chunks) };
  }

  /** Keeps what a read would have seen before this write, then passes the write on. */
  async function passOnWrite(incoming: IncomingMessage, path: string): Promise<Answer> {
    const key = path.split('?')[0] ?? path;
    const seen = latest.get(key);
    if (seen === undefined) before.delete(key);
    else before.set(key, seen);
    return passOn(incoming, path);
  }

  async function handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const method = incoming.method ?? 'GET';
    const path = incoming.url ?? '/';
    const fault = faults?.(requests.length, method, path);
    const record: (typeof requests)[number] = {
      method,
      path,
      status: undefined,
      authorized: incoming.headers.authorization !== undefined,
      fault,
    };
    requests.push(record);
    const answer = await answerOf(incoming, path, fault);
    if (answer === undefined) return;
    record.status = answer.status;
    if (fault === 'truncated') return truncate(answer, incoming, outgoing);
    outgoing.writeHead(answer.status, [...answer.headers]);
    outgoing.end(answer.body);
  }

  /** What to answer; undefined where nothing is answered. */
  async function answerOf(
    incoming: IncomingMessage,
    path: string,
    fault: HttpFault | undefined,
  ): Promise<Answer | undefined> {
    const read = incoming.method === 'GET' || incoming.method === 'HEAD';
    const stale = fault === 'stale' && read ? (before.get(path) ?? NOT_FOUND) : undefined;
    const made = stale ?? (fault === undefined ? undefined : CANNED[fault]);
    if (made !== undefined || fault === 'stall') {
      incoming.resume();
      return made;
    }
    if (fault === 'reset') {
      incoming.socket.resetAndDestroy();
      return undefined;
    }
    const answer = await (read ? passOn(incoming, path) : passOnWrite(incoming, path));
    if (incoming.method === 'GET') latest.set(path, answer);
    return fault === 'wrong-digest' && incoming.method === 'GET' ? damage(answer) : answer;
  }

  const server = await serve((incoming, outgoing) => {
    handle(incoming, outgoing).catch(() => outgoing.destroy());
  });
  const stop = stopper(async () => {
    agent.destroy();
    await server.close();
  });
  return {
    host: server.host,
    url: server.url,
    get requests() {
      return requests;
    },
    reset(plan) {
      requests = [];
      faults = plan;
      before.clear();
      latest.clear();
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function truncate(answer: Answer, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  if (answer.body.length > 0) {
    outgoing.writeHead(answer.status, [...answer.headers]);
    outgoing.write(answer.body.subarray(0, answer.body.length >> 1));
    // What was written must be on its way before the connection ends.
    await sleep(5);
  }
  incoming.socket.destroy();
}

function damage(answer: Answer): Answer {
  const body = Buffer.from(answer.body);
  if (body.length > 0) body[body.length >> 1] = (body[body.length >> 1] ?? 0) ^ 1;
  return { ...answer, body };
}

function canned(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  const text = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  const all = { 'content-type': 'application/json', 'content-length': String(text.length), ...headers };
  return { status, headers: Object.entries(all).flat(), body: text };
}

function errors(code: string, message: string): unknown {
  return { errors: [{ code, message }] };
}

const NOT_FOUND = canned(404, errors('MANIFEST_UNKNOWN', 'manifest unknown'));

const CANNED: { readonly [K in HttpFault]?: Answer } = {
  'rate-limit-header': canned(429, errors('TOOMANYREQUESTS', 'slow down'), { 'retry-after': '1' }),
  'rate-limit-body': canned(429, errors('TOOMANYREQUESTS', 'retry-after: 512.314µs, allowed: 44000/minute')),
  'secondary-limit': canned(
    403,
    errors(
      'DENIED',
      'permission_denied: You have exceeded a secondary rate limit. Please wait a few minutes',
    ),
  ),
  'error-500': canned(500, errors('UNKNOWN', 'internal error')),
  'error-503': canned(503, 'upstream connect error'),
};
