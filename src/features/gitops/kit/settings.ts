import { PrimitiveError } from '../../../core/errors.ts';
import { writeText } from '../../../yaml/write.ts';

/** What a new kit.yaml is written from; each wins over what is guessed. */
export interface KitFlags {
  /** `ghcr.io/acme`. */
  readonly registry?: string | undefined;
  /** `acme/app`: whose pull requests get previews. */
  readonly code?: string | undefined;
  /** Names of lanes in the order of promotion. */
  readonly lanes?: readonly string[] | undefined;
}

/** What git says of the GitOps repository. */
export interface KitOrigin {
  /** `https://github.com/acme/gitops`. */
  readonly remote?: string | undefined;
  /** The default branch. */
  readonly branch?: string | undefined;
}

/**
 * The text of a new `kit.yaml`.
 *
 * Throws `missing-flag` (exit 2) without a remote: Argo CD needs an address to clone.
 */
export function kitText({ registry, code, lanes }: KitFlags, { remote, branch }: KitOrigin): string {
  const [, host = '', owner] = /^https?:\/\/([^/]+)\/([^/]+)\/./.exec(remote ?? '') ?? [];
  if (remote === undefined || owner === undefined) throw noRemote();
  const organisation = owner.toLowerCase().replace(/[^a-z0-9-]/g, '-');
  const names = lanes ?? ['local', 'dev', 'staging', 'production'];
  const line = (name: string) =>
    `  - { name: ${writeText(name)}, cluster: main, namespace: ${writeText(`${organisation}-${name}`)}, digest: true }`;
  return `# yaml-language-server: $schema=https://raw.githubusercontent.com/ameideio/primitive/main/schemas/primitive.kit.v1.json
# Settings of the GitOps kit. After a change: primitive gitops init --update
schema: primitive.kit/v1
organisation: ${writeText(organisation)}

# Images of primitives are <registry>/<kind>-<name>.
registry: ${writeText(registry ?? (host === 'github.com' ? `ghcr.io/${organisation}` : `${host}/${organisation}`))}

# This repository, as Argo CD clones it, and the branch that is deployed.
repository: ${writeText(`${remote.replace(/\.git$/, '')}.git`)}
branch: ${writeText(branch ?? 'main')}

# API group of the custom resources, best in a domain that is yours. Resources that exist keep the old one.
apiGroup: ${writeText(`primitives.${organisation}.internal`)}

# Where the charts of the kit are.
charts: sources/charts

# Kinds that may be wired.
kinds: [domain, process, agent, uisurface, projection, integration]

# Clusters, by the address that Argo CD knows them by; the first one here is Argo CD's own.
clusters:
  - { name: main, server: https://kubernetes.default.svc }

# Lanes, in the order of promotion. \`digest: true\` refuses to render an enabled image that has no digest.
lanes:
${names.map(line).join('\n')}

# Pull requests of this repository with this label get a preview environment.
previews:
  repository: ${writeText(code ?? `${owner}/app`)}
  label: preview
  cluster: main
`;
}

function noRemote(): PrimitiveError {
  return new PrimitiveError('missing-flag', 'Cannot write kit.yaml: the repository has no remote.', {
    why: 'Argo CD clones this repository; its address stands in kit.yaml.',
    suggestions: ['git remote add origin https://github.com/OWNER/gitops.git'],
  });
}
