import { RequestError as OctokitError } from '@octokit/request-error';
import type { Static, TSchema } from 'typebox';
import { Check } from 'typebox/schema';
import { errorLine, PrimitiveError } from '../../core/errors.ts';
import { field } from '../../core/object.ts';
import type { DispatchAnswer, GitHub, Job, PullRequest, WorkflowRun } from '../../dispatch/github.ts';
import {
  FilesData,
  type JobData,
  JobsData,
  type PullData,
  PullsData,
  RepositoryData,
  RunData,
  RunsData,
  WorkflowData,
} from './answers.ts';
import { messageOf, unusableAnswer } from './failure.ts';
import { type Api, type ApiOptions, createApi } from './http.ts';

/** Pages of a hundred runs: GitHub lists no more than a thousand for one search. */
const RUN_PAGES = 10;
/** A pull request lists 30 pages of files at most; what has more pages than this has no end. */
const MAX_PAGES = 100;

/** A repository (`acme/gitops`) on GitHub, GitHub Enterprise Server or GHE.com. */
export function createGithub(repository: string, options: ApiOptions): GitHub & { close(): Promise<void> } {
  const api = createApi(options);
  const { read } = api;
  const [owner = '', repo = ''] = repository.split('/');
  const place = { owner, repo };
  const { host } = new URL(options.host.api);
  /** The data of an answer. Throws `github-failed` if it is not as GitHub documents it. */
  const checked = async <S extends TSchema>(
    schema: S,
    asking: Promise<{ readonly data: unknown }>,
  ): Promise<Static<S>> => {
    const { data } = await asking;
    if (Check(schema, data)) return data;
    throw unusableAnswer('data of another form', host);
  };
  /** All items of a list. Throws `github-failed` if it has more than {@link MAX_PAGES}. */
  const pages = async <T>(
    ask: (page: { readonly per_page: number; readonly page: number }) => Promise<readonly T[]>,
  ): Promise<readonly T[]> => {
    const all: T[] = [];
    for (let page = 1; page <= MAX_PAGES; page += 1) {
      const items = await ask({ per_page: 100, page });
      all.push(...items);
      if (items.length < 100) return all;
    }
    throw unusableAnswer(`a list of more than ${MAX_PAGES} pages`, host);
  };

  return {
    address: `${options.host.name}/${repository}`,
    close: () => api.close(),

    async repository() {
      const found = await absent(checked(RepositoryData, read('GET /repos/{owner}/{repo}', place)));
      if (found === undefined) return undefined;
      const { full_name: name, default_branch: defaultBranch, archived, permissions } = found;
      return { name, defaultBranch, archived, canPush: permissions?.push };
    },

    async workflow(file) {
      const route = 'GET /repos/{owner}/{repo}/actions/workflows/{workflow_id}';
      const found = await absent(checked(WorkflowData, read(route, { ...place, workflow_id: file })));
      return found && { path: found.path, state: found.state };
    },

    async file(path, ref) {
      const found = await absent(read('GET /repos/{owner}/{repo}/contents/{path}', { ...place, path, ref }));
      // A folder is a list, a submodule has no content.
      const content = field(found?.data, 'content');
      return typeof content === 'string' ? Buffer.from(content, 'base64').toString() : undefined;
    },

    async actionsEnabled() {
      const route = 'GET /repos/{owner}/{repo}/actions/permissions';
      const found = await absent(read(route, place)).catch((error: unknown) => {
        // Only admins may know.
        if (error instanceof PrimitiveError && error.code === 'github-forbidden') return undefined;
        throw error;
      });
      const enabled = field(found?.data, 'enabled');
      return typeof enabled === 'boolean' ? enabled : undefined;
    },

    dispatch: (workflow, request) => dispatch(api, options, { ...place, workflow_id: workflow }, request),

    async *runs(workflow) {
      for (let page = 1; page <= RUN_PAGES; page += 1) {
        const route = 'GET /repos/{owner}/{repo}/actions/workflows/{workflow_id}/runs';
        const search = { workflow_id: workflow, event: 'workflow_dispatch', per_page: 100, page };
        const { workflow_runs: runs } = await checked(RunsData, read(route, { ...place, ...search }));
        yield* runs.map(runOf);
        if (runs.length < 100) return;
      }
    },

    async run(id) {
      const route = 'GET /repos/{owner}/{repo}/actions/runs/{run_id}';
      const found = await absent(checked(RunData, read(route, { ...place, run_id: id })));
      return found && runOf(found);
    },

    async jobs(id) {
      const route = 'GET /repos/{owner}/{repo}/actions/runs/{run_id}/jobs';
      const found = await absent(
        pages(async (page) => {
          const asking = read(route, { ...place, ...page, run_id: id, filter: 'latest' });
          return (await checked(JobsData, asking)).jobs;
        }),
      );
      return found?.map(jobOf);
    },

    async log(id) {
      const route = 'GET /repos/{owner}/{repo}/actions/jobs/{job_id}/logs';
      const found = await absent(read(route, { ...place, job_id: id }));
      const data: unknown = found?.data;
      if (data instanceof ArrayBuffer) return Buffer.from(data).toString();
      return typeof data === 'string' ? data : undefined;
    },

    async pulls(branch) {
      // Without the owner GitHub ignores the filter.
      const search = { head: `${owner}:${branch}`, state: 'all', per_page: 100 } as const;
      const found = await checked(
        PullsData,
        read('GET /repos/{owner}/{repo}/pulls', { ...place, ...search }),
      );
      // It may also list another branch of the same commit, or one of a fork.
      return found
        .filter(
          ({ head }) =>
            head.ref === branch && head.repo?.full_name.toLowerCase() === repository.toLowerCase(),
        )
        .map(pullOf);
    },

    async files(number) {
      const route = 'GET /repos/{owner}/{repo}/pulls/{pull_number}/files';
      const found = await pages((page) =>
        checked(FilesData, read(route, { ...place, ...page, pull_number: number })),
      );
      return found.map(({ filename, status, additions, deletions }) => ({
        path: filename,
        status,
        additions,
        deletions,
      }));
    },
  };
}

/**
 * Asks for a run in the newest of three ways that the server knows; each way is refused before anything is started:
 * by the version that always answers with the run; by the one that does so on request (until 2028); by the body that
 * GitHub Enterprise Server up to 3.20 takes, which answers 204.
 */
async function dispatch(
  { write }: Api,
  { token }: ApiOptions,
  call: { readonly owner: string; readonly repo: string; readonly workflow_id: string },
  request: { readonly ref: string; readonly inputs: Readonly<Record<string, string>> },
): Promise<DispatchAnswer> {
  const ways = [
    { headers: { 'x-github-api-version': '2026-03-10' } },
    { headers: { 'x-github-api-version': '2022-11-28' }, return_run_details: true },
    {},
  ];
  let refused: OctokitError | undefined;
  for (const way of ways) {
    try {
      const route = 'POST /repos/{owner}/{repo}/actions/workflows/{workflow_id}/dispatches';
      const { data } = await write(route, { ...call, ...request, ...way });
      const run = (data as { readonly workflow_run_id?: unknown } | undefined)?.workflow_run_id;
      return { type: 'accepted', ...(typeof run === 'number' ? { run } : {}) };
    } catch (error) {
      if (error instanceof PrimitiveError && error.code === 'github-failed')
        return { type: 'unknown', why: errorLine(error) };
      if (!(error instanceof OctokitError)) throw error;
      refused = error;
      if (!isOlder(error)) break;
    }
  }
  if (refused === undefined) throw new Error('a dispatch has an answer');
  const permission = refused.response?.headers['x-accepted-github-permissions'];
  return {
    type: 'refused',
    status: refused.status,
    message: messageOf(refused, token),
    ...(permission === undefined ? {} : { permission: `${permission}` }),
  };
}

/** Whether the server knows neither the version nor the key. */
function isOlder({ status, message }: OctokitError): boolean {
  return (status === 400 || status === 422) && /version|return_run_details/i.test(message);
}

/** The answer; undefined for 404, and for 410, which is what an expired log gives. */
async function absent<T>(asking: Promise<T>): Promise<T | undefined> {
  return asking.catch((error: unknown) => {
    const answer = error instanceof PrimitiveError ? error.cause : undefined;
    if (answer instanceof OctokitError && (answer.status === 404 || answer.status === 410)) return undefined;
    throw error;
  });
}

function runOf(run: Static<typeof RunData>): WorkflowRun {
  const {
    id,
    display_title: title,
    event,
    path,
    head_branch: ref,
    actor,
    status,
    conclusion,
    run_attempt,
    html_url: url,
    created_at: created,
  } = run;
  return {
    id,
    title,
    event,
    // Also `acme/gitops/.github/workflows/scaffold.yaml@main`.
    workflow: path.replace(/^.*\.github\/workflows\//, '').split('@', 1)[0] ?? '',
    ref: ref ?? '',
    // An account that was deleted is null.
    actor: actor?.login ?? 'ghost',
    status: status ?? 'queued',
    conclusion,
    attempt: run_attempt ?? 1,
    url,
    created,
  };
}

function jobOf(job: Static<typeof JobData>): Job {
  const { id, name, status, conclusion, html_url: url, steps = [] } = job;
  return {
    id,
    name,
    status,
    conclusion,
    url: url ?? '',
    steps: steps.map((step) => ({
      number: step.number,
      name: step.name,
      status: step.status,
      conclusion: step.conclusion,
    })),
  };
}

function pullOf(pull: Static<typeof PullData>): PullRequest {
  const { number, html_url: url, state, merged_at: merged, user, base, created_at: created } = pull;
  return {
    number,
    url,
    state: merged ? 'merged' : state === 'open' ? 'open' : 'closed',
    // An account that was deleted is null.
    author: user?.login ?? 'ghost',
    byApp: user?.type === 'Bot',
    base: base.ref,
    created,
  };
}
