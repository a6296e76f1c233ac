import { PrimitiveError } from '../core/errors.ts';
import { field, isObject, optional } from '../core/object.ts';
import type { TrustTier } from '../repository/signers.ts';
import { describeMissed, describeSigner, missedBy, type TrustPolicy, tierOf } from './trust.ts';
import type { SignerIdentity } from './types.ts';

/** Who runs, as the signatures of the run will show it. */
export interface SigningRun {
  readonly tier: TrustTier;
  readonly signer: SignerIdentity;
  /** Of the run, if it has one: `main`. */
  readonly branch?: string;
}

/** Who a signature of this process would name. */
export interface SigningIdentity {
  readonly signer: SignerIdentity;
  /** Claims of the OIDC token; empty for a key. */
  readonly claims: Readonly<Record<string, unknown>>;
  readonly pullRequest?: PullRequestEvent;
}

/** The parts of a GitHub `pull_request` event payload that say whose commit is being built. */
export interface PullRequestEvent {
  readonly headSha: string;
  readonly headRepository: string;
  readonly baseRepository: string;
}

/** Facts about a run before its first effect. */
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
 * `identity-event-missing`, all exit 2, each with the lines that fix it.
 */
export function checkRun(facts: RunFacts): void {
  const trigger = text(facts.claims.event_name);
  const tokenCommit = text(facts.claims.sha);
  if (trigger === 'pull_request_target' || trigger === 'workflow_run') {
    throw new PrimitiveError(
      'identity-trigger-refused',
      `Cannot publish from a run triggered by ${trigger}.`,
      {
        why: `Such a run has the rights and the identity of the default branch, but runs code of another author.`,
        suggestions: ['Trigger the workflow by `on: push` and `on: pull_request`.'],
      },
    );
  }
  // A review or a comment on one runs on the same merge commit, under another name.
  const ofPullRequest =
    trigger?.startsWith('pull_request') || text(facts.claims.ref)?.startsWith('refs/pull/');
  if (ofPullRequest) checkPullRequest(facts, tokenCommit);
  else if (tokenCommit !== undefined && tokenCommit !== facts.head) {
    throw new PrimitiveError(
      'identity-commit-mismatch',
      `The OIDC token is for ${tokenCommit}, HEAD is ${facts.head}.`,
      {
        why: 'Signer and source would name different commits.',
        suggestions: ['Publish the commit of the run: remove `ref:` from the checkout step.'],
      },
    );
  }
}

function checkPullRequest({ head, pullRequest }: RunFacts, tokenCommit: string | undefined): void {
  if (!pullRequest) {
    throw new PrimitiveError('identity-event-missing', 'Cannot read the event of the pull request.', {
      why: 'The OIDC token is for a pull request, and only the event file has its commit and repository.',
      suggestions: ['Run it in GitHub Actions, which sets GITHUB_EVENT_PATH.'],
    });
  }
  if (pullRequest.headRepository !== pullRequest.baseRepository) {
    throw new PrimitiveError(
      'identity-fork-refused',
      `Cannot publish a pull request from ${pullRequest.headRepository}.`,
      {
        why: `Commits of a fork are not published as ${pullRequest.baseRepository}.`,
        suggestions: [
          'Skip the step for forks: if: github.event.pull_request.head.repo.full_name == github.repository',
          'Or review the branch, and push it to the repository itself.',
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
        why: `It is not on any branch; the head of the pull request is ${pullRequest.headSha}.`,
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

/**
 * The claims of an OIDC token (RFC 7519, section 3), not verified: Fulcio does that. Throws `identity-token-invalid`
 * without repeating any part of the token.
 */
export function decodeClaims(token: string): Readonly<Record<string, unknown>> {
  const [, payload] = token.split('.');
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload ?? '', 'base64url').toString('utf8'));
    if (isObject(claims)) return { ...claims };
  } catch {
    // Falls through: what cannot be parsed is as wrong as what is no object.
  }
  throw new PrimitiveError('identity-token-invalid', 'The OIDC token is not a JSON Web Token.', {
    why: 'Its payload cannot be decoded.',
    suggestions: [
      'Check the source of SIGSTORE_ID_TOKEN, or of the response of ACTIONS_ID_TOKEN_REQUEST_URL.',
    ],
    exit: 3,
  });
}

/** The parts of a GitHub event that {@link checkRun} needs; undefined for events of other kinds. */
export function readPullRequest(event: unknown): PullRequestEvent | undefined {
  const pullRequest = field(event, 'pull_request');
  const headSha = field(field(pullRequest, 'head'), 'sha');
  const headRepository = field(field(field(pullRequest, 'head'), 'repo'), 'full_name');
  const baseRepository = field(field(field(pullRequest, 'base'), 'repo'), 'full_name');
  if (typeof headSha !== 'string' || typeof baseRepository !== 'string') return undefined;
  // The repository of a fork that was deleted is null; it is foreign all the same.
  return { headSha, headRepository: text(headRepository) ?? '(a deleted fork)', baseRepository };
}

/**
 * The run, as its signatures will show it. `branch` is what git has checked out; a certificate that names a ref
 * decides over it.
 *
 * Throws `identity-not-allowed` if the config knows no such signer: what this run sealed would not count as sealed.
 */
export function resolveRun(
  signer: SignerIdentity,
  policy: TrustPolicy,
  branch: string | undefined,
): SigningRun {
  const tier = tierOf(signer, policy);
  if (tier === undefined) throw notAllowed(signer, policy);
  const signed = signer.type === 'keyless' ? signer.ref?.match(/^refs\/heads\/(.+)$/)?.[1] : undefined;
  const onBranch = signer.type === 'keyless' && signer.ref !== undefined ? signed : branch;
  return { tier, signer, ...optional('branch', onBranch) };
}

function notAllowed(signer: SignerIdentity, policy: TrustPolicy): PrimitiveError {
  const missed = missedBy(signer, policy);
  const isOther = missed.some(({ name }) => name === 'repositoryId' || name === 'ownerId');
  const fields = missed.length === 0 ? '' : `: ${missed.map(describeMissed).join(', ')}`;
  return new PrimitiveError(
    'identity-not-allowed',
    `Signer ${describeSigner(signer)} is not in the config.`,
    {
      why: `No entry of \`signing.trusted\` or \`signing.accepted\` matches it in every field${fields}; its signatures would not be accepted.`,
      suggestions: isOther
        ? [
            'The name matches, but the repository or its owner has another id: it was recreated or transferred.',
            'If that is intended, set the new ids in primitive.config.yaml, as repositoryId and ownerId.',
          ]
        : ['To allow it, add to primitive.config.yaml, under signing.accepted:', ...policyLines(signer)],
    },
  );
}

function policyLines(signer: SignerIdentity): string[] {
  if (signer.type === 'key') return ['- key: cosign.pub'];
  const { issuer, repository, repositoryId, ownerId } = signer;
  // The identity of a pull request has its number, and the next one another.
  const identity = signer.identity.replace(/@refs\/pull\/\d+\//, '@refs/pull/*/');
  const lines = [`- issuer: ${issuer}`, `  identity: ${JSON.stringify(identity)}`];
  const more = Object.entries({ repository, repositoryId, ownerId }).flatMap(([name, value]) =>
    value === undefined ? [] : [`  ${name}: ${/^\d+$/.test(value) ? JSON.stringify(value) : value}`],
  );
  return [...lines, ...more];
}
