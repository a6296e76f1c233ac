import { Type } from 'typebox';
import { type DataOf, formed, strictObject } from '../core/schema.ts';
import { resourceNames } from '../kinds/kind-document.ts';
import { Signers } from '../repository/config-document.ts';
import { Name } from './kit-names.ts';
import { KitPreviews } from './kit-previews.ts';

/**
 * Parts of the kit that can be left out: the workflow that writes wiring; the gate; the charts; the custom resources; what
 * Argo CD deploys; previews of pull requests, with their janitor; the policy by which clusters admit images.
 */
export const KIT_PARTS = ['workflow', 'gate', 'charts', 'crds', 'argocd', 'previews', 'admission'] as const;

export type KitPart = (typeof KIT_PARTS)[number];

/** `kit.yaml`: what a GitOps repository is, for everything that the kit installs there. */
export const KitFile = strictObject(
  {
    schema: Type.Literal('primitive.kit/v1'),
    organisation: Name('Short name of who runs this, such as acme.'),
    registry: formed(
      /^[a-z0-9.-]+(:[0-9]+)?(\/[a-z0-9]+([._-][a-z0-9]+)*)*$/,
      'a registry such as ghcr.io/acme',
      'Registry of the images of primitives, also for previews.',
    ),
    repository: formed(
      /^(https?:\/\/|ssh:\/\/|file:\/\/\/|git@)[A-Za-z0-9@:._/~-]+$/,
      'an address such as https://github.com/acme/gitops.git',
      'This repository, as Argo CD clones it.',
    ),
    branch: formed(/^[A-Za-z0-9._/-]+$/, 'the name of a branch', 'The branch that Argo CD deploys.'),
    argocd: Type.Optional(
      strictObject(
        {
          namespace: Type.Optional(
            Name('Namespace of its controllers. Default: argocd; on OpenShift use openshift-gitops.'),
          ),
          prefix: Type.Optional(
            Name('Prefix of its projects and ApplicationSets. Default: the organisation.'),
          ),
        },
        'The Argo CD that deploys this repository.',
      ),
    ),
    objects: Type.Optional(
      Type.Array(
        strictObject({
          group: formed(/^([a-z0-9-]+(\.[a-z0-9-]+)*)?$/, 'an API group', 'API group; empty: the core one.'),
          kind: resourceNames.type('Such as ServiceMonitor.'),
        }),
        { description: 'Kinds of objects that components may have besides those of the kit.' },
      ),
    ),
    apiGroup: formed(
      /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$/,
      'a DNS name such as primitives.acme.internal',
      'API group of the custom resources.',
    ),
    charts: formed(
      /^[A-Za-z0-9_-][\w.-]*(\/[A-Za-z0-9_-][\w.-]*)*$/,
      'a path such as sources/charts',
      'Folder of the charts of the kit.',
    ),
    kinds: Type.Array(
      formed(
        /^[a-z][a-z0-9]{0,30}$/,
        'lower-case letters and digits, at most 31',
        'A kind that may be wired.',
      ),
      { description: 'Kinds of primitives.', minItems: 1 },
    ),
    resources: Type.Optional(
      Type.Array(
        strictObject({
          kind: formed(
            /^[a-z][a-z0-9]{0,30}$/,
            'lower-case letters and digits, at most 31',
            'One of `kinds`.',
          ),
          type: resourceNames.type('Name of the type, such as Worker.'),
          plural: resourceNames.plural('Name in the API, such as workers.'),
          shortName: Type.Optional(resourceNames.plural('Name for kubectl, such as wk.')),
        }),
        {
          description:
            'Custom resources of kinds that do not come with primitive, as their kind.yaml names them.',
        },
      ),
    ),
    clusters: Type.Array(
      strictObject({
        name: Name('Such as main.'),
        server: Type.Optional(
          formed(
            /^https:\/\/[A-Za-z0-9.:[\]-]+(\/[\w./-]*)?$/,
            'the https address of an API server',
            'As Argo CD knows the cluster.',
          ),
        ),
        destination: Type.Optional(
          formed(
            /^[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$/,
            'a name of letters, digits, dots and hyphens',
            'The name that Argo CD knows the cluster by, instead of `server`.',
          ),
        ),
      }),
      { description: 'Clusters that are deployed to.', minItems: 1 },
    ),
    lanes: Type.Array(
      strictObject({
        name: Name('Such as staging.'),
        cluster: Name('One of `clusters`.'),
        namespace: Name('That its components run in.'),
        digest: Type.Boolean({ description: 'Whether an image without digest is refused.' }),
        entry: Type.Optional(
          Type.Boolean({
            description: 'Whether it takes releases that no lane before it held; the first lane always does.',
          }),
        ),
        signers: Type.Optional(
          Type.Enum(['trusted', 'accepted'], {
            description:
              'Whose releases may be in the lane: of trusted signers, the default, or of accepted ones too, such as pull requests.',
          }),
        ),
        sync: Type.Optional(
          Type.Enum(['automatic', 'manual'], {
            description: 'Whether Argo CD deploys merged changes. Default: automatic.',
          }),
        ),
        overlays: Type.Optional(
          Type.Array(
            formed(
              /^(?!.*\.\.)\w[\w.*/-]*$/,
              'a path in this repository, in which * is any part of a name',
              'Such as apps/*/overlays/dev.',
            ),
            {
              description:
                'Overlays of Kustomize that Applications of your own deploy in the lane: the gate builds and judges them.',
            },
          ),
        ),
        admission: Type.Optional(
          Type.Enum(['enforce', 'audit'], {
            description:
              'Whether an image that `admission` does not admit is refused, the default, or is reported alone.',
          }),
        ),
        isolation: Type.Optional(
          Type.Enum(['enforce', 'warn'], {
            description:
              'enforce: pods must be restricted, and the network of the namespace is closed. warn (the default) is for an existing lane.',
          }),
        ),
        windows: Type.Optional(
          Type.Array(
            strictObject({
              kind: Type.Enum(['allow', 'deny'], {
                description: 'Whether it syncs in the window only, or does not sync in it.',
              }),
              schedule: formed(
                /^[0-9*/,A-Za-z-]+( [0-9*/,A-Za-z-]+){4}$/,
                'five fields of cron',
                'When it begins, such as 0 22 * * 5.',
              ),
              duration: formed(/^[0-9]+[smh]([0-9]+[smh])*$/, 'a duration such as 2h', 'How long it lasts.'),
              timeZone: Type.Optional(
                formed(
                  /^[A-Za-z][A-Za-z0-9_/+-]*$/,
                  'a time zone such as Europe/Paris',
                  'Time zone of `schedule`. Default: UTC.',
                ),
              ),
              manualSync: Type.Optional(Type.Boolean({ description: 'Whether a person may sync by hand.' })),
            }),
            { description: 'Sync windows of Argo CD.' },
          ),
        ),
      }),
      { description: 'In the order of promotion.', minItems: 1 },
    ),
    cli: Type.Optional(
      strictObject(
        {
          version: formed(/^\d+\.\d+\.\d+(-[\w.]+)?$/, 'a version such as 1.2.3', 'Of primitive.'),
          integrity: formed(
            /^sha512-[A-Za-z0-9+/]{86}==$/,
            'sha512- and the digest in base64',
            'Of its package, as package-lock.json has it.',
          ),
          file: Type.Optional(
            formed(
              /^(?!\/)(?!.*\.\.)[\w.@/-]+\.tgz$/,
              'a path in this repository that ends with .tgz',
              'A package that is committed here; without it the package comes from a registry of npm.',
            ),
          ),
          registry: Type.Optional(
            formed(/^https:\/\/[^\s@]+$/, 'an https address', 'Of the registry of npm.'),
          ),
        },
        'The primitive that moves releases and checks them in this repository.',
      ),
    ),
    sources: Type.Optional(
      Type.Array(
        strictObject({
          repository: formed(
            /^[A-Za-z0-9][A-Za-z0-9-]*\/[A-Za-z0-9._-]+$/,
            'owner/name',
            'The code repository.',
          ),
          registry: formed(
            /^[a-z0-9.-]+(:[0-9]+)?(\/[a-z0-9]+([._-][a-z0-9]+)*)*$/,
            'a registry such as ghcr.io/acme',
            'Its images and its release records are there.',
          ),
          channel: Type.Optional(
            formed(
              /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/,
              'a tag',
              'Of its newest release record; main by default.',
            ),
          ),
          trusted: Signers('Who seals its releases, as in `signing.trusted` of its config.'),
          accepted: Type.Optional(
            Signers('Who else seals images, for lanes with `signers: accepted`. * as in its config.'),
          ),
          trustedRoot: Type.Optional(
            formed(
              /^(?!\/)(?!.*\.\.)[\w./-]+$/,
              'a path in this repository',
              'trusted_root.json of a private Sigstore.',
            ),
          ),
        }),
        { description: 'Code repositories whose releases may be deployed.' },
      ),
    ),
    images: Type.Optional(
      strictObject(
        {
          allowed: Type.Array(
            formed(
              /^[a-z0-9.-]+(:[0-9]+)?(\/[a-z0-9._-]+)*\/?$/,
              'a repository, or a folder of them that ends with /',
              'Such as registry.k8s.io/ or docker.io/library/busybox.',
            ),
            { description: 'Images of others that may be deployed, by digest.' },
          ),
        },
        'Images that no source publishes.',
      ),
    ),
    admission: Type.Optional(
      strictObject(
        {
          engine: Type.Literal('kyverno'),
          previews: Type.Optional(
            Type.Enum(['enforce', 'audit'], {
              description: 'As `admission` of a lane, for previews. Default: enforce.',
            }),
          ),
          tuf: Type.Optional(
            strictObject(
              {
                mirror: formed(
                  /^https?:\/\/[A-Za-z0-9.:/_-]+$/,
                  'an address',
                  'Address at which clusters reach it.',
                ),
                root: Type.Optional(
                  formed(
                    /^(?!\/)(?!.*\.\.)[\w./-]+$/,
                    'a path in this repository',
                    'Its first root.json; without it that of the public Sigstore.',
                  ),
                ),
              },
              'TUF repository of a Sigstore in place of the public one, whose metadata Kyverno needs for signers without a key.',
            ),
          ),
        },
        'Checks of images in the cluster before pods run; omit it to leave them out. It needs `sources`.',
      ),
    ),
    operators: Type.Optional(
      Type.Array(
        strictObject({
          kind: formed(
            /^[a-z][a-z0-9]{0,30}$/,
            'lower-case letters and digits, at most 31',
            'Its key in the values of the operators, such as domain.',
          ),
          image: formed(
            /^[a-z0-9]+([._-][a-z0-9]+)*$/,
            'the last part of the name of an image',
            'Its image below the registry of a source, such as domain-operator.',
          ),
        }),
        { description: 'Operators that a source releases: their references move with its releases.' },
      ),
    ),
    lockstep: Type.Optional(
      Type.Array(Type.Array(Name('Name of a component.'), { minItems: 2 }), {
        description: 'Components that move to one release together, or not at all.',
      }),
    ),
    parts: Type.Optional(
      Type.Array(Type.Enum([...KIT_PARTS], { description: 'A part of the kit.' }), {
        description: 'Parts of the kit to install. Default: all.',
        minItems: 1,
      }),
    ),
    previews: Type.Optional(KitPreviews),
  },
  'kit.yaml: settings of the GitOps kit for one repository.',
);

/** A code repository whose releases may be deployed. */
export type KitSourceRepository = NonNullable<Kit['sources']>[number];

/** A kind that has a custom resource, and how that is called. */
export type KitResource = NonNullable<Kit['resources']>[number];

/** The settings in `kit.yaml`. */
export type Kit = DataOf<typeof KitFile>;

/** The content of `.github/primitive/installed.json`: the base of the next update. */
export const installedSchema = strictObject(
  {
    schema: Type.Literal('primitive.kit-installed/v1'),
    version: Type.String({ description: 'Of the primitive that installed it.' }),
    files: Type.Record(Type.String(), Type.String(), { description: 'Path -> text as it was installed.' }),
  },
  'Files that the kit installed.',
);

/** `primitive.kit-installed/v1`. */
export type Installed = DataOf<typeof installedSchema>;
