/** Claims of an ID token, by name. */
export type Claims = Readonly<Record<string, string>>;

/** The few facts of a workflow run that the other claims follow from. */
export interface WorkflowRun {
  readonly repository?: string;
  /** File name under `.github/workflows`. */
  readonly workflow?: string;
  readonly ref?: string;
  readonly sha?: string;
  readonly event?: string;
  /** Where the workflow file came from, when not from `repository` at `ref` (reusable workflows, pull_request_target). */
  readonly workflowRef?: string;
  readonly runId?: string;
  readonly runAttempt?: string;
}

const SOME_SHA = '1111111111111111111111111111111111111111';

/** The claims GitHub Actions puts into an ID token; by default a push on main of acme/app by publish.yaml. */
export function githubClaims(run: WorkflowRun = {}): Claims {
  const repository = run.repository ?? 'acme/app';
  const ref = run.ref ?? 'refs/heads/main';
  const sha = run.sha ?? SOME_SHA;
  const event = run.event ?? 'push';
  const workflowRef = `${repository}/.github/workflows/${run.workflow ?? 'publish.yaml'}@${ref}`;
  const owner = repository.split('/')[0] ?? repository;
  return {
    sub: event.startsWith('pull_request')
      ? `repo:${repository}:pull_request`
      : `repo:${repository}:ref:${ref}`,
    repository,
    repository_id: '100200300',
    repository_owner: owner,
    repository_owner_id: '400500',
    repository_visibility: 'private',
    actor: 'octo-dev',
    actor_id: '600700',
    event_name: event,
    ref,
    ref_type: ref.startsWith('refs/tags/') ? 'tag' : 'branch',
    sha,
    workflow: 'publish',
    workflow_ref: workflowRef,
    workflow_sha: sha,
    job_workflow_ref: run.workflowRef ?? workflowRef,
    job_workflow_sha: sha,
    run_id: run.runId ?? '9001',
    run_number: '7',
    run_attempt: run.runAttempt ?? '1',
    runner_environment: 'github-hosted',
  };
}

/** The environment GitHub Actions gives to the steps of such a run. */
export function githubEnv(run: WorkflowRun = {}): Record<string, string> {
  const claims = githubClaims(run);
  const ref = claims.ref ?? '';
  return {
    CI: 'true',
    GITHUB_ACTIONS: 'true',
    GITHUB_SERVER_URL: 'https://github.com',
    GITHUB_API_URL: 'https://api.github.com',
    GITHUB_REPOSITORY: claims.repository ?? '',
    GITHUB_REPOSITORY_ID: claims.repository_id ?? '',
    GITHUB_REPOSITORY_OWNER: claims.repository_owner ?? '',
    GITHUB_REPOSITORY_OWNER_ID: claims.repository_owner_id ?? '',
    GITHUB_ACTOR: claims.actor ?? '',
    GITHUB_EVENT_NAME: claims.event_name ?? '',
    GITHUB_REF: ref,
    GITHUB_REF_NAME: ref.replace(/^refs\/(heads|tags|pull)\//, ''),
    GITHUB_REF_TYPE: claims.ref_type ?? '',
    GITHUB_SHA: claims.sha ?? '',
    GITHUB_WORKFLOW: claims.workflow ?? '',
    GITHUB_WORKFLOW_REF: claims.workflow_ref ?? '',
    GITHUB_WORKFLOW_SHA: claims.workflow_sha ?? '',
    GITHUB_RUN_ID: claims.run_id ?? '',
    GITHUB_RUN_NUMBER: claims.run_number ?? '',
    GITHUB_RUN_ATTEMPT: claims.run_attempt ?? '',
    GITHUB_JOB: 'publish',
    RUNNER_ENVIRONMENT: claims.runner_environment ?? '',
    RUNNER_OS: process.platform === 'darwin' ? 'macOS' : 'Linux',
  };
}
