import { Type } from 'typebox';
import { strictObject } from '../../core/schema.ts';
import type { Digest, Repository } from '../../oci/types.ts';

const digest = Type.Unsafe<Digest>(Type.String({ pattern: '^sha256:[0-9a-f]{64}$' }));
const repository = Type.Unsafe<Repository>(Type.String({ description: '<registry>/<image>' }));
const commit = Type.String({ pattern: '^([0-9a-f]{40}|[0-9a-f]{64})$' });
const inputDigest = Type.String({ pattern: '^[0-9a-f]{64}$' });
const platforms = Type.Array(Type.String());
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
  }),
  strictObject({ type: Type.Literal('key'), fingerprint: Type.String() }),
]);

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
const baseline = strictObject({
  found: Type.Enum(['release', 'input-tag']),
  commit: Type.Optional(commit),
});
const component = {
  kind: Type.String(),
  name: Type.String(),
  path: Type.String({ description: 'Folder, relative to the repository root.' }),
  image: repository,
  inputDigest,
  platforms,
};
const planned = { ...component, reason: Type.String(), supersedes: Type.Optional(digest) };
const channel = {
  tag: Type.String(),
  action: Type.Enum(['move', 'keep', 'skip']),
  from: Type.Optional(commit),
  existing: Type.Optional(digest),
  reason: Type.String(),
};

/** What `publish --dry-run` prints and a publish executes. */
export const publishPlanSchema = strictObject({
  schema: Type.Literal('primitive.publish-plan/v1'),
  commit,
  source: Type.Optional(Type.String()),
  run: strictObject({ tier, signer, branch: Type.Optional(Type.String()) }),
  tags: Type.Array(Type.String()),
  sealOnly: Type.Boolean(),
  keepGoing: Type.Boolean(),
  components: Type.Array(
    Type.Union([
      strictObject({ ...planned, action: Type.Literal('build') }),
      strictObject({ ...planned, action: Type.Literal('reuse'), baseline, sealed: sealedImage }),
      strictObject({ ...planned, action: Type.Literal('keep'), sealed: sealedImage }),
      strictObject({ ...planned, action: Type.Literal('conflict'), existing: digest }),
    ]),
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

/** The report of a publish. */
export const publishSchema = strictObject({
  schema: Type.Literal('primitive.publish/v1'),
  commit,
  source: Type.Optional(Type.String()),
  tier,
  signer,
  components: Type.Array(
    strictObject({
      ...component,
      image: Type.String({ description: '<registry>/<image>' }),
      action: Type.Enum(['built', 'reused', 'already-published', 'superseded', 'failed']),
      reason: Type.String(),
      digest: Type.Optional(digest),
      ref: Type.Optional(Type.String({ description: 'repo:<sha>@sha256:…, what a deployment names.' })),
      tags: Type.Array(Type.String()),
      baseline: Type.Optional(baseline),
      superseded: Type.Optional(digest),
      signature: Type.Optional(digest),
      sbom: Type.Optional(bundles.properties.sbom),
      provenance: Type.Optional(digest),
      error: Type.Optional(
        strictObject({
          code: Type.String(),
          message: Type.String(),
          why: Type.Optional(Type.String()),
          suggestions: Type.Array(Type.String()),
          retryable: Type.Boolean(),
        }),
      ),
    }),
  ),
  release: Type.Optional(strictObject({ ref: Type.String(), digest, written: Type.Boolean() })),
  channel: strictObject({ ...channel, moved: Type.Boolean() }),
  run: strictObject(
    { builder: Type.Optional(Type.String()), duration: Type.Integer(), requests: Type.Integer() },
    'Facts about this run on this host; all that differs between two equal publishes.',
  ),
});
