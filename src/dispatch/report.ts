import { optional } from '../core/object.ts';
import type { Asked } from './asked.ts';
import type { GitopsRunDocument, RunProblem } from './document.ts';
import type { RunState } from './follow.ts';
import type { GitHub, PullRequest } from './github.ts';

/** A pull request with its files, sorted. */
export async function withFiles(
  pull: PullRequest,
  github: GitHub,
): Promise<NonNullable<GitopsRunDocument['pull']>> {
  const { number, url, state, author, base } = pull;
  const files = [...(await github.files(number))].sort((a, b) => (a.path < b.path ? -1 : 1));
  return { number, url, state, author, base, files };
}

/** The inputs of a request, for people: `kind=domain name=orders`. */
export function inputsText({ inputs }: Pick<Asked, 'inputs'>): string {
  return Object.entries(inputs)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}

export function documentOf(
  entry: Asked & { readonly id?: string },
  result: GitopsRunDocument['result'],
  more: {
    readonly state?: RunState;
    readonly pull?: GitopsRunDocument['pull'];
    readonly problem?: RunProblem;
    readonly unchecked?: GitopsRunDocument['unchecked'];
    readonly next?: readonly string[];
  } = {},
): GitopsRunDocument {
  const { id = null, repository, workflow, ref, inputs, branch } = entry;
  const { state, pull, problem: wrong, unchecked, next = [] } = more;
  return {
    schema: 'primitive.gitops-run/v1',
    result,
    request: { id, repository, workflow, ref, inputs, branch },
    ...(state === undefined ? {} : { run: runOf(state) }),
    ...optional('pull', pull),
    ...optional('problem', wrong),
    ...optional('unchecked', unchecked),
    next,
  };
}

function runOf({ run, jobs }: RunState): NonNullable<GitopsRunDocument['run']> {
  const { id, url, attempt, status, conclusion } = run;
  return {
    id,
    url,
    attempt,
    status,
    conclusion,
    jobs: jobs.map(({ name, status: state, conclusion: end, url: page, steps }) => ({
      name,
      status: state,
      conclusion: end,
      url: page,
      steps,
    })),
  };
}
