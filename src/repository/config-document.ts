import { type Static, Type } from 'typebox';
import { formed, strictObject } from '../core/schema.ts';
import { languageEntries, perLanguage } from '../languages/all.ts';
import { OwnRule } from './own-rules.ts';

const text = (description: string, title?: string) =>
  Type.String({ description, minLength: 1, ...(title ? { title } : {}) });

// A name that a language refuses is refused here: later it is in every file of a scaffold.
const ProtoPackage = formed(
  /^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$/,
  'a lower-case package such as acme.apps',
  'Prefix of protobuf packages.',
);

const list = (description: string, itemDescription: string) =>
  Type.Array(text(itemDescription), { description });

/** Of `build.args`, in the config and in primitive.yaml. */
export const BuildArgs = Type.Record(Type.String(), Type.String(), {
  description:
    'Build arguments by name. They are inputs and part of the provenance: never put a secret here.',
});

const SecretSource = Type.Union([
  strictObject({
    id: text('Id in the Dockerfile: RUN --mount=type=secret,id=…'),
    env: text('Environment variable that holds the value.'),
  }),
  strictObject({
    id: text('Id in the Dockerfile: RUN --mount=type=secret,id=…'),
    file: text('File that holds the value, relative to the folder of the config.'),
  }),
]);

export const BuildSecrets = Type.Array(SecretSource, {
  description: 'Secrets that builds may mount. Ids are inputs, values are not.',
});

export const Platforms = Type.Array(
  formed(/^[a-z0-9]+\/[a-z0-9_]+(\/[a-z0-9.]+)?$/, 'os/architecture[/variant]', 'Such as linux/amd64.'),
  { description: 'Platforms of every image. An index is made for one platform, too.', minItems: 1 },
);

const ID = /^[^\s*]+$/;

const Signer = strictObject({
  issuer: formed(/^https?:\/\/[^\s*]+$/, 'the address of an OIDC issuer', 'OIDC issuer, exact.'),
  identity: text("The certificate's identity: of GitHub Actions https://github.com/OWNER/NAME/WORKFLOW@REF."),
  repository: Type.Optional(formed(/^[^\s/*]+\/[^\s/*]+$/, 'owner/name', 'Source repository, exact.')),
  ref: Type.Optional(formed(/^refs\/[^\s*]+$/, 'a full ref such as refs/heads/main', 'Source ref, exact.')),
  trigger: Type.Optional(formed(/^[a-z_]+$/, 'an event such as push', 'Event that started the run, exact.')),
  repositoryId: Type.Optional(
    formed(ID, 'an id in quotes such as "123456"', 'Id of the source repository, which is never reused.'),
  ),
  ownerId: Type.Optional(
    formed(ID, 'an id in quotes such as "123456"', "Id of the source repository's owner, exact."),
  ),
  runner: Type.Optional(
    formed(/^[a-z]+-hosted$/, 'github-hosted or self-hosted', 'Type of runner: github-hosted, self-hosted.'),
  ),
});

const SigningKey = strictObject({
  key: text('A public key: path relative to the folder of the config, env://VARIABLE, or a KMS URI.'),
});

/** `signing.trusted` and its like: who may seal. */
export const Signers = (description: string) => Type.Array(Type.Union([Signer, SigningKey]), { description });

const cacheTier = {
  from: Type.Optional(list('Caches to read.', 'In the syntax of buildx: type=gha,scope=…')),
  to: Type.Optional(list('Caches to write.', 'In the syntax of buildx: type=gha,scope=…,mode=max')),
};

const TrustedCaches = strictObject({
  ...cacheTier,
  writers: Type.Optional(
    Type.Literal('trusted', {
      description:
        'trusted: only trusted runs have credentials to write the caches of `from`. Required for every type except gha.',
    }),
  ),
});

/** `primitive.config.yaml` as people write it. Only `registry` is required; see {@link resolveConfig} for the defaults. */
export const ConfigFile = strictObject(
  {
    $schema: Type.Optional(Type.String({ description: 'For editors; ignored.' })),
    schema: Type.Optional(Type.Literal('primitive.config/v1', { description: 'Version of this format.' })),
    requires: Type.Optional(text('Versions of primitive that may be used here, as a semver range: ^1.2')),
    registry: text('Host and path of all images: ghcr.io/acme'),
    image: Type.Optional(
      text('Name of an image below the registry, from {kind} and {name}; "{kind}-{name}" by default.'),
    ),
    languages: Type.Optional(
      strictObject(
        {
          ...languageEntries,
          proto: Type.Optional(strictObject({ package: ProtoPackage })),
        },
        'How code is named, per language.',
      ),
    ),
    platforms: Type.Optional(Platforms),
    channel: Type.Optional(
      strictObject(
        {
          tag: Type.Optional(
            text('Tag of the release record that is the trusted baseline. Default: the branch.'),
          ),
          branch: Type.Optional(text('The only branch that moves the channel. Default: main.')),
        },
        'The trusted baseline.',
      ),
    ),
    tags: Type.Optional(
      list('More tags for every image, besides the commit.', 'A template that contains {sha}: main-{sha}'),
    ),
    insecureRegistries: Type.Optional(
      list('Registries without TLS. Loopback is always allowed.', 'host or host:port'),
    ),
    build: Type.Optional(
      strictObject(
        {
          builder: Type.Optional(
            Type.Union([Type.Literal('auto'), Type.Literal('buildx'), Type.Literal('buildah')], {
              description: 'Builder. auto uses the first usable one and reports it.',
            }),
          ),
          parallel: Type.Optional(
            Type.Integer({
              description:
                'Components built at a time; by default the processors of this machine, at most 4. More suit a remote BuildKit.',
              minimum: 1,
              maximum: 64,
            }),
          ),
          args: Type.Optional(BuildArgs),
          bases: Type.Optional(
            Type.Record(Type.String(), Type.String(), {
              description: 'Reference in FROM -> reference with a digest to use instead, such as a mirror.',
            }),
          ),
          secrets: Type.Optional(BuildSecrets),
          cache: Type.Optional(
            strictObject(
              { trusted: Type.Optional(TrustedCaches), accepted: Type.Optional(strictObject(cacheTier)) },
              'Layer caches, per trust tier: what a pull request writes, main must not read.',
            ),
          ),
        },
        'Build settings; primitive.yaml adds to them per component.',
      ),
    ),
    signing: Type.Optional(
      strictObject(
        {
          signer: Type.Optional(
            Type.Union(
              [
                Type.Literal('keyless'),
                strictObject({
                  key: text('Path relative to the folder of the config, env://VARIABLE, or a KMS URI.'),
                }),
              ],
              { description: 'The signer. Default: keyless.' },
            ),
          ),
          trusted: Type.Optional(
            Signers('Signers that make baselines, move the channel and may be pinned. Exact: no wildcards.'),
          ),
          accepted: Type.Optional(
            Signers(
              'Signers that may seal an image but never make a baseline. In identity, * matches any text without @ and /.',
            ),
          ),
          signingConfig: Type.Optional(
            Type.Union([text('Path of a private Sigstore’s signing_config.json.'), Type.Null()]),
          ),
          trustedRoot: Type.Optional(
            Type.Union([text('Path of a private Sigstore’s trusted_root.json.'), Type.Null()]),
          ),
        },
        'The signer, and the accepted signers.',
      ),
    ),
    sbom: Type.Optional(
      strictObject({
        format: Type.Optional(Type.Union([Type.Literal('spdx-json'), Type.Literal('cyclonedx-json')])),
      }),
    ),
    imports: Type.Optional(
      strictObject(
        {
          sdk: Type.Optional(
            strictObject(
              perLanguage(({ sdk: [packages, item] }) =>
                Type.Optional(list(`${packages} of the SDK and all below them.`, `${item}.`)),
              ),
            ),
          ),
          forbidden: Type.Optional(
            list('Packages that no primitive may import.', 'Package, with all below it.'),
          ),
          infra: Type.Optional(
            list(
              'Packages that only the infrastructure files of a kind may import. Default: drivers of databases and brokers.',
              'Package, with all below it.',
            ),
          ),
        },
        'SDKs that primitives may import.',
      ),
    ),
    verify: Type.Optional(
      strictObject(
        {
          tests: Type.Optional(
            Type.Enum(['required', 'optional'], {
              description: 'required: `verify --no-tests` exits 3. Default: optional.',
            }),
          ),
          runtimeImports: Type.Optional(
            Type.Enum(['warning', 'partial'], {
              description:
                'partial: no run passes while an import is only known at run time (IMP-006). Default: warning.',
            }),
          ),
          rules: Type.Optional(Type.Array(OwnRule, { description: 'Rules of this repository.' })),
          suiteSeconds: Type.Optional(
            Type.Integer({
              minimum: 10,
              maximum: 86400,
              description: 'How long each suite may take; default: 600.',
            }),
          ),
        },
        'Checks that verify must not skip.',
      ),
    ),
    gitops: Type.Optional(
      strictObject(
        {
          repository: formed(
            /^[A-Za-z0-9][A-Za-z0-9-]*\/(?!\.{1,2}$)[\w.-]+$/,
            'owner/name',
            'The GitOps repository: owner/name',
          ),
          host: Type.Optional(
            formed(
              /^[A-Za-z0-9][A-Za-z0-9.-]*(:\d+)?$/,
              'host or host:port',
              'GitHub Enterprise Server or GHE.com; by default GH_HOST, GITHUB_API_URL or github.com.',
            ),
          ),
          workflow: Type.Optional(
            formed(
              /^\w[\w.-]*\.ya?ml$/,
              'a file name such as scaffold.yaml',
              'File name of the scaffold workflow.',
            ),
          ),
          ref: Type.Optional(
            text('Branch on which its workflows run. Default: the one that its kit.yaml deploys.'),
          ),
          lanes: Type.Optional(
            Type.Array(text('Name of a lane.'), {
              description: 'In the order of promotion. Default: those of its kit.yaml.',
              minItems: 1,
            }),
          ),
        },
        'The GitOps repository.',
      ),
    ),
    plugins: Type.Optional(
      list(
        'npm packages with kinds, or plugins that count in CI, as the lock file of this repository has them.',
        'Package name.',
      ),
    ),
  },
  'primitive.config.yaml: configuration of primitive for one repository.',
);

export type ConfigFile = Static<typeof ConfigFile>;
