import { parseJson } from '../core/json.ts';
import { field } from '../core/object.ts';
import type { Variables } from '../core/variables.ts';

/** Names the revision that decides, for CI that is not GitHub Actions. */
export const BASE_VARIABLE = 'PRIMITIVE_BASE';

/**
 * The revision that what was merged is read from: its merge base with HEAD. Only the environment of the run says which, and no
 * file of the checkout. `event` is the text of the file that GITHUB_EVENT_PATH names. Undefined if nothing says.
 *
 * In GitHub Actions it is the default branch; on it, the commit of the run, because what is checked out may be another one
 * (`pull_request_target`, `workflow_run`).
 */
export function baseRevision(variables: Variables, event: string | undefined): string | undefined {
  const { GITHUB_ACTIONS, GITHUB_REF, GITHUB_SHA, [BASE_VARIABLE]: given } = variables;
  if (given) return given;
  if (GITHUB_ACTIONS !== 'true') return undefined;
  const branch = defaultBranch(event);
  if (branch === undefined) return undefined;
  return GITHUB_REF === `refs/heads/${branch}` ? GITHUB_SHA : `refs/remotes/origin/${branch}`;
}

function defaultBranch(event: string | undefined): string | undefined {
  const branch = field(field(parseJson(event ?? ''), 'repository'), 'default_branch');
  return typeof branch === 'string' && branch !== '' ? branch : undefined;
}
