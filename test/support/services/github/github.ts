/**
 * GitHub as this project uses it, on loopback: REST (actions, contents, branches, pull requests, apps), the GraphQL
 * queries that `gh` sends, and git over HTTP on real bare repositories. It rejects what GitHub rejects.
 *
 *     await using github = await startGithub();
 *     const gitops = await github.create('acme/gitops', { files: { '.github/workflows/scaffold.yaml': '…' } });
 *     gitops.script = (run) => ({ jobs: [{ name: 'scaffold', steps: [{ name: 'Generate' }] }] });
 *     const token = github.token();                           // everything allowed; `rights` narrows it
 *     // REST: github.api with `authorization: Bearer ${token.value}`; git: `${github.web}/acme/gitops.git`,
 *     // or the folder gitops.folder; GraphQL: github.graphql
 *
 * - Files and branches: `repository.commit(branch, files)`, `repository.file(path, ref)`, or `git push`.
 * - Pull requests: `repository.open(branch, { labels })`, `.close(n)`, `.merge(n)`, or REST (`POST …/pulls`). The head
 *   commit is read from git, so that a push moves it. `github.fork(repository, 'mallory/gitops')` makes a fork, from
 *   which `repository.open(branch, { from: 'mallory/gitops' })` opens one.
 * - Runs: `repository.script` says what a dispatched run does; each read of a run is a tick. `repository.runs`.
 * - Lists lag: `hidden` of a run or a pull request is for how many more lists it is missing.
 * - Faults: `github.fault({ method, path, times, status, headers, body, when })`; `when: 'after'` answers so although
 *   the request took effect.
 * - `github.meanwhile(request, effect)`: what others do while a request is on its way.
 * - `github.requests`: what was asked. `github.leaks`: credentials that reached another host; must stay empty.
 * - `generation`: which of three ages of the dispatch API it speaks; `skew`: how far its clock is ahead.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ServerCertificate } from '../certificates.ts';
import { bodyOf, type LoopbackServer, serve } from '../http.ts';
import { type Service, stopper } from '../service.ts';
import { type DoubleApp, type DoubleToken, etagOf, makeToken } from './access.ts';
import type { Generation } from './dispatch.ts';
import { serveGit } from './git-http.ts';
import { answerGraphql } from './graphql.ts';
import type { Places } from './json.ts';
import { DoubleRepository } from './repository.ts';
import { type Answer, answerRest } from './rest.ts';

export interface GithubOptions {
  readonly generation?: Generation;
  /** Milliseconds that its clock is ahead of this machine's. */
  readonly skew?: number;
  readonly tls?: ServerCertificate;
}

/** A request as the double saw it, without its credentials. */
export interface SeenRequest {
  readonly method: string;
  /** Below the API, with the query: `/repos/acme/gitops`. */
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: unknown;
}

/** An answer in place of the right one. */
export interface Fault {
  readonly method?: string;
  readonly path: RegExp;
  /** Default 1. */
  readonly times?: number;
  /** `reset` ends the connection without an answer, `hang` keeps it open without one. */
  readonly status: number | 'reset' | 'hang';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** `after`: the request takes effect all the same. */
  readonly when?: 'before' | 'after';
}

/** A running double. */
export interface Github extends Service, Places {
  readonly graphql: string;
  readonly host: string;
  readonly requests: SeenRequest[];
  readonly leaks: string[];
  create(
    name: string,
    options?: { files?: Readonly<Record<string, string>>; defaultBranch?: string },
  ): Promise<DoubleRepository>;
  fork(parent: DoubleRepository, name: string): Promise<DoubleRepository>;
  repository(name: string): DoubleRepository | undefined;
  token(more?: Parameters<typeof makeToken>[0]): DoubleToken;
  app(app: DoubleApp): void;
  fault(fault: Fault): void;
  /** What happens elsewhere while a request is on its way, once; the answer is right. */
  meanwhile(
    request: { readonly method: string; readonly path: RegExp },
    effect: () => Promise<unknown>,
  ): void;
  /** Its clock: milliseconds since 1970. */
  now(): number;
}

/** What the parts of the double share. */
export interface World {
  readonly generation: Generation;
  readonly places: Places;
  readonly repositories: Map<string, DoubleRepository>;
  readonly tokens: Map<string, DoubleToken>;
  readonly apps: DoubleApp[];
  /** Where logs are, on another host; the query lets in. */
  readonly logs: { readonly url: string; readonly entries: Map<string, string> };
  now(): number;
}

export async function startGithub(options: GithubOptions = {}): Promise<Github> {
  const requests: SeenRequest[] = [];
  const leaks: string[] = [];
  const faults: { fault: Fault; left: number }[] = [];
  const effects: { method: string; path: RegExp; effect: () => Promise<unknown> }[] = [];
  const entries = new Map<string, string>();
  const logServer = await serve((request, response) => {
    // A credential that follows a redirect to the storage of logs is one that was given away.
    if (request.headers.authorization !== undefined) leaks.push(`authorization to ${request.url}`);
    const text = entries.get(request.url ?? '');
    response.writeHead(text === undefined ? 404 : 200, { 'content-type': 'text/plain' });
    response.end(text ?? '');
  });
  let world: World;
  let places: Places;

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', places.web);
    if (/^\/[^/]+\/[^/]+\.git\//.test(url.pathname)) return serveGit(world, url, request, response);
    const text = await bodyOf(request);
    const path = url.pathname.replace(/^\/api\/v3/, '') + url.search;
    const { authorization: _secret, ...headers } = request.headers;
    requests.push({ method: request.method ?? 'GET', path, headers, body: parsed(text) });
    const found = faults.find(
      ({ fault, left }) =>
        left > 0 && (fault.method ?? request.method) === request.method && fault.path.test(path),
    );
    if (found) found.left -= 1;
    const due = effects.findIndex((one) => one.method === request.method && one.path.test(path));
    if (due !== -1) await effects.splice(due, 1)[0]?.effect();
    const right = async () =>
      url.pathname === '/api/graphql'
        ? answerGraphql(world, request, parsed(text))
        : answerRest(world, { request, url, path: path.replace(/\?.*/, ''), text });
    if (found === undefined) return send(request, response, await right());
    const { fault } = found;
    if (fault.when === 'after') await right();
    if (fault.status === 'reset') return void request.socket.destroy();
    if (fault.status === 'hang') return;
    send(request, response, { status: fault.status, body: fault.body, headers: fault.headers ?? {} });
  };

  /** With the date of its clock, and 304 where the client has the body (RFC 9110, section 13.1.2). */
  function send(
    request: IncomingMessage,
    response: ServerResponse,
    { status, body, headers = {} }: Answer,
  ): void {
    const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
    const common = {
      date: new Date(world.now()).toUTCString(),
      'x-github-request-id': randomUUID(),
      ...(typeof body === 'string' ? {} : { 'content-type': 'application/json; charset=utf-8' }),
    };
    const etag = request.method === 'GET' && status === 200 ? { etag: etagOf(text) } : {};
    if (etag.etag !== undefined && request.headers['if-none-match'] === etag.etag) {
      response.writeHead(304, { ...common, ...etag }).end();
      return;
    }
    response.writeHead(status, { ...common, ...etag, ...headers }).end(status === 204 ? '' : text);
  }

  const server: LoopbackServer = await serve((request, response) => {
    handle(request, response).catch((error: unknown) => {
      if (response.headersSent) return void response.destroy();
      response.writeHead(500, { 'content-type': 'application/json' });
      response.end(
        JSON.stringify({ message: error instanceof Error ? (error.stack ?? error.message) : `${error}` }),
      );
    });
  }, options.tls);
  places = { api: `${server.url}/api/v3`, web: server.url };
  world = {
    generation: options.generation ?? '2026-03-10',
    places,
    repositories: new Map(),
    tokens: new Map(),
    apps: [],
    // Another host as a client sees it: origins differ by their port, too.
    logs: { url: logServer.url, entries },
    now: () => Date.now() + (options.skew ?? 0),
  };
  const add = async (repository: Promise<DoubleRepository>) => {
    const made = await repository;
    world.repositories.set(made.name.toLowerCase(), made);
    return made;
  };
  const stop = stopper(
    () => server.close(),
    () => logServer.close(),
    () => Promise.all([...world.repositories.values()].map((repository) => repository.remove())),
  );
  return {
    ...places,
    graphql: `${server.url}/api/graphql`,
    host: server.host,
    requests,
    leaks,
    create: (name, more) => add(DoubleRepository.create(name, world.repositories.size + 1, more)),
    fork: (parent, name) => add(DoubleRepository.create(name, world.repositories.size + 1, { parent })),
    repository: (name) => world.repositories.get(name.toLowerCase()),
    token(more) {
      const made = makeToken(more);
      world.tokens.set(made.value, made);
      return made;
    },
    app: (app) => void world.apps.push(app),
    fault: (fault) => void faults.push({ fault, left: fault.times ?? 1 }),
    meanwhile: (request, effect) => void effects.push({ ...request, effect }),
    now: () => world.now(),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function parsed(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    return text;
  }
}
