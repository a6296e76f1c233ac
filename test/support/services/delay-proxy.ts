import { Agent, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { serve } from './http.ts';
import { type Service, stopper } from './service.ts';

export interface DelayProxyOptions {
  /** `http://127.0.0.1:PORT` of what stands behind it. */
  readonly target: string;
  /** Added to every request before it is passed on. */
  readonly delayMs?: number;
}

/** One request that came through. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  /** Absent while it is under way, and when the connection broke. */
  readonly status: number | undefined;
}

/** A reverse proxy on loopback that makes a service as slow as a distant one, and counts. */
export interface DelayProxy extends Service {
  /** `127.0.0.1:PORT`, to stand in image references instead of the target's. */
  readonly host: string;
  readonly url: string;
  /** Requests since the start or the last `reset`, in order of arrival. */
  readonly requests: readonly SeenRequest[];
  reset(): void;
}

/** Starts the proxy; the caller's Host header is passed on, so that a registry's Location headers name the proxy. */
export async function startDelayProxy(options: DelayProxyOptions): Promise<DelayProxy> {
  const target = new URL(options.target);
  const agent = new Agent({ keepAlive: true });
  let requests: { method: string; path: string; status: number | undefined }[] = [];

  const forward = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const seen = {
      method: incoming.method ?? 'GET',
      path: incoming.url ?? '/',
      status: undefined as number | undefined,
    };
    requests.push(seen);
    await sleep(options.delayMs ?? 0);
    const onward = httpRequest({
      agent,
      host: target.hostname,
      port: target.port,
      method: seen.method,
      path: seen.path,
      headers: incoming.headers,
    });
    onward.on('response', (response) => {
      seen.status = response.statusCode;
      outgoing.writeHead(response.statusCode ?? 502, response.rawHeaders);
      pipeline(response, outgoing, () => {});
    });
    onward.on('error', () => outgoing.destroy());
    outgoing.on('close', () => {
      if (!outgoing.writableFinished) onward.destroy();
    });
    pipeline(incoming, onward, () => {});
  };

  const server = await serve((incoming, outgoing) => {
    forward(incoming, outgoing).catch(() => outgoing.destroy());
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
    reset() {
      requests = [];
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
