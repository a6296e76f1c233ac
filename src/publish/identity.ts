import { PrimitiveError } from '../errors.ts';

/** The parts of a GitHub `pull_request` event payload that say whose commit is being built. */
export interface PullRequestEvent {
  readonly headSha: string;
  readonly headRepository: string;
  readonly baseRepository: string;
}

/** What is known about a run before it does anything. */
export interface RunFacts {
  readonly head: string;
  /** Claims of the ambient OIDC token, decoded but not verified: they refuse early, the certificate proves later. */
  readonly claims: Readonly<Record<string, unknown>>;
  readonly pullRequest?: PullRequestEvent | undefined;
}

const CHECKOUT = [
  'Check out the commit that is being proposed, not the merge that GitHub makes for the run:',
  '- uses: actions/checkout',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: an expression of GitHub Actions, shown as it is
  '  with: { ref: "${{ github.event.pull_request.head.sha }}" }',
] as const;

/**
 * Refuses a run whose token does not speak for HEAD: the signature would say that one commit was built while the
 * image holds another.
 *
 * Throws `identity-trigger-refused`, `identity-fork-refused`, `identity-merge-commit`, `identity-commit-mismatch` or
 * `identity-event-missing`, all exit 2, each with the lines that mend it.
 */
export function checkRun(facts: RunFacts): void {
  const trigger = text(facts.claims.event_name);
  const tokenCommit = text(facts.claims.sha);
  if (trigger === 'pull_request_target' || trigger === 'workflow_run') {
    throw new PrimitiveError('identity-trigger-refused', `A run triggered by ${trigger} cannot publish.`, {
      why: `Such a run has the rights and the identity of the default branch while it handles somebody else's code.`,
      suggestions: ['Trigger the workflow by `on: push` and `on: pull_request`.'],
    });
  }
  if (trigger === 'pull_request') checkPullRequest(facts, tokenCommit);
  else if (tokenCommit !== undefined && tokenCommit !== facts.head) {
    throw new PrimitiveError(
      'identity-commit-mismatch',
      `The OIDC token is for ${tokenCommit}, HEAD is ${facts.head}.`,
      {
        why: 'Signer and source would name different commits.',
        suggestions: [
          'Publish the commit that the run was started for: remove the `ref:` of the checkout step.',
        ],
      },
    );
  }
}

function checkPullRequest({ head, pullRequest }: RunFacts, tokenCommit: string | undefined): void {
  if (!pullRequest) {
    throw new PrimitiveError(
      'identity-event-missing',
      'The token is for a pull request, but its event is not at hand.',
      {
        why: 'Without the event there is no telling the proposed commit from a merge or from the commit of a fork.',
        suggestions: ['Run where GITHUB_EVENT_PATH names the event file, as GitHub Actions does.'],
      },
    );
  }
  if (pullRequest.headRepository !== pullRequest.baseRepository) {
    throw new PrimitiveError(
      'identity-fork-refused',
      `The pull request comes from ${pullRequest.headRepository}.`,
      {
        why: `Commits of a fork are not published under the name of ${pullRequest.baseRepository}.`,
        suggestions: [
          'Skip the step for forks: if: github.event.pull_request.head.repo.full_name == github.repository',
          'Or push the branch to the repository itself after reading it.',
        ],
      },
    );
  }
  if (head === pullRequest.headSha) return;
  if (head === tokenCommit) {
    throw new PrimitiveError(
      'identity-merge-commit',
      `HEAD ${head} is the merge commit that GitHub made for this run.`,
      {
        why: `It exists in no branch; the pull request proposes ${pullRequest.headSha}.`,
        suggestions: CHECKOUT,
      },
    );
  }
  throw new PrimitiveError(
    'identity-commit-mismatch',
    `HEAD is ${head}, the pull request's head is ${pullRequest.headSha}.`,
    {
      why: 'Signer and source would name different commits.',
      suggestions: CHECKOUT,
    },
  );
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
