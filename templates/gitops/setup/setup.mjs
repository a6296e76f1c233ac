// Sets this repository up on GitHub, with the login of `gh`: `node .github/primitive/setup.mjs [--dry-run | --check]`.
// --dry-run prints the calls; --check changes nothing, prints what is so and what is not, and fails where something is not.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

const { kit } = JSON.parse(readFileSync('.github/primitive/kit.json', 'utf8'));
// An address of the web has a port that the API has too, one of SSH has another.
const [, web, ssh, repository] =
  /^(?:https?:\/\/([^/@]+)\/|(?:ssh:\/\/)?git@([^/:]+)(?::\d+(?=\/))?[/:])(.+?)(?:\.git)?$/.exec(
    kit.repository,
  ) ?? [];
const host = web ?? ssh;
const environment = 'gitops-proposals';
const key = 'PRIMITIVE_APP_PRIVATE_KEY';
const ruleset = 'GitOps kit';
const flags = process.argv.slice(2);

/** Calls GitHub; `missing` where it has nothing at the path. */
function gh(method, path, body, missing) {
  const args = ['api', '--method', method, `repos/${repository}/${path}`];
  try {
    const input = body === undefined ? undefined : JSON.stringify(body);
    const more = body === undefined ? [] : ['--input', '-'];
    const text = execFileSync('gh', [...args, ...more], {
      encoding: 'utf8',
      env: { ...process.env, GH_HOST: process.env.GH_HOST || host },
      input,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    return text === '' ? undefined : JSON.parse(text);
  } catch (error) {
    if (missing !== undefined && /HTTP 404/.test(error.stderr ?? '')) return missing;
    throw new Error(error.code === 'ENOENT' ? 'gh is not on PATH' : (error.stderr || error.message).trim());
  }
}

/** What a ruleset of this repository has to say. */
const rules = {
  name: ruleset,
  target: 'branch',
  enforcement: 'active',
  bypass_actors: [],
  conditions: { ref_name: { include: [`refs/heads/${kit.branch}`], exclude: [] } },
  rules: [
    { type: 'deletion' },
    { type: 'non_fast_forward' },
    {
      type: 'pull_request',
      parameters: {
        required_approving_review_count: 1,
        dismiss_stale_reviews_on_push: true,
        require_code_owner_review: true,
        require_last_push_approval: true,
        required_review_thread_resolution: false,
      },
    },
    {
      type: 'required_status_checks',
      parameters: {
        strict_required_status_checks_policy: false,
        required_status_checks: [{ context: 'Gate' }],
      },
    },
  ],
};

/** Whether a value has all that another one has; lists in any order. */
function covers(value, wanted) {
  if (Array.isArray(wanted))
    return (
      Array.isArray(value) &&
      value.length >= wanted.length &&
      wanted.every((item) => value.some((each) => covers(each, item)))
    );
  if (typeof wanted !== 'object' || wanted === null) return value === wanted;
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.entries(wanted).every(([name, item]) => covers(value[name], item))
  );
}

const findRuleset = () => {
  const found = gh('GET', 'rulesets?includes_parents=false', undefined, []).find(
    ({ name }) => name === ruleset,
  );
  return found && gh('GET', `rulesets/${found.id}`);
};

/** What is to be so: whether it is, and the calls that make it so. What a person has to do has a text instead. */
const points = [
  {
    what: `a ruleset demands on ${kit.branch} a pull request, its code owners' approval of the last push, and the check Gate; nobody bypasses it`,
    isSo: () => {
      const found = findRuleset();
      return covers(found, rules) && found.bypass_actors.length === 0;
    },
    calls: () => {
      const found = findRuleset();
      return [[found ? 'PUT' : 'POST', found ? `rulesets/${found.id}` : 'rulesets', rules]];
    },
  },
  {
    what: 'tokens of Actions only read, and cannot approve pull requests',
    isSo: () =>
      covers(gh('GET', 'actions/permissions/workflow'), {
        default_workflow_permissions: 'read',
        can_approve_pull_request_reviews: false,
      }),
    calls: () => [
      [
        'PUT',
        'actions/permissions/workflow',
        { default_workflow_permissions: 'read', can_approve_pull_request_reviews: false },
      ],
    ],
  },
  {
    what: `the environment ${environment} is for ${kit.branch} alone`,
    isSo: () => {
      const found = gh('GET', `environments/${environment}`, undefined, {});
      if (!found.deployment_branch_policy?.custom_branch_policies) return false;
      const { branch_policies: policies } = gh(
        'GET',
        `environments/${environment}/deployment-branch-policies`,
      );
      return policies.length === 1 && policies[0].name === kit.branch;
    },
    calls: () => {
      const listed = gh('GET', `environments/${environment}/deployment-branch-policies`, undefined, {
        branch_policies: [],
      });
      const others = listed.branch_policies.filter(({ name }) => name !== kit.branch);
      const isThere = listed.branch_policies.length > others.length;
      return [
        [
          'PUT',
          `environments/${environment}`,
          { deployment_branch_policy: { protected_branches: false, custom_branch_policies: true } },
        ],
        ...others.map(({ id }) => ['DELETE', `environments/${environment}/deployment-branch-policies/${id}`]),
        ...(isThere
          ? []
          : [['POST', `environments/${environment}/deployment-branch-policies`, { name: kit.branch }]]),
      ];
    },
  },
  {
    what: `the App's key is a secret of that environment, and not of the repository`,
    isSo: () => {
      const has = (path) =>
        gh('GET', path, undefined, { secrets: [] }).secrets.some(({ name }) => name === key);
      return has(`environments/${environment}/secrets`) && !has('actions/secrets');
    },
    todo: `gh secret set ${key} --env ${environment} < key.pem; gh secret delete ${key}`,
  },
  {
    what: '.github/CODEOWNERS says who owns everything that has no other owner',
    isSo: () =>
      existsSync('.github/CODEOWNERS') && /^\*\s+@\S/m.test(readFileSync('.github/CODEOWNERS', 'utf8')),
    todo: 'see step 3 of .github/primitive/README.md',
  },
];

try {
  if (repository === undefined)
    throw new Error(`kit.yaml: \`repository\` is on no GitHub: ${kit.repository}`);
  const unknown = flags.find((flag) => !['--dry-run', '--check'].includes(flag));
  if (unknown !== undefined) throw new Error(`${unknown} is unknown; use --dry-run or --check`);
  let missing = 0;
  for (const { what, isSo, calls, todo } of points) {
    if (isSo()) {
      console.log(`ok       ${what}`);
      continue;
    }
    if (flags.includes('--check') || calls === undefined) {
      missing += 1;
      console.log(`missing  ${what}${todo === undefined ? '' : `\n         ${todo}`}`);
      continue;
    }
    for (const [method, path, body] of calls()) {
      if (flags.includes('--dry-run'))
        console.log(`would    ${method} repos/${repository}/${path} ${JSON.stringify(body ?? {})}`);
      else gh(method, path, body);
    }
    if (!flags.includes('--dry-run')) console.log(`set      ${what}`);
  }
  if (missing > 0) process.exitCode = 1;
} catch (error) {
  console.error(`setup: ${error.message}`);
  process.exitCode = 3;
}
