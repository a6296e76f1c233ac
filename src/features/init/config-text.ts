import { entryLines } from '../../repository/language-entries.ts';
import { GITHUB_ISSUER } from '../../seal/trust.ts';
import { writeText } from '../../yaml/write.ts';
import type { InitAnswers, RepositoryIds } from './guess.ts';

/** The path of the publish workflow; part of the identity that is trusted. */
const WORKFLOW_FILE = '.github/workflows/publish.yaml';

/** The text of a new `primitive.config.yaml` for `version` of this program. */
export function configText(
  { repository, registry, branch, ids, languages }: InitAnswers,
  version: string,
): string {
  const [major, minor] = version.split('.');
  const tag = branch.replace(/[^A-Za-z0-9_.-]+/g, '-');
  return `# yaml-language-server: $schema=https://raw.githubusercontent.com/ameideio/primitive/main/schemas/primitive.config.v1.json
schema: primitive.config/v1
requires: "^${major}.${minor}"               # allowed versions of primitive

# Images are pushed to <registry>/<image>, for these platforms.
registry: ${writeText(registry)}
image: "{kind}-{name}"
platforms: [linux/amd64, linux/arm64]

# Names in scaffolded code. They do not depend on the machine.
languages:
${entryLines(languages)}

# The trusted baseline: the tag of the newest release record, moved only from this branch.
channel: { branch: ${writeText(branch)}, tag: ${writeText(tag)} }
${signing(repository, branch, ids)}`;
}

/** The command that prints the ids of `acme/app` on github.com. */
export function idsCommand(name: string): string {
  return `gh api repos/${name} --jq '.id, .owner.id'`;
}

function signing(repository: string, branch: string, ids: RepositoryIds | undefined): string {
  const [host, ...path] = repository.split('/');
  if (host !== 'github.com') {
    return `
# Trusted signers: issuer and identity of the OIDC token of CI, or a public key.
# signing:
#   trusted:
#     - { issuer: "https://${host}", identity: "…" }
`;
  }
  const name = path.join('/');
  const identity = `https://${repository}/${WORKFLOW_FILE}`;
  const run = ids
    ? `
      repositoryId: ${writeText(ids.repositoryId)}
      ownerId: ${writeText(ids.ownerId)}
      runner: github-hosted`
    : `
      runner: github-hosted`;
  const unknown = ids
    ? ''
    : `
# A name can be taken over, an id cannot. Add repositoryId and ownerId, in quotes, to both entries:
#   ${idsCommand(name)}`;
  return `
# Trusted signers, by the identity of the workflow.${unknown}
signing:
  trusted:             # may make baselines and move the channel; exact, no wildcards
    - issuer: ${GITHUB_ISSUER}
      identity: ${writeText(`${identity}@refs/heads/${branch}`)}
      repository: ${writeText(name)}
      ref: ${writeText(`refs/heads/${branch}`)}
      trigger: push${run}
  accepted:            # may seal its own commits, never a baseline
    - issuer: ${GITHUB_ISSUER}
      identity: "${identity}@refs/pull/*/merge"
      repository: ${writeText(name)}
      trigger: pull_request${run}
`;
}
