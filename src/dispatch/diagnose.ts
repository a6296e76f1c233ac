import { Type } from 'typebox';
import { type CodeAfter, type ErrorDetails, PrimitiveError } from '../core/errors.ts';
import { isObject } from '../core/object.ts';
import { parseYaml } from '../yaml/read.ts';
import type { DispatchAnswer, GitHub, GitHubRepository, Workflow } from './github.ts';

/** Where a workflow runs. */
export interface RunTarget {
  /** `acme/gitops`. */
  readonly repository: string;
  /** File name below `.github/workflows`. */
  readonly workflow: string;
  /** Branch or tag. */
  readonly ref: string;
}

/**
 * The repository and the workflow, as far as a dispatch needs them. Throws `gitops-repository-not-found`, `-moved`,
 * `gitops-repository-archived`, `gitops-workflow-not-found`, `gitops-workflow-disabled` (exit 2).
 */
export async function lookUp(
  github: GitHub,
  target: RunTarget,
): Promise<{ readonly repository: GitHubRepository; readonly workflow: Workflow }> {
  const repository = await github.repository();
  if (repository === undefined) {
    throw refused('repository-not-found', `Repository ${target.repository} not found.`, {
      why: 'It does not exist, or the token has no access: GitHub answers 404 for both.',
      suggestions: [
        'Check `gitops.repository` in primitive.config.yaml.',
        `Check the token: gh auth status; gh repo view ${github.address}`,
        'A fine-grained token or an app needs access to this repository.',
      ],
    });
  }
  if (repository.name.toLowerCase() !== target.repository.toLowerCase()) {
    throw refused('repository-moved', `Repository ${target.repository} is now ${repository.name}.`, {
      why: 'GitHub does not start workflows under a former name.',
      suggestions: [`In primitive.config.yaml:\ngitops: { repository: ${repository.name} }`],
    });
  }
  if (repository.archived) {
    throw refused('repository-archived', `Repository ${target.repository} is archived.`, {
      why: 'An archived repository is read-only and runs no workflow.',
      suggestions: ['Set `gitops.repository` in primitive.config.yaml to the repository that replaced it.'],
    });
  }
  const workflow = await github.workflow(target.workflow);
  if (workflow === undefined) throw await missingWorkflow(github, target, repository);
  if (workflow.state !== 'active') {
    throw refused('workflow-disabled', `Workflow ${target.workflow} of ${target.repository} is disabled.`, {
      why: `Its state is ${workflow.state}.`,
      suggestions: [`gh workflow enable ${target.workflow} --repo ${github.address}`],
    });
  }
  return { repository, workflow };
}

async function missingWorkflow(
  github: GitHub,
  { workflow, repository: name, ref }: RunTarget,
  { defaultBranch }: GitHubRepository,
): Promise<PrimitiveError> {
  const path = `.github/workflows/${workflow}`;
  const [enabled, elsewhere] = await Promise.all([
    github.actionsEnabled(),
    ref === defaultBranch ? undefined : readable(github.file(path, ref)),
  ]);
  if (enabled === false) return actionsDisabled(name);
  return refused('workflow-not-found', `Workflow ${workflow} not found in ${name}.`, {
    why:
      elsewhere === undefined
        ? `GitHub finds no ${path} on the default branch ${defaultBranch}.`
        : `${path} is on ${ref}, but not on the default branch ${defaultBranch}. GitHub needs it on both.`,
    suggestions: [
      elsewhere === undefined
        ? 'Install the kit there: primitive gitops init'
        : `Merge it into ${defaultBranch}.`,
      'Check `gitops.workflow` in primitive.config.yaml.',
    ],
  });
}

/**
 * Why a dispatch was refused, found by its message and by looking. The repository and the workflow were seen before.
 * Exit 2, or 3 if a right is missing.
 */
export async function diagnose(
  answer: DispatchAnswer & { readonly type: 'refused' },
  github: GitHub,
  target: RunTarget,
  facts: { readonly repository: GitHubRepository; readonly workflow: Workflow },
): Promise<PrimitiveError> {
  const { message, status } = answer;
  const said = `GitHub answered ${status}: ${message}`;
  const { workflow, repository, ref } = target;
  if (
    /actions (?:(?!actions ).)*disabled/i.test(message) ||
    (status === 404 && (await github.actionsEnabled()) === false)
  )
    return actionsDisabled(repository);
  if (status === 403 || status === 404) return forbidden(answer, target, facts.repository);
  if (/^No ref found/i.test(message)) {
    return refused('ref-not-found', `Ref ${ref} not found in ${repository}.`, {
      why: said,
      suggestions: [
        `Set \`gitops.ref\` in primitive.config.yaml, such as ${facts.repository.defaultBranch}.`,
      ],
    });
  }
  if (/disabled workflow/i.test(message)) {
    return refused('workflow-disabled', `Workflow ${workflow} of ${repository} is disabled.`, {
      why: said,
      suggestions: [`gh workflow enable ${workflow} --repo ${github.address}`],
    });
  }
  if (/workflow_dispatch/i.test(message)) return noTrigger(said, github, target, facts.workflow);
  if (/input/i.test(message) || /properties/i.test(message)) {
    return refused('input-refused', `Workflow ${workflow} of ${repository} does not accept this request.`, {
      why: said,
      suggestions: [
        `Compare its inputs: gh workflow view ${workflow} --repo ${github.address} --ref ${ref} --yaml`,
        'If the kit there is older than this program: primitive gitops init --update',
      ],
    });
  }
  return refused('dispatch-refused', `GitHub does not start workflow ${workflow} of ${repository}.`, {
    why: said,
    suggestions: [`gh workflow view ${workflow} --repo ${github.address}`],
  });
}

function forbidden(
  { message, status, permission }: DispatchAnswer & { readonly type: 'refused' },
  { workflow, repository }: RunTarget,
  { canPush }: GitHubRepository,
): PrimitiveError {
  const reader = canPush === false && permission === undefined;
  return new PrimitiveError(
    'gitops-dispatch-forbidden',
    `The token may not start workflow ${workflow} of ${repository}.`,
    {
      why: reader
        ? `GitHub answered ${status}: ${message}. The account has read access only.`
        : `GitHub answered ${status}: ${message}.${permission === undefined ? '' : ` It requires ${permission}.`}`,
      suggestions: [
        ...(reader ? [`Ask an admin of ${repository} for the role Write.`] : []),
        'Fine-grained token or app: Actions: read and write. Classic token: the scope repo.',
        'GITHUB_TOKEN of a job works for its own repository only. Use the token of an app for another one.',
      ],
      exit: 3,
    },
  );
}

/** The file at the ref: missing, no YAML, without the trigger, or right, and GitHub's index is behind. */
async function noTrigger(
  said: string,
  github: GitHub,
  { workflow, repository, ref }: RunTarget,
  { path }: Workflow,
): Promise<PrimitiveError> {
  const text = await readable(github.file(path, ref));
  if (text === undefined) {
    return refused('workflow-not-on-ref', `Workflow ${workflow} cannot be read on ${ref} of ${repository}.`, {
      why: said,
      suggestions: [
        `Check that ${ref} has ${path}, and that it has workflow_dispatch.`,
        'Set `gitops.ref` in primitive.config.yaml to the default branch.',
      ],
    });
  }
  const trigger = await hasTrigger(text, `${path}@${ref}`);
  if (trigger instanceof PrimitiveError) {
    return refused('workflow-invalid', `Workflow ${workflow} on ${ref} of ${repository} is not valid YAML.`, {
      why: trigger.message,
      suggestions: [`Show its changes, in a clone of ${repository} at ${ref}: git log -p -- ${path}`],
      cause: trigger,
    });
  }
  if (trigger) {
    return refused('workflow-not-indexed', `GitHub has not read workflow ${workflow} on ${ref} yet.`, {
      why: `${said} The file has the trigger; the index of GitHub may be older than the file.`,
      suggestions: ['Try again in a minute. If it persists, push a change to the file.'],
      retryable: true,
    });
  }
  return refused(
    'workflow-no-dispatch',
    `Workflow ${workflow} on ${ref} of ${repository} cannot be started.`,
    { why: said, suggestions: ['Add `on: { workflow_dispatch: … }`, as in the workflow of the kit.'] },
  );
}

/** Whether a workflow file has `workflow_dispatch` among its events; the error if it is no YAML. */
async function hasTrigger(text: string, shown: string): Promise<boolean | PrimitiveError> {
  try {
    const { value } = await parseYaml(
      { text, shown, subject: 'workflow' },
      Type.Object({ on: Type.Unknown() }),
    );
    const { on } = value;
    const events = isObject(on) ? Object.keys(on) : [on].flat();
    return events.includes('workflow_dispatch');
  } catch (error) {
    if (error instanceof PrimitiveError) return error;
    throw error;
  }
}

/** The result; undefined if the token may not read it. */
export async function readable<T>(reading: Promise<T>): Promise<T | undefined> {
  return reading.catch((error: unknown) => {
    if (error instanceof PrimitiveError && error.code === 'github-forbidden') return undefined;
    throw error;
  });
}

function actionsDisabled(repository: string): PrimitiveError {
  return refused('actions-disabled', `GitHub Actions are disabled in ${repository}.`, {
    suggestions: [`Ask an admin to enable them in Settings, Actions, General of ${repository}.`],
  });
}

function refused(code: CodeAfter<'gitops'>, message: string, details: ErrorDetails): PrimitiveError {
  return new PrimitiveError(`gitops-${code}`, message, details);
}
