export interface GitHubRepository {
  /** `acme/gitops`, as it is called now: GitHub redirects from a former name. */
  readonly name: string;
  readonly defaultBranch: string;
  readonly archived: boolean;
  /** Whether the owner of the token may push; GitHub says nothing of it for some tokens. */
  readonly canPush: boolean | undefined;
}

/** A workflow, as GitHub has indexed it from the default branch. */
export interface Workflow {
  /** `.github/workflows/scaffold.yaml`. */
  readonly path: string;
  /** `active`, or why it is not: `disabled_manually`, `disabled_inactivity`, … */
  readonly state: string;
}

export interface WorkflowRun {
  readonly id: number;
  /** The evaluated `run-name`. */
  readonly title: string;
  /** `workflow_dispatch`, `push`, … */
  readonly event: string;
  /** File name below `.github/workflows`. */
  readonly workflow: string;
  /** The branch or tag that the workflow was read from. */
  readonly ref: string;
  /** Login of who started it. */
  readonly actor: string;
  /** `queued`, `in_progress`, `waiting`, `completed`, … */
  readonly status: string;
  /** Null while it is not completed. */
  readonly conclusion: string | null;
  readonly attempt: number;
  readonly url: string;
  /** ISO 8601, by GitHub's clock. */
  readonly created: string;
}

export interface JobStep {
  readonly number: number;
  readonly name: string;
  readonly status: string;
  readonly conclusion: string | null;
}

export interface Job {
  readonly id: number;
  readonly name: string;
  readonly status: string;
  readonly conclusion: string | null;
  readonly url: string;
  readonly steps: readonly JobStep[];
}

export interface PullRequest {
  readonly number: number;
  readonly url: string;
  readonly state: 'open' | 'merged' | 'closed';
  /** Login of who opened it. */
  readonly author: string;
  /** Whether that is an app, such as the built-in one of workflows. */
  readonly byApp: boolean;
  /** The branch that it is for. */
  readonly base: string;
  /** ISO 8601, by GitHub's clock. */
  readonly created: string;
}

export interface PullRequestFile {
  readonly path: string;
  /** `added`, `modified`, `removed`, `renamed`, … */
  readonly status: string;
  readonly additions: number;
  readonly deletions: number;
}

/** The result of a dispatch. If an error is thrown instead, nothing was sent. */
export type DispatchAnswer =
  /** `run` is its id, if the server returns it: GitHub, and GitHub Enterprise Server from 3.21. */
  | { readonly type: 'accepted'; readonly run?: number }
  /** No run was created. `permission`: what the server says that the token lacks, such as `actions=write`. */
  | {
      readonly type: 'refused';
      readonly status: number;
      readonly message: string;
      readonly permission?: string | undefined;
    }
  /** The server failed, or the connection broke: a run may have been created. */
  | { readonly type: 'unknown'; readonly why: string };

/**
 * One repository on GitHub, as a token sees it. What may pass by itself is tried again, but never a dispatch that may
 * have created a run.
 *
 * Methods throw `github-unauthorized`, `github-sso-required`, `github-forbidden`, `github-rate-limited`,
 * `github-unreachable`, `github-certificate`, `github-failed`, `github-refused` (exit 3), or the reason of the signal.
 */
export interface GitHub {
  /** As `gh --repo` takes it, for whichever GitHub `gh` is set to: `github.com/acme/gitops`. */
  readonly address: string;
  /** Undefined if it is missing, or the token cannot see it. */
  repository(): Promise<GitHubRepository | undefined>;
  /** By file name; undefined if the default branch has no such workflow. */
  workflow(file: string): Promise<Workflow | undefined>;
  /** The text of a file; undefined if the ref or the file is missing. */
  file(path: string, ref: string): Promise<string | undefined>;
  /** Whether Actions are enabled; undefined if the token may not know. */
  actionsEnabled(): Promise<boolean | undefined>;
  dispatch(
    workflow: string,
    request: { readonly ref: string; readonly inputs: Readonly<Record<string, string>> },
  ): Promise<DispatchAnswer>;
  /** Runs that were dispatched, newest first; more are fetched as they are asked for, up to GitHub's limit of 1,000. */
  runs(workflow: string): AsyncIterable<WorkflowRun>;
  /** Undefined if it was deleted, or GitHub does not have it at the moment. */
  run(id: number): Promise<WorkflowRun | undefined>;
  /** Of the latest attempt; undefined as for {@link run}. */
  jobs(run: number): Promise<readonly Job[] | undefined>;
  /** The log of a job; undefined while it runs, and after it has expired. */
  log(job: number): Promise<string | undefined>;
  /** Those of a branch of this repository, newest first, open or not. */
  pulls(branch: string): Promise<readonly PullRequest[]>;
  files(pull: number): Promise<readonly PullRequestFile[]>;
}
