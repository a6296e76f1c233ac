import { PrimitiveError } from '../../core/errors.ts';
import { RESERVED_LANES } from '../../gitops/kit.ts';
import { KIT_PARTS, KitFile, type KitResource } from '../../gitops/kit-document.ts';
import { schemaFaults } from '../../yaml/schema-faults.ts';
import { isPlainText, writeText } from '../../yaml/write.ts';

/** Flags for a new kit.yaml; each wins over a derived value. */
export interface KitFlags {
  /** `ghcr.io/acme`. */
  readonly registry?: string | undefined;
  /** `acme/app`: whose pull requests get previews. */
  readonly code?: string | undefined;
  /** Names of lanes in the order of promotion. */
  readonly lanes?: readonly string[] | undefined;
  /** Parts of the kit to install; all by default. */
  readonly parts?: readonly string[] | undefined;
  /** Custom resources of kinds that do not come with primitive. */
  readonly resources?: readonly KitResource[] | undefined;
}

/** Remote and branch of the GitOps repository, by git. */
export interface KitOrigin {
  /** `https://github.com/acme/gitops`. */
  readonly remote?: string | undefined;
  readonly branch?: string | undefined;
}

/**
 * The text of a new `kit.yaml`. `bundled` are the kinds that come with primitive.
 *
 * Throws `invalid-flag` (exit 2), and `kit-no-remote` (exit 2) without a remote: Argo CD needs an address to clone.
 */
export function kitText(
  flags: KitFlags,
  { remote, branch }: KitOrigin,
  bundled: readonly Pick<KitResource, 'kind'>[],
): string {
  checkFlags(flags);
  const { registry, code, lanes, parts, resources = [] } = flags;
  const [, host = '', owner] = /^https?:\/\/([^/]+)\/([^/]+)\/./.exec(remote ?? '') ?? [];
  if (remote === undefined || owner === undefined) throw noRemote();
  const account = owner.toLowerCase();
  const organisation = shortName(account);
  const names = lanes ?? ['local', 'dev', 'staging', 'production'];
  const line = (name: string) =>
    `  - { name: ${writeText(name)}, cluster: main, namespace: ${writeText(`${organisation}-${name}`)}, digest: true, isolation: enforce }`;
  return `# yaml-language-server: $schema=https://raw.githubusercontent.com/ameideio/primitive/main/schemas/primitive.kit.v1.json
# Settings of the GitOps kit. After a change: primitive gitops init --update
schema: primitive.kit/v1
organisation: ${writeText(organisation)}

# Images of primitives are <registry>/<kind>-<name>.
registry: ${writeText(registry ?? `${host === 'github.com' ? 'ghcr.io' : host}/${account}`)}

# This repository, as Argo CD clones it, and the branch that is deployed.
repository: ${writeText(`${remote.replace(/\.git$/, '')}.git`)}
branch: ${writeText(branch ?? 'main')}

# API group of the custom resources, best in a domain that is yours. Resources that exist keep the old one.
apiGroup: ${writeText(`primitives.${organisation}.internal`)}

# Folder of the charts of the kit.
charts: sources/charts

# Kinds that may be wired.
kinds: [${[...bundled, ...resources].map(({ kind }) => kind).join(', ')}]
${resourceLines(resources)}${partsLine(parts)}
# Clusters, by the address that Argo CD knows them by; the first one here is Argo CD's own.
clusters:
  - { name: main, server: https://kubernetes.default.svc }

# Lanes, in the order of promotion. \`digest: true\` refuses an enabled image that has no digest; \`isolation: enforce\`
# pods that are not restricted, and closes the network of the namespace.
lanes:
${names.map(line).join('\n')}

# Code repositories whose releases may be deployed, and who signs them. From a checkout of one, also a second time:
#   primitive gitops init --update --code ../app
# sources:
#   - repository: acme/app
#     registry: ghcr.io/acme
#     trusted:
#       - issuer: https://token.actions.githubusercontent.com
#         identity: https://github.com/acme/app/.github/workflows/publish.yaml@refs/heads/main
#         repository: acme/app
#         repositoryId: "100200300"

# The primitive that moves releases and checks them, by its integrity: npm view @ameide/primitive@VERSION dist.integrity
# cli: { version: 0.1.0, integrity: sha512-… }

# Pull requests of this repository with this label get a preview environment. It has to be an organization's: Argo CD
# cannot list the branches of a personal account.
previews:
  repository: ${writeText(code ?? `${owner}/app`)}
  label: preview
  cluster: main
`;
}

function partsLine(parts: readonly string[] | undefined): string {
  return parts === undefined
    ? ''
    : `
# Parts of the kit to install. Default: all.
parts: [${parts.join(', ')}]
`;
}

function resourceLines(resources: readonly KitResource[]): string {
  if (resources.length === 0) return '';
  const lines = resources.map(
    (resource) =>
      `  - { ${Object.entries(resource)
        .map(([key, value]) => `${key}: ${writeText(value)}`)
        .join(', ')} }`,
  );
  return `
# Custom resources of kinds that do not come with primitive, as their kind.yaml names them.
resources:
${lines.join('\n')}
`;
}

/** A DNS label that leaves room for the name of a lane; an account may begin with a digit, or be `true`. */
function shortName(account: string): string {
  const label = account
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 24)
    .replace(/-$/, '');
  return /^[a-z]/.test(label) && isPlainText(label) ? label : `org-${label}`;
}

/** By the names of the flags: there is no file yet that a place could be in. */
function checkFlags({ registry, code, lanes = [], parts = [] }: KitFlags): void {
  const { properties } = KitFile;
  const lane = properties.lanes.items.properties.name;
  const values = [
    { flag: 'registry', value: registry, schema: properties.registry },
    { flag: 'code', value: code, schema: properties.previews.properties.repository },
    ...lanes.map((value) => ({ flag: 'lanes', value, schema: lane })),
  ];
  for (const { flag, value, schema } of values) {
    if (value !== undefined && schemaFaults(schema, value).length > 0)
      throw invalid(flag, value, `it is not ${(schema as { title?: string }).title}`);
    if (value !== undefined && !isPlainText(value)) throw invalid(flag, value, 'it is not a string in YAML');
  }
  for (const part of parts) {
    if (!(KIT_PARTS as readonly string[]).includes(part))
      throw invalid('parts', part, `parts are ${KIT_PARTS.join(', ')}`);
  }
  for (const [i, name] of lanes.entries()) {
    if (RESERVED_LANES.includes(name)) throw invalid('lanes', name, 'the name is reserved for the kit');
    if (lanes.indexOf(name) !== i) throw invalid('lanes', name, 'it is listed twice');
  }
}

function invalid(flag: string, value: string, fault: string): PrimitiveError {
  return new PrimitiveError('invalid-flag', `--${flag} ${JSON.stringify(value)} cannot be used: ${fault}.`, {
    suggestions: ['primitive gitops init --registry ghcr.io/OWNER --code OWNER/NAME --lanes dev,production'],
  });
}

function noRemote(): PrimitiveError {
  return new PrimitiveError('kit-no-remote', 'Cannot write kit.yaml: the repository has no remote URL.', {
    why: 'Argo CD clones this repository from an address in kit.yaml.',
    suggestions: [
      'git remote add origin https://github.com/OWNER/gitops.git',
      'If origin is another repository: git remote set-url origin https://github.com/OWNER/gitops.git',
    ],
  });
}
