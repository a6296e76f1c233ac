import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { bodyOf, serve } from './http.ts';
import { type Service, stopper } from './service.ts';

/** One request as it went over the wire. */
export interface TappedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface TappedAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Answers a request, as a rule by passing it on, with its own body or another; undefined breaks the connection. */
export type Treatment = (
  request: TappedRequest,
  passOn: (body?: string) => Promise<TappedAnswer>,
) => Promise<TappedAnswer | undefined>;

/** A reverse proxy on loopback between two services: it keeps a record, and may interfere. */
export interface Tap extends Service {
  readonly url: string;
  /** All requests so far, in order of arrival. */
  readonly requests: readonly TappedRequest[];
  /** Takes each request from now on; without it all are passed on. */
  treat(how?: Treatment): void;
}

const pass: Treatment = (_, passOn) => passOn();

/**
 * Starts a tap before `http://127.0.0.1:PORT`, which need not be there yet, or before what a function returns for each request.
 * The caller's Host header is passed on.
 */
export async function startTap(target: string | (() => string)): Promise<Tap> {
  const requests: TappedRequest[] = [];
  let treat = pass;
  const server = await serve((incoming, outgoing) => {
    const answer = async () => {
      const { method = 'GET', url: path = '/', headers } = incoming;
      const request = { method, path, headers, body: await bodyOf(incoming) };
      requests.push(request);
      const answered = await treat(request, (body = request.body) =>
        send(targetOf(target), { ...request, body }),
      );
      if (answered === undefined) return outgoing.destroy();
      return outgoing.writeHead(answered.status, answered.headers).end(answered.body);
    };
    answer().catch(() => outgoing.destroy());
  });
  const stop = stopper(() => server.close());
  return {
    url: server.url,
    requests,
    treat: (how = pass) => {
      treat = how;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function targetOf(target: string | (() => string)): string {
  return typeof target === 'string' ? target : target();
}

/** Sends a request on a connection of its own: one that is kept could break with a service that is killed. */
async function send(target: string, { method, path, headers, body }: TappedRequest): Promise<TappedAnswer> {
  // Without it the answer is text, as it is kept.
  const { 'accept-encoding': _, ...asked } = ofTheMessage(headers);
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    httpRequest(new URL(path, target), {
      agent: false,
      method,
      headers: { ...asked, 'content-length': Buffer.byteLength(body) },
    })
      .on('response', resolve)
      .on('error', reject)
      .end(body);
  });
  return {
    status: answer.statusCode ?? 502,
    headers: ofTheMessage(answer.headers),
    body: await bodyOf(answer),
  };
}

/** Headers without those that are about one connection (RFC 9110, section 7.6.1). */
function ofTheMessage(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const { connection, 'keep-alive': keepAlive, 'transfer-encoding': encoding, ...rest } = headers;
  return rest;
}
