import type { IncomingMessage } from 'node:http';
import { type DoubleToken, jwtFault, makeToken, type Rights } from './access.ts';
import { bodyFault, resolveInputs, titleOf } from './dispatch.ts';
import type { World } from './github.ts';
import { jobJson, pullJson, repositoryJson, runJson, workflowJson } from './json.ts';
import type { DoublePull, DoubleRepository } from './repository.ts';
import { DoubleRun } from './runs.ts';

/** An answer before it is sent. */
export interface Answer {
  readonly status: number;
  /** A string is plain text. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A request to REST; `path` without the query. */
export interface RestRequest {
  readonly request: IncomingMessage;
  readonly url: URL;
  readonly path: string;
  readonly text: string;
}

/** A request on a repository that its token can see. */
interface Call extends RestRequest {
  readonly world: World;
  readonly repository: DoubleRepository;
  readonly rights: Rights;
  readonly token: DoubleToken;
  readonly parts: readonly string[];
}

interface Route {
  readonly method: string;
  /** Below the repository; `:x` is one segment, a `*` at the end the rest. */
  readonly pattern: string;
  /** The right that GitHub's reference names. */
  readonly needs?: readonly ['actions' | 'contents' | 'pulls', 'read' | 'write'];
  readonly answer: (call: Call) => Promise<Answer> | Answer;
}

const DOCS = 'https://docs.github.com/rest';
const NOT_FOUND: Answer = {
  status: 404,
  body: { message: 'Not Found', documentation_url: DOCS, status: '404' },
};

/** The token of a request, as REST (`Bearer`, `token`) and git (`Basic`) send it. */
export function tokenOf(world: World, { headers }: IncomingMessage): DoubleToken | undefined {
  const [scheme = '', value = ''] = (headers.authorization ?? '').split(' ');
  if (/^basic$/i.test(scheme)) {
    const password = Buffer.from(value, 'base64').toString().split(':')[1] ?? '';
    return world.tokens.get(password);
  }
  return /^(bearer|token)$/i.test(scheme) ? world.tokens.get(value) : undefined;
}

/** Answers a request to REST. */
export async function answerRest(world: World, rest: RestRequest): Promise<Answer> {
  const { request, path } = rest;
  if (!request.headers['user-agent'])
    return {
      status: 403,
      body: 'Request forbidden by administrative rules. Please make sure your request has a User-Agent header',
    };
  const version = request.headers['x-github-api-version'];
  // REST reference, "API Versions": an unsupported version is a 400. Older servers know none but their own.
  const known = world.generation === '2026-03-10' ? ['2022-11-28', '2026-03-10'] : ['2022-11-28'];
  if (version !== undefined && !known.includes(`${version}`))
    return failure(400, `Version '${version}' is not supported.`);
  if (path === '/meta')
    return { status: 200, body: { installed_version: world.generation === 'plain' ? '3.19.2' : '3.21.0' } };
  const installation = /^\/app\/installations\/(\d+)\/access_tokens$/.exec(path)?.[1];
  if (installation !== undefined) return installationToken(world, rest, installation);

  const token = tokenOf(world, request);
  if (request.headers.authorization !== undefined && token === undefined)
    return failure(401, 'Bad credentials');
  if (path === '/user')
    return token ? { status: 200, body: { login: token.login } } : failure(401, 'Requires authentication');
  const organisation = /^\/orgs\/([^/]+)\/repos$/.exec(path)?.[1];
  if (organisation !== undefined) return organisationRepositories(world, rest, token, organisation);
  return answerRepository(world, rest, token);
}

/** REST reference, "List organization repositories": those that the token can see. */
function organisationRepositories(
  world: World,
  rest: RestRequest,
  token: DoubleToken | undefined,
  organisation: string,
): Answer {
  const owned = [...world.repositories.values()].filter(({ name }) =>
    name.toLowerCase().startsWith(`${organisation.toLowerCase()}/`),
  );
  if (owned.length === 0) return NOT_FOUND;
  const visible = owned.filter(({ name }) => token?.rights(name) !== undefined);
  return page(
    { world, ...rest },
    visible.map((repository) => repositoryJson(world.places, repository, false)),
  );
}

async function answerRepository(
  world: World,
  rest: RestRequest,
  token: DoubleToken | undefined,
): Promise<Answer> {
  const { request, path } = rest;
  const [, owner = '', name = '', below = ''] = /^\/repos\/([^/]+)\/([^/]+)(\/.*)?$/.exec(path) ?? [];
  const repository = world.repositories.get(`${owner}/${name}`.toLowerCase());
  const rights = repository && token?.rights(repository.name);
  if (repository === undefined || token === undefined || rights === undefined) return NOT_FOUND;
  if (token.sso)
    return {
      ...failure(
        403,
        'Resource protected by organization SAML enforcement. You must grant your Personal Access token access to this organization.',
      ),
      headers: {
        'x-github-sso': `required; url=${world.places.web}/orgs/${owner}/sso?authorization_request=A1B2`,
      },
    };
  for (const route of ROUTES) {
    const parts = route.method === request.method ? match(route.pattern, below) : undefined;
    if (parts === undefined) continue;
    const call = { ...rest, world, repository, rights, token, parts };
    return refusal(call, route) ?? route.answer(call);
  }
  const body = rest.text === '' ? {} : (json(rest.text) as Readonly<Record<string, unknown>>);
  const settings = rights.push ? repository.settings.answer(request.method ?? '', below, body) : undefined;
  return settings ?? NOT_FOUND;
}

/** What a token lacks: fine-grained ones and installations are told, classic ones see nothing. */
function refusal({ token, rights }: Call, { needs }: Route): Answer | undefined {
  if (needs === undefined) return undefined;
  const [area, level] = needs;
  const has = rights[area];
  if (has === 'write' || (has === 'read' && level === 'read')) return undefined;
  if (token.kind === 'classic') return NOT_FOUND;
  const name = area === 'pulls' ? 'pull_requests' : area;
  const who = token.kind === 'installation' ? 'integration' : 'personal access token';
  return {
    ...failure(403, `Resource not accessible by ${who}`),
    headers: { 'x-accepted-github-permissions': `${name}=${level}` },
  };
}

const ROUTES: readonly Route[] = [
  {
    method: 'GET',
    pattern: '',
    answer: ({ world, repository, rights }) =>
      ok(repositoryJson(world.places, repository, rights.push ?? false)),
  },
  { method: 'GET', pattern: '/contents/*', needs: ['contents', 'read'], answer: contents },
  { method: 'GET', pattern: '/branches', needs: ['contents', 'read'], answer: branches },
  {
    method: 'GET',
    pattern: '/branches/*',
    needs: ['contents', 'read'],
    answer: async ({ repository, parts: [branch = ''] }) => {
      const sha = await repository.commitOf(`refs/heads/${branch}`);
      return sha === undefined ? NOT_FOUND : ok({ name: branch, commit: { sha }, protected: false });
    },
  },
  {
    method: 'GET',
    pattern: '/git/ref/*',
    needs: ['contents', 'read'],
    answer: async ({ repository, parts: [ref = ''] }) => {
      const sha = await repository.commitOf(`refs/${ref}`);
      return sha === undefined ? NOT_FOUND : ok({ ref: `refs/${ref}`, object: { type: 'commit', sha } });
    },
  },
  { method: 'POST', pattern: '/git/trees', needs: ['contents', 'write'], answer: createTree },
  { method: 'POST', pattern: '/git/commits', needs: ['contents', 'write'], answer: createCommit },
  { method: 'GET', pattern: '/git/commits/:sha', needs: ['contents', 'read'], answer: gitCommit },
  { method: 'GET', pattern: '/compare/*', needs: ['contents', 'read'], answer: compare },
  {
    method: 'GET',
    pattern: '/actions/permissions',
    answer: ({ repository }) => ok({ enabled: repository.actions, allowed_actions: 'all' }),
  },
  {
    method: 'GET',
    pattern: '/actions/workflows',
    needs: ['actions', 'read'],
    answer: async (call) => {
      const { world, repository } = call;
      const all = await repository.workflows();
      return page(
        call,
        all.map((workflow) => workflowJson(world.places, repository, workflow)),
        'workflows',
      );
    },
  },
  {
    method: 'GET',
    pattern: '/actions/workflows/:id',
    needs: ['actions', 'read'],
    answer: async ({ world, repository, parts: [key = ''] }) => {
      const workflow = await repository.workflow(key);
      return workflow === undefined ? NOT_FOUND : ok(workflowJson(world.places, repository, workflow));
    },
  },
  {
    method: 'POST',
    pattern: '/actions/workflows/:id/dispatches',
    needs: ['actions', 'write'],
    answer: dispatch,
  },
  { method: 'GET', pattern: '/actions/workflows/:id/runs', needs: ['actions', 'read'], answer: runs },
  { method: 'GET', pattern: '/actions/runs', needs: ['actions', 'read'], answer: runs },
  {
    method: 'GET',
    pattern: '/actions/runs/:id',
    needs: ['actions', 'read'],
    answer: async ({ world, repository, parts: [id] }) => {
      const run = repository.runs.find((one) => `${one.id}` === id);
      if (run === undefined) return NOT_FOUND;
      await run.tick();
      return ok(runJson(world.places, repository, run));
    },
  },
  {
    method: 'GET',
    pattern: '/actions/runs/:id/jobs',
    needs: ['actions', 'read'],
    answer: (call) => {
      const { world, repository, parts } = call;
      const run = repository.runs.find((one) => `${one.id}` === parts[0]);
      if (run === undefined) return NOT_FOUND;
      return page(
        call,
        run.jobs.map((job) => jobJson(world.places, repository, run, job)),
        'jobs',
      );
    },
  },
  {
    method: 'GET',
    pattern: '/actions/jobs/:id/logs',
    needs: ['actions', 'read'],
    answer: ({ world, repository, parts: [id] }) => {
      for (const run of repository.runs) {
        const job = run.jobs.find((one) => `${one.id}` === id);
        const text = job && run.log(job);
        if (text === undefined) continue;
        const target = `/logs/${id}?sig=${crypto.randomUUID()}`;
        world.logs.entries.set(target, text);
        return { status: 302, headers: { location: `${world.logs.url}${target}` } };
      }
      return NOT_FOUND;
    },
  },
  { method: 'GET', pattern: '/check-runs/:id/annotations', answer: () => ok([]) },
  { method: 'GET', pattern: '/pulls', needs: ['pulls', 'read'], answer: pulls },
  { method: 'POST', pattern: '/pulls', needs: ['pulls', 'write'], answer: openPull },
  {
    method: 'GET',
    pattern: '/pulls/:number',
    needs: ['pulls', 'read'],
    answer: async (call) => {
      const pull = pullOf(call);
      return pull === undefined ? NOT_FOUND : ok(await show(call, pull));
    },
  },
  { method: 'PATCH', pattern: '/pulls/:number', needs: ['pulls', 'write'], answer: editPull },
  { method: 'GET', pattern: '/pulls/:number/files', needs: ['pulls', 'read'], answer: pullFiles },
  { method: 'POST', pattern: '/issues/:number/labels', needs: ['pulls', 'write'], answer: addLabels },
];

/** The segments that a pattern leaves open; undefined where the path is another. */
function match(pattern: string, path: string): readonly string[] | undefined {
  const source = pattern.replace(/:\w+/g, '([^/]+)').replace(/\*$/, '(.+)');
  const found = new RegExp(`^${source}$`).exec(path);
  return found?.slice(1).map(decodeURIComponent);
}

async function contents({ repository, url, parts: [path = ''] }: Call): Promise<Answer> {
  const ref = url.searchParams.get('ref') ?? repository.defaultBranch;
  const commit = (await repository.commitOf(ref)) ?? (/^[0-9a-f]{40}$/.test(ref) ? ref : undefined);
  if (commit === undefined) return failure(404, `No commit found for the ref ${ref}`);
  const text = await repository.file(path, commit);
  if (text === undefined || path.endsWith('/')) return NOT_FOUND;
  const name = path.split('/').at(-1);
  return ok({
    type: 'file',
    encoding: 'base64',
    size: Buffer.byteLength(text),
    name,
    path,
    content: Buffer.from(text).toString('base64').replace(/.{60}/g, '$&\n'),
    sha: commit,
  });
}

/** REST reference, "Create a tree": files with their content, on top of another tree; `sha: null` deletes one. */
async function createTree({ repository, text }: Call): Promise<Answer> {
  const { base_tree: base, tree } = json(text) as {
    base_tree: string;
    tree: readonly { path: string; mode: string; type: string; content?: string; sha?: null }[];
  };
  if (tree.some(({ mode, type }) => !['100644', '100755'].includes(mode) || type !== 'blob'))
    return failure(422, 'Invalid tree info');
  return { status: 201, body: { sha: await repository.writeTree(base, tree) } };
}

/** REST reference, "Create a commit": without an author it is of the owner of the token, and GitHub signs it. */
async function createCommit({ repository, text, token }: Call): Promise<Answer> {
  const { message, tree, parents, author } = json(text) as {
    message: string;
    tree: string;
    parents: readonly string[];
    author?: unknown;
  };
  const sha = await repository.writeCommit(tree, parents, message, token.login);
  if (author === undefined) repository.signed.add(sha);
  return { status: 201, body: { sha, verification: { verified: author === undefined } } };
}

/** REST reference, "List branches". */
async function branches(call: Call): Promise<Answer> {
  const listed = await call.repository.git(
    'for-each-ref',
    '--format=%(objectname) %(refname)',
    'refs/heads/',
  );
  const all = listed
    .split('\n')
    .filter(Boolean)
    .map((line) => ({
      name: line.slice('0'.repeat(40).length + ' refs/heads/'.length),
      commit: { sha: line.slice(0, 40) },
      protected: false,
    }));
  return page(call, all);
}

/** REST reference, "Get a commit object". */
async function gitCommit({ repository, parts: [sha = ''] }: Call): Promise<Answer> {
  const shown = await repository.tryGit('show', '--no-patch', '--format=%an%n%ae%n%cn%n%ce%n%B', sha);
  if (shown === undefined) return NOT_FOUND;
  const [authorName, authorEmail, committerName, committerEmail, ...message] = shown.split('\n');
  return ok({
    sha,
    message: message.join('\n').trim(),
    author: { name: authorName, email: authorEmail },
    committer: { name: committerName, email: committerEmail },
    verification: { verified: repository.signed.has(sha) },
  });
}

async function dispatch({
  world,
  repository,
  token,
  request,
  text,
  parts: [key = ''],
}: Call): Promise<Answer> {
  const workflow = await repository.workflow(key);
  if (workflow === undefined) return NOT_FOUND;
  const body = json(text);
  const version = request.headers['x-github-api-version'];
  const wrong = bodyFault(body, version === undefined ? undefined : `${version}`, world.generation);
  if (wrong) return failure(wrong.status, wrong.message);
  if (!repository.actions) return failure(422, 'Actions has been disabled for this repository.');
  if (repository.archived) return failure(403, 'Repository was archived so is read-only.');
  const {
    ref,
    inputs = {},
    return_run_details: details,
  } = body as {
    ref: string;
    inputs?: Record<string, unknown>;
    return_run_details?: boolean;
  };
  const commit = await repository.commitOf(ref);
  if (commit === undefined) return failure(422, `No ref found for: ${ref}`);
  // benc-uk/workflow-dispatch#72
  if (workflow.state !== 'active')
    return failure(422, "Cannot trigger a 'workflow_dispatch' on a disabled workflow");
  const trigger = await repository.trigger(workflow.path, commit);
  // Also for a file that is not valid: benc-uk/workflow-dispatch#81.
  if (trigger === undefined) return failure(422, "Workflow does not have 'workflow_dispatch' trigger");
  const resolved = resolveInputs(inputs, trigger.inputs);
  if ('status' in resolved) return failure(resolved.status, resolved.message);
  const run = new DoubleRun({
    id: 16_000_000_000 + repository.id * 100_000 + repository.runs.length + 1,
    number: repository.runs.length + 1,
    workflow,
    branch: ref.replace(/^refs\/(heads|tags)\//, ''),
    commit,
    title: titleOf(trigger.runName, resolved.inputs, workflow.name),
    inputs: resolved.inputs,
    actor: token.login,
    created: new Date(world.now()).toISOString().replace(/\.\d+/, ''),
  });
  run.follow(repository.script(run));
  repository.runs.push(run);
  if (version !== '2026-03-10' && details !== true) return { status: 204 };
  const shown = runJson(world.places, repository, run);
  return ok({ workflow_run_id: run.id, run_url: shown.url, html_url: shown.html_url });
}

async function runs(call: Call): Promise<Answer> {
  const { world, repository, url, parts } = call;
  const workflow = parts[0] === undefined ? undefined : await repository.workflow(parts[0]);
  if (parts[0] !== undefined && workflow === undefined) return NOT_FOUND;
  const { searchParams: query } = url;
  const created = /^>=(.+)$/.exec(query.get('created') ?? '')?.[1];
  const found = repository.runs
    .toReversed()
    .filter((run) => workflow === undefined || run.workflow.id === workflow.id)
    .filter((run) => (query.get('branch') ?? run.branch) === run.branch)
    .filter(() => (query.get('event') ?? 'workflow_dispatch') === 'workflow_dispatch')
    .filter((run) => created === undefined || Date.parse(run.created) >= Date.parse(created))
    // A list lags behind: what is hidden now is shown the next time.
    .filter((run) => {
      run.hidden -= 1;
      return run.hidden < 0;
    });
  return page(
    call,
    found.map((run) => runJson(world.places, repository, run)),
    'workflow_runs',
  );
}

async function pulls(call: Call): Promise<Answer> {
  const { repository, url } = call;
  const state = url.searchParams.get('state') ?? 'open';
  const head = url.searchParams.get('head') ?? '';
  const base = url.searchParams.get('base') ?? '';
  const found = repository.pulls
    .toReversed()
    .filter((pull) => state === 'all' || pull.state === state)
    // A head without an owner is ignored: argoproj-labs/gitops-promoter#1417.
    .filter(
      (pull) => !head.includes(':') || head === `${pull.head.repository.split('/')[0]}:${pull.head.branch}`,
    )
    .filter((pull) => base === '' || pull.base === base)
    .filter((pull) => {
      pull.hidden -= 1;
      return pull.hidden < 0;
    });
  return page(call, await Promise.all(found.map((pull) => show(call, pull))));
}

async function openPull(call: Call): Promise<Answer> {
  const { world, repository, token, text } = call;
  const { title = '', head = '', base = '', body = '' } = json(text) as Record<string, string>;
  const invalid = (message: string) =>
    failure(422, 'Validation Failed', [{ resource: 'PullRequest', code: 'custom', message }]);
  if (title === '' || head === '' || base === '') return invalid('title, head and base are required');
  const [owner, branch = ''] = head.includes(':') ? head.split(':') : [undefined, head];
  const from = owner === undefined ? repository.name : `${owner}/${repository.name.split('/')[1]}`;
  const source = world.repositories.get(from.toLowerCase());
  const [sha, baseSha] = await Promise.all([
    source?.commitOf(`refs/heads/${branch}`),
    repository.commitOf(`refs/heads/${base}`),
  ]);
  if (sha === undefined)
    return failure(422, 'Validation Failed', [{ resource: 'PullRequest', field: 'head', code: 'invalid' }]);
  if (baseSha === undefined)
    return failure(422, 'Validation Failed', [{ resource: 'PullRequest', field: 'base', code: 'invalid' }]);
  if (sha === baseSha) return invalid(`No commits between ${base} and ${branch}`);
  const same = ({ state, head: other, base: onto }: DoublePull) =>
    state === 'open' && other.repository === from && other.branch === branch && onto === base;
  if (repository.pulls.some(same))
    return invalid(
      `A pull request already exists for ${head.includes(':') ? head : `${repository.name.split('/')[0]}:${branch}`}.`,
    );
  const created = new Date(world.now()).toISOString();
  const pull = repository.open(branch, { title, body, base, from, author: token.login, created });
  return { status: 201, body: await show(call, pull) };
}

async function editPull(call: Call): Promise<Answer> {
  const pull = pullOf(call);
  if (pull === undefined) return NOT_FOUND;
  const { title, body, state } = json(call.text) as Partial<Record<'title' | 'body', string>> & {
    state?: 'open' | 'closed';
  };
  Object.assign(pull, title === undefined ? {} : { title }, body === undefined ? {} : { body });
  if (state !== undefined)
    Object.assign(pull, {
      state,
      closed: state === 'open' ? null : new Date(call.world.now()).toISOString(),
    });
  return ok(await show(call, pull));
}

/** REST reference, "Compare two commits": by commits, with those and the files since they parted. */
async function compare({ repository, parts: [range = ''] }: Call): Promise<Answer> {
  const [base = '', head = ''] = range.split('...');
  const parting = await repository.tryGit('merge-base', base, head);
  if (parting === undefined) return failure(404, `No common ancestor between ${base} and ${head}.`);
  const shas = (await repository.git('rev-list', '--reverse', `${base}..${head}`))
    .split('\n')
    .filter(Boolean);
  const commits = await Promise.all(
    shas.map(async (sha) => {
      const message = await repository.git('log', '-1', '--format=%B', sha);
      return { sha, commit: { message: message.trim() } };
    }),
  );
  return ok({
    merge_base_commit: { sha: parting },
    total_commits: commits.length,
    commits,
    files: await changesOf(repository, parting, head),
  });
}

/** What differs between two commits, as GitHub lists files. */
async function changesOf(repository: DoubleRepository, from: string, to: string) {
  const names = { A: 'added', M: 'modified', D: 'removed', T: 'changed' } as const;
  const listed = await repository.git('diff', '--no-renames', '--name-status', from, to);
  const counts = await repository.git('diff', '--no-renames', '--numstat', from, to);
  const lines = new Map(counts.split('\n').map((line) => [line.split('\t')[2], line.split('\t')]));
  return listed
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [letter, filename = ''] = line.split('\t');
      const [additions, deletions] = lines.get(filename) ?? [];
      return {
        filename,
        status: names[letter as keyof typeof names],
        additions: Number(additions),
        deletions: Number(deletions),
        changes: Number(additions) + Number(deletions),
      };
    });
}

async function pullFiles(call: Call): Promise<Answer> {
  const pull = pullOf(call);
  const source = pull && call.world.repositories.get(pull.head.repository.toLowerCase());
  if (pull === undefined || source === undefined) return NOT_FOUND;
  const heads = await Promise.all([call.repository.commitOf(pull.base), source.commitOf(pull.head.branch)]);
  const from = await source.tryGit('merge-base', `${heads[0]}`, `${heads[1]}`);
  const files = await changesOf(source, from ?? `${heads[0]}`, `${heads[1]}`);
  return page(call, files);
}

function addLabels(call: Call): Answer {
  const pull = pullOf(call);
  if (pull === undefined) return NOT_FOUND;
  const { labels = [] } = json(call.text) as { labels?: readonly string[] };
  pull.labels = [...new Set([...pull.labels, ...labels])];
  return ok(pull.labels.map((name) => ({ name })));
}

function pullOf({ repository, parts: [number] }: Call): DoublePull | undefined {
  return repository.pulls.find((pull) => `${pull.number}` === number);
}

/** A pull request with the commits that its branches have now. */
async function show({ world, repository }: Call, pull: DoublePull) {
  const source = world.repositories.get(pull.head.repository.toLowerCase());
  const [sha = '0'.repeat(40), baseSha = '0'.repeat(40)] = await Promise.all([
    source?.commitOf(`refs/heads/${pull.head.branch}`),
    repository.commitOf(`refs/heads/${pull.base}`),
  ]);
  return pullJson(world.places, repository, pull, { sha, baseSha, repository: source });
}

/** One page, with the links to the others (REST reference, "Using pagination"); `key` names the list in an object. */
function page(
  { world, url, path }: Pick<Call, 'world' | 'url' | 'path'>,
  all: readonly unknown[],
  key?: string,
): Answer {
  const size = Math.min(100, Number(url.searchParams.get('per_page') ?? 30));
  const number = Number(url.searchParams.get('page') ?? 1);
  const items = all.slice((number - 1) * size, number * size);
  const pages = Math.max(1, Math.ceil(all.length / size));
  const link = (to: number, rel: string) => {
    const target = new URL(`${world.places.api}${path}${url.search}`);
    target.searchParams.set('page', `${to}`);
    return `<${target.href}>; rel="${rel}"`;
  };
  const links = number < pages ? { link: [link(number + 1, 'next'), link(pages, 'last')].join(', ') } : {};
  return {
    status: 200,
    body: key === undefined ? items : { total_count: all.length, [key]: items },
    headers: links,
  };
}

/** REST reference, "Create an installation access token for an app". */
function installationToken(world: World, { request }: RestRequest, installation: string): Answer {
  const [, jwt = ''] = (request.headers.authorization ?? '').split(' ');
  const app = world.apps.find((one) => one.installation === installation);
  if (request.method !== 'POST' || app === undefined) return NOT_FOUND;
  const fault = jwtFault(jwt, app, Math.floor(world.now() / 1000));
  if (fault !== undefined) return failure(401, fault);
  const token = makeToken({
    kind: 'installation',
    login: 'acme-app[bot]',
    ...(app.rights ? { rights: app.rights } : {}),
  });
  world.tokens.set(token.value, token);
  const expires = new Date(world.now() + 3_600_000).toISOString();
  return { status: 201, body: { token: token.value, expires_at: expires } };
}

function ok(body: unknown): Answer {
  return { status: 200, body };
}

function failure(status: number, message: string, errors?: readonly unknown[]): Answer {
  return {
    status,
    body: { message, ...(errors ? { errors } : {}), documentation_url: DOCS, status: `${status}` },
  };
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
