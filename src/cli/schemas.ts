/**
 * JSON Schemas of the documents that the CLI prints, as consts beside which the TypeScript types are held by a test.
 * Only generation and tests load this: what we write ourselves is not validated at run time.
 */
import { type TProperties, Type } from 'typebox';
import type { ExitCode } from '../core/errors.ts';
import type { PrimitiveState } from '../features/list/inventory.ts';
import type { Digest, Repository } from '../oci/types.ts';

const closed = <T extends TProperties>(properties: T, description?: string) =>
  Type.Object(properties, {
    additionalProperties: false,
    ...(description === undefined ? {} : { description }),
  });
const words = <const T extends readonly string[]>(...values: T) =>
  Type.Unsafe<T[number]>({ type: 'string', enum: values });
const nullable = (description: string) => Type.Union([Type.String(), Type.Null()], { description });

const digest = Type.Unsafe<Digest>(Type.String({ pattern: '^sha256:[0-9a-f]{64}$' }));
const repository = Type.Unsafe<Repository>(Type.String({ description: '<registry>/<image>' }));
const commit = Type.String({ pattern: '^([0-9a-f]{40}|[0-9a-f]{64})$' });
const inputDigest = Type.String({ pattern: '^[0-9a-f]{64}$' });
const platforms = Type.Array(Type.String());
const tier = words('trusted', 'accepted');

const signer = Type.Union([
  closed({
    type: Type.Literal('keyless'),
    issuer: Type.String(),
    identity: Type.String(),
    repository: Type.Optional(Type.String()),
    ref: Type.Optional(Type.String()),
    trigger: Type.Optional(Type.String()),
    commit: Type.Optional(Type.String()),
  }),
  closed({ type: Type.Literal('key'), fingerprint: Type.String() }),
]);

/** Contract `primitive.error/v1`. */
export const errorSchema = closed(
  {
    schema: Type.Literal('primitive.error/v1'),
    code: Type.String({ description: 'Stable, kebab-case, the thing first: config-unknown-key.' }),
    message: Type.String({ description: 'What happened.' }),
    why: nullable('The fact behind it.'),
    suggestions: Type.Array(Type.String(), { description: 'What to do next, most likely first.' }),
    docs: nullable('The page that says more.'),
    exit: Type.Unsafe<ExitCode>({ enum: [0, 1, 2, 3, 70, 130, 143] }),
    retryable: Type.Boolean({ description: 'Whether the same call may succeed later without a change.' }),
  },
  'Every failure of every command.',
);

const eventBase = {
  schema: Type.Literal('primitive.event/v1'),
  sequence: Type.Integer({ minimum: 1 }),
  elapsed: Type.Integer({ description: 'Milliseconds since the start.' }),
};

/** One line of `--events ndjson`. */
export const eventSchema = Type.Union([
  closed({
    ...eventBase,
    type: Type.Literal('step'),
    step: Type.String({ description: 'Stable id: build' }),
    message: Type.String(),
  }),
  closed({
    ...eventBase,
    type: Type.Literal('item'),
    item: Type.String({ description: 'What is worked on: domain/orders' }),
    status: words('waiting', 'active', 'done', 'failed'),
    state: Type.String({ description: 'A word of the command: pushing' }),
    digest: Type.Optional(Type.String({ pattern: '^sha256:[0-9a-f]{64}$' })),
    detail: Type.Optional(Type.String()),
  }),
  closed({ ...eventBase, type: Type.Literal('log'), item: Type.String(), line: Type.String() }),
  closed({ ...eventBase, type: Type.Literal('warning'), code: Type.String(), message: Type.String() }),
]);

/** What `doctor` finds. */
export const doctorSchema = closed({
  schema: Type.Literal('primitive.doctor/v1'),
  ok: Type.Boolean({ description: 'Whether a publish could run.' }),
  checks: Type.Array(
    closed({
      id: words(
        'config',
        'git',
        'components',
        'builder',
        'cosign',
        'syft',
        'identity',
        'registry',
        'bases',
        'trust',
      ),
      state: words('ok', 'warn', 'fail', 'skipped'),
      detail: Type.String(),
      why: Type.Optional(Type.String()),
      code: Type.Optional(Type.String()),
      fix: Type.Array(Type.String()),
    }),
  ),
});

/** What `list` finds. */
export const listSchema = closed({
  schema: Type.Literal('primitive.list/v1'),
  commit: Type.Union([commit, Type.Null()], { description: 'HEAD; null before the first commit.' }),
  primitives: Type.Array(
    closed({
      kind: Type.String(),
      name: Type.String(),
      path: Type.String(),
      state: Type.Unsafe<PrimitiveState>({
        type: 'string',
        enum: ['committed', 'modified', 'uncommitted', 'invalid'],
        description: 'How the primitive in the work tree, its inputs and the config stand to HEAD.',
      }),
      problem: nullable('Why it is invalid.'),
      image: nullable('<registry>/<image>; null where primitive.yaml cannot be read.'),
      inputDigest: Type.Union([inputDigest, Type.Null()], {
        description: 'Of HEAD; null unless the state is committed.',
      }),
      language: nullable('go, python or ts; null for a kind that is not known.'),
      template: Type.Union([closed({ version: Type.Integer(), latest: Type.Integer() }), Type.Null()], {
        description: 'What it was scaffolded from; null where a person wrote it.',
      }),
    }),
  ),
});

/** `--version --json`. */
export const versionSchema = closed({
  schema: Type.Literal('primitive.version/v1'),
  version: Type.String(),
  node: Type.String(),
  host: Type.String({ description: 'linux-x64' }),
});

/** `--help --json`. */
export const helpSchema = closed({
  schema: Type.Literal('primitive.help/v1'),
  commands: Type.Array(
    closed({
      command: Type.String(),
      summary: nullable('One line.'),
      args: Type.Array(
        closed({
          name: Type.String(),
          description: nullable('One line.'),
          required: Type.Boolean(),
          multiple: Type.Boolean(),
        }),
      ),
      flags: Type.Array(
        closed({
          name: Type.String({ description: '--kind' }),
          short: nullable('-C'),
          summary: nullable('One line.'),
          required: Type.Boolean(),
          value: Type.Union([Type.Array(Type.String()), Type.String(), Type.Null()], {
            description:
              'null for a switch, a list where only those values are taken, else a name for the value.',
          }),
          multiple: Type.Boolean(),
        }),
      ),
    }),
  ),
});

const bundles = closed({
  signature: digest,
  provenance: digest,
  sbom: Type.Array(closed({ platform: Type.String(), digest })),
});
const sealedImage = closed({
  digest,
  inputDigest,
  tier,
  signer: Type.Optional(signer),
  bundles,
  platforms,
});
const baseline = closed({
  found: words('release', 'input-tag'),
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
  action: words('move', 'keep', 'skip'),
  from: Type.Optional(commit),
  existing: Type.Optional(digest),
  reason: Type.String(),
};

/** What `publish --dry-run` prints and a publish executes. */
export const publishPlanSchema = closed({
  schema: Type.Literal('primitive.publish-plan/v1'),
  commit,
  source: Type.Optional(Type.String()),
  run: closed({ tier, signer, branch: Type.Optional(Type.String()) }),
  tags: Type.Array(Type.String()),
  sealOnly: Type.Boolean(),
  keepGoing: Type.Boolean(),
  components: Type.Array(
    Type.Union([
      closed({ ...planned, action: Type.Literal('build') }),
      closed({ ...planned, action: Type.Literal('reuse'), baseline, sealed: sealedImage }),
      closed({ ...planned, action: Type.Literal('keep'), sealed: sealedImage }),
      closed({ ...planned, action: Type.Literal('conflict'), existing: digest }),
    ]),
  ),
  record: closed({
    repository,
    tag: Type.String(),
    action: words('write', 'supersede', 'keep', 'skip', 'conflict'),
    existing: Type.Optional(digest),
    reason: Type.String(),
  }),
  channel: closed(channel),
});

/** The report of a publish. */
export const publishSchema = closed({
  schema: Type.Literal('primitive.publish/v1'),
  commit,
  source: Type.Optional(Type.String()),
  tier,
  signer,
  components: Type.Array(
    closed({
      ...component,
      image: Type.String({ description: '<registry>/<image>' }),
      action: words('built', 'reused', 'already-published', 'superseded', 'failed'),
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
        closed({
          code: Type.String(),
          message: Type.String(),
          why: Type.Optional(Type.String()),
          suggestions: Type.Array(Type.String()),
          retryable: Type.Boolean(),
        }),
      ),
    }),
  ),
  release: Type.Optional(closed({ ref: Type.String(), digest, written: Type.Boolean() })),
  channel: closed({ ...channel, moved: Type.Boolean() }),
  run: closed(
    { builder: Type.Optional(Type.String()), duration: Type.Integer(), requests: Type.Integer() },
    'Facts about this run on this host; all that differs between two equal publishes.',
  ),
});

/** What `scaffold` does, or would do. */
export const scaffoldPlanSchema = closed({
  schema: Type.Literal('primitive.scaffold-plan/v1'),
  kind: Type.String(),
  name: Type.String(),
  path: Type.String({ description: 'Folder, relative to that of the config.' }),
  template: closed({
    version: Type.Integer({ minimum: 1 }),
    from: Type.Union([Type.Integer(), Type.Null()], {
      description: 'Version that it was scaffolded from before; null for a new primitive.',
    }),
  }),
  inputs: Type.Record(Type.String(), Type.String()),
  files: Type.Array(
    closed({
      path: Type.String({ description: 'Relative to the folder of the primitive.' }),
      owner: words('impl', 'generated', 'config'),
      fate: words('created', 'regenerated', 'unchanged', 'kept', 'conflict'),
      reason: Type.Optional(
        words(
          'edited',
          'template-changed',
          'edited-and-template-changed',
          'unrecorded',
          'generator-input-edited',
          'left-over',
          'was-deleted',
          'blocked',
          'foreign',
        ),
      ),
      mode: words('100644', '100755'),
      size: Type.Integer({ description: 'Bytes of what the template makes.' }),
      digest: digest,
      existing: Type.Optional(digest),
    }),
  ),
  strangers: Type.Array(Type.String(), {
    description: 'What is in the folder though nothing was scaffolded there.',
  }),
  next: Type.Array(Type.String(), { description: 'Commands to run next.' }),
  written: Type.Boolean({ description: 'False for a dry run.' }),
});

/** What `generate` changed, or would change. */
export const generateSchema = closed({
  schema: Type.Literal('primitive.generate/v1'),
  generated: Type.Array(
    closed({
      kind: Type.String(),
      name: Type.String(),
      generator: Type.String(),
      changes: Type.Array(
        closed({
          path: Type.String({ description: 'Relative to the folder of the primitive.' }),
          change: words('created', 'changed', 'removed'),
          digest: Type.Optional(digest),
        }),
      ),
    }),
  ),
  written: Type.Boolean({ description: 'False for a check.' }),
});

/** What `init` writes, or would write. */
export const initSchema = closed({
  schema: Type.Literal('primitive.init/v1'),
  files: Type.Array(
    closed({
      path: Type.String({ description: 'Relative to the root of the repository.' }),
      text: Type.String(),
    }),
  ),
  answers: Type.Optional(
    closed({
      repository: Type.String({ description: 'github.com/acme/app' }),
      registry: Type.String({ description: 'ghcr.io/acme' }),
      branch: Type.String({ description: 'That releases are made from.' }),
    }),
  ),
  next: Type.Array(Type.String(), { description: 'Commands to run next.' }),
  written: Type.Boolean({ description: 'False for a dry run.' }),
});

/** By the name of the document: `error` is `primitive.error/v1` in `schemas/primitive.error.v1.json`. */
export const documentSchemas: Readonly<Record<string, object>> = {
  doctor: doctorSchema,
  error: errorSchema,
  event: eventSchema,
  generate: generateSchema,
  help: helpSchema,
  init: initSchema,
  list: listSchema,
  publish: publishSchema,
  'publish-plan': publishPlanSchema,
  'scaffold-plan': scaffoldPlanSchema,
  version: versionSchema,
};
