import { Type } from 'typebox';
import type { Digest } from '../../core/digest.ts';
import { type DataOf, strictObject } from '../../core/schema.ts';
import type { ImageRepository } from '../../oci/types.ts';

const digest = Type.Unsafe<Digest>(Type.String({ pattern: '^sha256:[0-9a-f]{64}$' }));
const repository = Type.Unsafe<ImageRepository>(Type.String({ description: '<registry>/<image>' }));
const commit = Type.String({ pattern: '^([0-9a-f]{40}|[0-9a-f]{64})$' });
const inputDigest = Type.String({ pattern: '^[0-9a-f]{64}$' });
const platforms = Type.Array(Type.String(), { description: 'linux/amd64, sorted.' });
const tier = Type.Enum(['trusted', 'accepted']);

const signer = Type.Union([
  strictObject({
    type: Type.Literal('keyless'),
    issuer: Type.String(),
    identity: Type.String(),
    repository: Type.Optional(Type.String()),
    ref: Type.Optional(Type.String()),
    trigger: Type.Optional(Type.String()),
    commit: Type.Optional(Type.String()),
    repositoryId: Type.Optional(Type.String()),
    ownerId: Type.Optional(Type.String()),
    runner: Type.Optional(Type.String()),
  }),
  strictObject({ type: Type.Literal('key'), fingerprint: Type.String() }),
]);

const run = strictObject(
  {
    tier,
    signer,
    branch: Type.Optional(Type.String({ description: 'The branch that is published, if any.' })),
  },
  'Who runs this publish, as the certificate or key will show it.',
);

const bundles = strictObject({
  signature: digest,
  provenance: digest,
  sbom: Type.Array(strictObject({ platform: Type.String(), digest })),
});
const sealedImage = strictObject({
  digest,
  inputDigest,
  tier,
  signer: Type.Optional(signer),
  bundles,
  platforms,
});
const baseline = strictObject(
  {
    found: Type.Enum(['release', 'input-tag']),
    commit: Type.Optional(
      Type.String({ ...commit, description: 'Of the release record that lists the image.' }),
    ),
  },
  'How the image to reuse was found.',
);
const component = strictObject({
  kind: Type.String(),
  name: Type.String(),
  path: Type.String({ description: 'Folder, relative to the repository root.' }),
  image: repository,
  inputDigest,
  platforms,
});
const planned = {
  ...component.properties,
  reason: Type.String(),
  supersedes: Type.Optional(
    Type.Unsafe<Digest>({
      ...digest,
      description: 'Digest that the tag of the commit names, and that a trusted run replaces.',
    }),
  ),
};
const channel = {
  tag: Type.String(),
  action: Type.Enum(['move', 'keep', 'skip']),
  from: Type.Optional(
    Type.String({
      ...commit,
      description: "The commit of the channel's record, if a trusted signer wrote it.",
    }),
  ),
  existing: Type.Optional(
    Type.Unsafe<Digest>({ ...digest, description: 'Current digest of the channel, by any writer.' }),
  ),
  reason: Type.String(),
};

/** The plan that `publish --dry-run` prints and a publish executes. */
export const publishPlanSchema = strictObject({
  schema: Type.Literal('primitive.publish-plan/v1'),
  commit,
  source: Type.Optional(Type.String()),
  run,
  tags: Type.Array(Type.String(), { description: 'Of each image, the commit first.' }),
  sealOnly: Type.Boolean(),
  keepGoing: Type.Boolean(),
  components: Type.Array(
    Type.Union([
      strictObject({ ...planned, action: Type.Literal('build') }),
      strictObject({ ...planned, action: Type.Literal('reuse'), baseline, sealed: sealedImage }),
      strictObject({ ...planned, action: Type.Literal('keep'), sealed: sealedImage }),
      strictObject({ ...planned, action: Type.Literal('conflict'), existing: digest }),
    ]),
    { description: 'Sorted by kind, then name.' },
  ),
  record: strictObject({
    repository,
    tag: Type.String(),
    action: Type.Enum(['write', 'supersede', 'keep', 'skip', 'conflict']),
    existing: Type.Optional(digest),
    reason: Type.String(),
  }),
  channel: strictObject(channel),
});

export const publishSchema = strictObject({
  schema: Type.Literal('primitive.publish/v1'),
  verdict: Type.Enum(['published', 'sealed', 'tagged', 'failed'], {
    description:
      'published: the release record lists all components; sealed: with --seal-only, nothing is tagged; tagged: the images are tagged, but the components are not all of them, so there is no record; failed: a component failed.',
  }),
  commit,
  source: Type.Optional(Type.String()),
  tier,
  signer,
  components: Type.Array(
    strictObject({
      ...component.properties,
      image: Type.String({ description: '<registry>/<image>' }),
      action: Type.Enum(['built', 'reused', 'already-published', 'superseded', 'failed']),
      reason: Type.String({
        description: 'Why it was built, reused or kept; of a failure, what went wrong.',
      }),
      digest: Type.Optional(
        Type.Unsafe<Digest>({ ...digest, description: 'Absent if it failed before it had an image.' }),
      ),
      ref: Type.Optional(
        Type.String({
          description:
            'repo:<sha>@sha256:…, the reference for a deployment; absent if the tag was not written.',
        }),
      ),
      tags: Type.Array(Type.String(), { description: 'Tags of the digest, the commit first.' }),
      baseline: Type.Optional(baseline),
      superseded: Type.Optional(
        Type.Unsafe<Digest>({
          ...digest,
          description: 'Digest that the tag of the commit named before a trusted run replaced it.',
        }),
      ),
      signature: Type.Optional(digest),
      sbom: Type.Optional(bundles.properties.sbom),
      provenance: Type.Optional(digest),
      error: Type.Optional(
        strictObject({
          code: Type.String(),
          message: Type.String(),
          why: Type.Optional(Type.String()),
          log: Type.Optional(Type.String({ description: 'The last lines of the build log.' })),
          suggestions: Type.Array(Type.String()),
          retryable: Type.Boolean(),
        }),
      ),
    }),
    { description: 'Sorted by kind, then name.' },
  ),
  release: Type.Optional(
    strictObject(
      {
        ref: Type.String(),
        digest,
        written: Type.Boolean({ description: 'False if it existed before.' }),
      },
      'The release record; absent if a component failed, with --seal-only, and for a part of the components.',
    ),
  ),
  channel: strictObject({ ...channel, moved: Type.Boolean() }),
  run: strictObject(
    {
      builder: Type.Optional(Type.String()),
      duration: Type.Integer({ description: 'Milliseconds.' }),
      phases: Type.Array(
        strictObject({
          phase: Type.String({ description: 'The id of its step event: build' }),
          duration: Type.Integer({ description: 'Milliseconds.' }),
        }),
        { description: 'In the order in which they began; each lasts until the next one begins.' },
      ),
      requests: Type.Integer({ description: 'Sent to the registry, for tokens included.' }),
    },
    'Facts about this run on this host. Nothing else differs between two equal publishes.',
  ),
});

/** `primitive.publish-plan/v1`. */
export type PublishPlan = DataOf<typeof publishPlanSchema>;
export type PlannedComponent = PublishPlan['components'][number];
export type PlannedRecord = PublishPlan['record'];
export type PlannedChannel = PublishPlan['channel'];
export type Run = PublishPlan['run'];
/** A component and the inputs that its image is, or will be, made of. */
export type ComponentInput = DataOf<typeof component>;
/** A sealed image in the registry. */
export type SealedImage = DataOf<typeof sealedImage>;
export type Baseline = DataOf<typeof baseline>;

/** `primitive.publish/v1`. */
export type PublishReport = DataOf<typeof publishSchema>;
export type PublishedComponent = PublishReport['components'][number];
