import type { DoublePull, DoubleRepository, DoubleWorkflow } from './repository.ts';
import type { DoubleJob, DoubleRun } from './runs.ts';

/** Where the double is reached: `api` for REST, `web` for pages and git. */
export interface Places {
  readonly api: string;
  readonly web: string;
}

const user = (login: string) => ({
  login,
  id: login.length,
  type: login.endsWith('[bot]') ? 'Bot' : 'User',
  node_id: `U_${login}`,
});

export function repositoryJson({ api, web }: Places, repository: DoubleRepository, push: boolean) {
  const [owner = '', name = ''] = repository.name.split('/');
  return {
    id: repository.id,
    node_id: `R_${repository.id}`,
    name,
    full_name: repository.name,
    private: true,
    fork: repository.parent !== undefined,
    owner: { ...user(owner), type: 'Organization' },
    html_url: `${web}/${repository.name}`,
    url: `${api}/repos/${repository.name}`,
    clone_url: `${web}/${repository.name}.git`,
    default_branch: repository.defaultBranch,
    archived: repository.archived,
    disabled: false,
    permissions: { admin: false, maintain: false, push, triage: push, pull: true },
  };
}

export function workflowJson({ api, web }: Places, repository: DoubleRepository, workflow: DoubleWorkflow) {
  const { id, path, name, state } = workflow;
  return {
    id,
    node_id: `W_${id}`,
    name,
    path,
    state,
    created_at: '2026-01-02T03:04:05.000Z',
    updated_at: '2026-01-02T03:04:05.000Z',
    url: `${api}/repos/${repository.name}/actions/workflows/${id}`,
    html_url: `${web}/${repository.name}/blob/${repository.defaultBranch}/${path}`,
    badge_url: `${web}/${repository.name}/workflows/${id}/badge.svg`,
  };
}

export function runJson({ api, web }: Places, repository: DoubleRepository, run: DoubleRun) {
  const url = `${api}/repos/${repository.name}/actions/runs/${run.id}`;
  return {
    id: run.id,
    node_id: `WFR_${run.id}`,
    name: run.workflow.name,
    display_title: run.title,
    head_branch: run.branch,
    head_sha: run.commit,
    path: run.workflow.path,
    run_number: run.number,
    run_attempt: run.attempt,
    event: 'workflow_dispatch',
    status: run.status,
    conclusion: run.conclusion,
    workflow_id: run.workflow.id,
    url,
    html_url: `${web}/${repository.name}/actions/runs/${run.id}`,
    jobs_url: `${url}/jobs`,
    logs_url: `${url}/logs`,
    created_at: run.created,
    updated_at: run.created,
    run_started_at: run.created,
    actor: user(run.actor),
    pull_requests: [],
    head_commit: { id: run.commit, message: 'Head' },
    head_repository: repositoryJson({ api, web }, repository, false),
    repository: repositoryJson({ api, web }, repository, false),
  };
}

export function jobJson({ api, web }: Places, repository: DoubleRepository, run: DoubleRun, job: DoubleJob) {
  const time = (status: string) => (status === 'queued' ? null : run.created);
  return {
    id: job.id,
    run_id: run.id,
    run_attempt: run.attempt,
    name: job.name,
    status: job.status,
    conclusion: job.conclusion,
    head_sha: run.commit,
    head_branch: run.branch,
    workflow_name: run.workflow.name,
    url: `${api}/repos/${repository.name}/actions/jobs/${job.id}`,
    html_url: `${web}/${repository.name}/actions/runs/${run.id}/job/${job.id}`,
    created_at: run.created,
    started_at: run.created,
    completed_at: job.status === 'completed' ? run.created : null,
    labels: ['ubuntu-latest'],
    steps: job.steps.map((step) => ({
      number: step.number,
      name: step.name,
      status: step.status,
      conclusion: step.conclusion,
      started_at: time(step.status),
      completed_at: step.status === 'completed' ? run.created : null,
    })),
  };
}

/** `heads`: the commit and the repository of the head; a repository that was deleted is null, as GitHub has it. */
export function pullJson(
  places: Places,
  repository: DoubleRepository,
  pull: DoublePull,
  heads: {
    readonly sha: string;
    readonly baseSha: string;
    readonly repository: DoubleRepository | undefined;
  },
) {
  const { api, web } = places;
  const [headOwner = ''] = pull.head.repository.split('/');
  const [owner = ''] = repository.name.split('/');
  return {
    id: repository.id * 1000 + pull.number,
    node_id: `PR_${repository.id}_${pull.number}`,
    number: pull.number,
    url: `${api}/repos/${repository.name}/pulls/${pull.number}`,
    html_url: `${web}/${repository.name}/pull/${pull.number}`,
    state: pull.state,
    draft: false,
    locked: false,
    merged: pull.merged,
    title: pull.title,
    body: pull.body,
    user: user(pull.author),
    labels: pull.labels.map((name, index) => ({
      id: index + 1,
      node_id: `L_${name}`,
      name,
      color: 'ededed',
      default: false,
    })),
    created_at: pull.created,
    updated_at: pull.created,
    closed_at: pull.closed,
    merged_at: pull.merged ? pull.closed : null,
    head: {
      label: `${headOwner}:${pull.head.branch}`,
      ref: pull.head.branch,
      sha: heads.sha,
      user: user(headOwner),
      repo: heads.repository ? repositoryJson(places, heads.repository, false) : null,
    },
    base: {
      label: `${owner}:${pull.base}`,
      ref: pull.base,
      sha: heads.baseSha,
      user: user(owner),
      repo: repositoryJson(places, repository, false),
    },
  };
}
