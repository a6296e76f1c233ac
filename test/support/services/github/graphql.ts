import type { IncomingMessage } from 'node:http';
import type { World } from './github.ts';
import type { DoublePull, DoubleRepository } from './repository.ts';
import { type Answer, tokenOf } from './rest.ts';

/**
 * Answers the queries that `gh workflow run`, `gh run watch` and `gh pr view` send (cli/cli v2.91), by their name; any
 * other is an error. A server may return more fields than were asked for: `gh` reads by name.
 */
export async function answerGraphql(world: World, request: IncomingMessage, body: unknown): Promise<Answer> {
  const token = tokenOf(world, request);
  if (token === undefined) return { status: 401, body: { message: 'Bad credentials' } };
  const { query = '', variables = {} } = (body ?? {}) as {
    query?: string;
    variables?: Record<string, unknown>;
  };
  const name = `${variables.owner ?? ''}/${variables.repo ?? variables.name ?? ''}`.toLowerCase();
  const repository = world.repositories.get(name);
  const operation = /^\s*query\s+(\w+)/m.exec(query)?.[1] ?? '';
  if (operation === 'PullRequest_fields' || operation === 'PullRequest_fields2')
    return data({
      __type: { fields: [] },
      PullRequest: { fields: [] },
      StatusCheckRollupContextConnection: { fields: [] },
    });
  if (repository === undefined || token.rights(repository.name) === undefined)
    return {
      status: 200,
      body: {
        data: { repository: null },
        errors: [
          {
            type: 'NOT_FOUND',
            path: ['repository'],
            message: `Could not resolve to a Repository with the name '${name}'.`,
          },
        ],
      },
    };
  switch (operation) {
    case 'RepositoryInfo':
      return data({ repository: infoOf(repository) });
    case 'PullRequestByNumber': {
      const pull = repository.pulls.find(({ number }) => number === variables.pr_number);
      return data({ repository: { pullRequest: pull ? pullOf(world, repository, pull) : null } });
    }
    case 'PullRequestProjectItems':
      return data({ repository: { pullRequest: { projectItems: NONE } } });
    case 'PullRequestForBranch': {
      const nodes = repository.pulls
        .filter(({ head }) => head.branch === variables.headRefName)
        .map((pull) => pullOf(world, repository, pull));
      return data({
        repository: { pullRequests: { nodes }, defaultBranchRef: { name: repository.defaultBranch } },
      });
    }
    default:
      return {
        status: 200,
        body: { errors: [{ message: `the double does not know the query ${operation}: ${query}` }] },
      };
  }
}

/** A connection without nodes. */
const NONE = { nodes: [], totalCount: 0, pageInfo: { hasNextPage: false, endCursor: null } };

function data(value: unknown): Answer {
  return { status: 200, body: { data: value } };
}

function infoOf(repository: DoubleRepository) {
  const [owner = '', name = ''] = repository.name.split('/');
  return {
    id: `R_${repository.id}`,
    name,
    owner: { login: owner },
    hasIssuesEnabled: true,
    description: '',
    hasWikiEnabled: false,
    viewerPermission: 'WRITE',
    defaultBranchRef: { name: repository.defaultBranch },
    parent: null,
    mergeCommitAllowed: true,
    rebaseMergeAllowed: true,
    squashMergeAllowed: true,
  };
}

function pullOf({ places }: World, repository: DoubleRepository, pull: DoublePull) {
  const [owner = '', name = ''] = pull.head.repository.split('/');
  return {
    id: `PR_${repository.id}_${pull.number}`,
    number: pull.number,
    url: `${places.web}/${repository.name}/pull/${pull.number}`,
    title: pull.title,
    body: pull.body,
    state: pull.merged ? 'MERGED' : pull.state.toUpperCase(),
    isDraft: false,
    headRefName: pull.head.branch,
    baseRefName: pull.base,
    headRepository: { id: 'R', name },
    headRepositoryOwner: { id: 'O', login: owner },
    isCrossRepository: pull.head.repository !== repository.name,
    author: { login: pull.author },
    labels: {
      ...NONE,
      nodes: pull.labels.map((label) => ({ id: label, name: label, description: '', color: 'ededed' })),
      totalCount: pull.labels.length,
    },
    createdAt: pull.created,
    mergedAt: pull.merged ? pull.closed : null,
    closedAt: pull.closed,
    additions: 1,
    deletions: 0,
    changedFiles: 1,
    commits: { totalCount: 1, nodes: [] },
    assignees: NONE,
    reviewRequests: NONE,
    reviews: NONE,
    projectCards: NONE,
    projectItems: NONE,
    comments: NONE,
    reactionGroups: [],
    milestone: null,
    autoMergeRequest: null,
    maintainerCanModify: false,
    files: NONE,
  };
}
