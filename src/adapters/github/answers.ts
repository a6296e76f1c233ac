import { Type } from 'typebox';

// The fields that are used of the answers of GitHub's REST API (docs.github.com/rest); all else in them is ignored.

const text = Type.String();
const number = Type.Number();
const textOrNull = Type.Union([Type.String(), Type.Null()]);

export const RepositoryData = Type.Object({
  full_name: text,
  default_branch: text,
  archived: Type.Boolean(),
  permissions: Type.Optional(Type.Object({ push: Type.Optional(Type.Boolean()) })),
});

export const WorkflowData = Type.Object({ path: text, state: text });

export const RunData = Type.Object({
  id: number,
  display_title: text,
  event: text,
  path: text,
  head_branch: textOrNull,
  actor: Type.Optional(Type.Union([Type.Object({ login: text }), Type.Null()])),
  status: textOrNull,
  conclusion: textOrNull,
  run_attempt: Type.Optional(number),
  html_url: text,
  created_at: text,
});

export const RunsData = Type.Object({ workflow_runs: Type.Array(RunData) });

export const JobData = Type.Object({
  id: number,
  name: text,
  status: text,
  conclusion: textOrNull,
  html_url: textOrNull,
  steps: Type.Optional(Type.Array(Type.Object({ number, name: text, status: text, conclusion: textOrNull }))),
});

export const JobsData = Type.Object({ jobs: Type.Array(JobData) });

export const PullData = Type.Object({
  number,
  html_url: text,
  state: text,
  merged_at: textOrNull,
  created_at: text,
  user: Type.Union([Type.Object({ login: text, type: text }), Type.Null()]),
  base: Type.Object({ ref: text }),
  head: Type.Object({ ref: text, repo: Type.Union([Type.Object({ full_name: text }), Type.Null()]) }),
});

export const PullsData = Type.Array(PullData);

export const FilesData = Type.Array(
  Type.Object({ filename: text, status: text, additions: number, deletions: number }),
);
