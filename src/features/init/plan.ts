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

/**
 * The publish workflow that the first trusted signer of a config names: its path, its branch.
 *
 * `template` is the text of `templates/ci/github.yaml.eta`. Throws `init-no-identity` (exit 2) if no workflow of
 * GitHub Actions is trusted.
 */
export function planWorkflow(config: Config, template: string, cli: CliSource): InitFile {
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
  };
  return { path: found.path, text: renderTemplate('templates/ci/github.yaml.eta', template, it) };
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
