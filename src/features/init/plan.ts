import { createHash } from 'node:crypto';
import { PrimitiveError } from '../../core/errors.ts';
import { renderTemplate } from '../../kinds/template-renderer.ts';
import { type Config, parseConfig } from '../../repository/config.ts';
import { CONFIG_FILE } from '../../repository/discovery.ts';
import { GITHUB_ISSUER } from '../../seal/trust.ts';
import type { CliSource } from '../../toolchain/cli-package.ts';
import { configText } from './config-text.ts';
import type { InitAnswers } from './guess.ts';

/** A file to be written, relative to the root of the repository. */
export interface InitFile {
  readonly path: string;
  readonly text: string;
}

/** The config that the answers come to, checked as any config is: what is written here can be loaded. */
export async function planConfig(
  answers: InitAnswers,
  version: string,
): Promise<InitFile & { readonly config: Config }> {
  const text = configText(answers, version);
  const config = await parseConfig({ text, shown: CONFIG_FILE, root: '/' }, version);
  return { path: CONFIG_FILE, text, config };
}

/** The texts of the templates of workflows, in `templates/ci/`. */
export interface WorkflowTemplates {
  readonly publish: string;
  readonly update: string;
}

/**
 * The publish workflow that the first trusted signer of a config names, its path and its branch, and beside it the one that
 * updates what was scaffolded. Throws `init-no-identity` (exit 2) if no workflow of GitHub Actions is trusted.
 */
export function planWorkflows(
  config: Config,
  templates: WorkflowTemplates,
  cli: CliSource,
): { readonly publish: InitFile; readonly update: InitFile } {
  const identities = config.signing.trusted.flatMap((policy) =>
    'issuer' in policy && policy.issuer === GITHUB_ISSUER ? [policy.identity] : [],
  );
  const found = identities
    .map((identity) => IDENTITY.exec(identity)?.groups)
    .find((groups) => groups !== undefined);
  if (found?.path === undefined || found.branch === undefined) throw noIdentity();
  const host = config.registry.split('/')[0] ?? config.registry;
  const it = {
    branch: found.branch,
    branchText: JSON.stringify(found.branch),
    host,
    github: host === 'ghcr.io',
    version: cli.version,
    integrity: cli.integrity,
    file: cli.file ?? '',
    registry: cli.registry ?? '',
    plugins: config.plugins.length > 0,
    jobs: ['publish', 'bump'],
    updates: ['update', 'propose'],
    cron: weekly(config.registry),
  };
  return {
    publish: {
      path: found.path,
      text: renderTemplate('templates/ci/github.yaml.eta', templates.publish, it),
    },
    update: {
      path: UPDATE_WORKFLOW,
      text: renderTemplate('templates/ci/update.yaml.eta', templates.update, it),
    },
  };
}

const UPDATE_WORKFLOW = '.github/workflows/primitive-update.yaml';

/** Once a week in the early hours, at a minute that differs between organisations: GitHub drops runs at the full hour. */
function weekly(registry: string): string {
  const [minute = 0] = createHash('sha256').update(registry).digest();
  return `${(minute % 50) + 5} 4 * * 1`;
}

const IDENTITY =
  /^https:\/\/[^/]+\/[^/]+\/[^/]+\/(?<path>\.github\/workflows\/[\w.-]+\.ya?ml)@refs\/heads\/(?<branch>.+)$/;

function noIdentity(): PrimitiveError {
  return new PrimitiveError('init-no-identity', 'The config does not trust any workflow of GitHub Actions.', {
    why: 'the config must trust the workflow that init writes',
    suggestions: [
      `signing:\n  trusted:\n    - issuer: ${GITHUB_ISSUER}\n      identity: https://github.com/OWNER/NAME/.github/workflows/publish.yaml@refs/heads/main`,
    ],
  });
}
