import { Type } from 'typebox';
import { formed, strictObject } from '../core/schema.ts';
import { Name, RepositoryName } from './kit-names.ts';

const Base = formed(
  /^[A-Za-z0-9._/-]+$/,
  'the name of a branch',
  'Base branch of the pull requests. Default: main.',
);

const SecretName = (description: string) =>
  formed(/^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/, 'a DNS label', description);

/** `previews` of kit.yaml. */
export const KitPreviews = strictObject(
  {
    repository: RepositoryName('The code repository whose pull requests get previews.'),
    label: formed(/^[A-Za-z0-9][\w.-]{0,48}$/, 'a label', 'Pull requests with this label get a preview.'),
    cluster: Name('One of `clusters`.'),
    base: Type.Optional(Base),
    api: Type.Optional(
      formed(
        /^https?:\/\/[A-Za-z0-9.:-]+\/$/,
        'the address of a server, such as https://github.example.com/',
        'GitHub Enterprise Server, without a path: Argo CD compares it with that in webhooks.',
      ),
    ),
    app: Type.Optional(
      SecretName(
        'Secret of Argo CD with a GitHub App, of the type repo-creds. Default: a token, in the Secret preview-github-token.',
      ),
    ),
    others: Type.Optional(
      Type.Array(
        strictObject({
          name: Name('A part of the names of its previews, and `source` of its components.'),
          repository: RepositoryName('The code repository.'),
          base: Type.Optional(Base),
        }),
        { description: 'Further code repositories, whose pull requests have previews of their components.' },
      ),
    ),
    postgres: Type.Optional(
      formed(
        /^[a-z0-9.-]+(:[0-9]+)?(\/[a-z0-9]+([._-]+[a-z0-9]+)*)+(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?@sha256:[0-9a-f]{64}$/,
        'an image with its digest',
        'Image of throw-away databases: it has sh, initdb, postgres and pg_isready on PATH. Default: Postgres 17.',
      ),
    ),
    quota: Type.Optional(
      strictObject(
        {
          pods: Type.Optional(Type.Integer({ minimum: 1, description: 'Default: 100.' })),
          cpu: Type.Optional(Type.Integer({ minimum: 1, description: 'Of all requests. Default: 8.' })),
          memory: Type.Optional(
            formed(/^[1-9][0-9]*[MGT]i$/, 'an amount such as 16Gi', 'Of all requests. Default: 16Gi.'),
          ),
        },
        'Limits of one preview.',
      ),
    ),
    secrets: Type.Optional(
      Type.Array(
        strictObject({
          name: SecretName('Of the Secret in each preview, and the key of the store.'),
          store: Type.Optional(
            SecretName(
              'ClusterSecretStore of External Secrets that it is read from. Default: something else in the cluster makes the Secret.',
            ),
          ),
          pull: Type.Optional(Type.Boolean({ description: 'Whether images are pulled with it.' })),
        }),
        { description: 'Secrets that each preview has, by reference.' },
      ),
    ),
    url: Type.Optional(
      strictObject(
        {
          domain: formed(
            /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$/,
            'a DNS name',
            'Hosts are <component>-<number of the pull request>.<domain>.',
          ),
          kinds: Type.Optional(
            Type.Array(Name('One of `kinds`.'), {
              minItems: 1,
              description: 'Whose components have a host. Default: uisurface.',
            }),
          ),
          class: Type.Optional(SecretName('Class of the Ingress. Default: that of the cluster.')),
          gateway: Type.Optional(
            strictObject(
              { name: SecretName('Its name.'), namespace: SecretName('Its namespace.') },
              'The Gateway that has an HTTPRoute, instead of an Ingress.',
            ),
          ),
        },
        'Addresses of previews; without it they have none.',
      ),
    ),
  },
  'Preview environments of pull requests; without it that part is left out.',
);
