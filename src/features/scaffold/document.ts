import { Type } from 'typebox';
import type { Digest } from '../../core/digest.ts';
import { type DataOf, strictObject } from '../../core/schema.ts';

const digest = Type.Unsafe<Digest>(Type.String({ pattern: '^sha256:[0-9a-f]{64}$' }));

/** The document of `scaffold`. */
export const scaffoldPlanSchema = strictObject({
  schema: Type.Literal('primitive.scaffold-plan/v1'),
  kind: Type.String(),
  name: Type.String(),
  path: Type.String({ description: 'Folder, relative to that of the config.' }),
  template: strictObject({
    version: Type.Integer({ minimum: 1, description: 'Of the kind.' }),
    recorded: Type.Integer({
      minimum: 1,
      description: 'Version that primitive.yaml will record.',
    }),
    from: Type.Union([Type.Integer(), Type.Null()], {
      description: 'Version of the template before; null for a new primitive.',
    }),
    behind: Type.Array(Type.String(), {
      description: 'Files whose changes of the template are not taken over; sorted.',
    }),
  }),
  inputs: Type.Record(Type.String(), Type.String()),
  files: Type.Array(
    strictObject({
      path: Type.String({ description: 'Relative to the folder of the primitive.' }),
      owner: Type.Enum(['impl', 'generated', 'config']),
      action: Type.Enum(
        ['create', 'update', 'merge', 'move', 'delete', 'unchanged', 'keep', 'skip', 'conflict'],
        {
          description:
            'merge: changes of the template are merged into an edited file; update: an unedited file is replaced; move: the template has renamed it; delete: it is no longer in the template, and unedited. All only with --update, but for an update of generated files that were edited.',
        },
      ),
      from: Type.Optional(Type.String({ description: 'Of a move: the path before.' })),
      edited: Type.Optional(Type.Boolean({ description: 'Of a move: the owner had changed it.' })),
      source: Type.Optional(
        strictObject(
          { path: Type.String({ description: 'In the template.' }), digest },
          'The template file; absent for what a generator makes. Advisories name files by it.',
        ),
      ),
      reason: Type.Optional(
        Type.Enum([
          'edited',
          'template-changed',
          'template-added',
          'edited-and-template-changed',
          'base-missing',
          'unrecorded',
          'generator-input-edited',
          'left-over',
          'moved',
          'ejected',
          'was-deleted',
          'blocked',
          'unmanaged',
        ]),
      ),
      mode: Type.Enum(['100644', '100755']),
      size: Type.Integer({ description: 'Bytes of what the template makes.' }),
      digest,
      merged: Type.Optional(
        Type.Unsafe<Digest>(
          Type.String({
            description:
              'Digest of what is written, if that is not what the template makes: of a merge, or with the line ends of Windows.',
          }),
        ),
      ),
      conflicts: Type.Optional(
        Type.Array(Type.Integer(), {
          description: 'Conflicting lines of the existing file; they get markers.',
        }),
      ),
      diff: Type.Optional(
        Type.String({
          description:
            'With --diff: the change as a unified diff, with paths relative to the folder of the config.',
        }),
      ),
      existing: Type.Optional(digest),
      existingSize: Type.Optional(Type.Integer({ description: 'Bytes of the file that is there.' })),
    }),
    { description: 'Sorted by path.' },
  ),
  unmanaged: Type.Array(Type.String(), {
    description: 'Files in the folder of a new primitive that scaffold did not write.',
  }),
  imports: Type.Optional(
    Type.Array(
      strictObject({
        path: Type.String({ description: 'File that imports it, or is what is left of a package.' }),
        from: Type.Optional(Type.String({ description: 'Text of the import. Absent for what is left.' })),
        to: Type.String({ description: 'The text in its place, or the folder of the package now.' }),
      }),
      {
        description:
          'Of an update that moves code: files that still name it as before, and that their owner has to change. Sorted.',
      },
    ),
  ),
  next: Type.Array(Type.String(), { description: 'Commands to run next.' }),
  written: Type.Boolean({ description: 'False for a dry run.' }),
  gitops: Type.Optional(
    Type.Object(
      { schema: Type.Literal('primitive.gitops-run/v1') },
      { description: 'Result of --gitops-pr: a document of that schema.' },
    ),
  ),
});

/** `primitive.scaffold-plan/v1`: the plan, and whether it was carried out. */
export type ScaffoldDocument = DataOf<typeof scaffoldPlanSchema>;

/** The document of `scaffold --update --all`. */
export const scaffoldUpdateSchema = strictObject({
  schema: Type.Literal('primitive.scaffold-update/v1'),
  primitives: Type.Array(scaffoldPlanSchema, { description: 'Sorted by kind, then name.' }),
  next: Type.Array(Type.String(), {
    description: 'Commands to run next: of primitives with a copy of a proto file that this changes.',
  }),
  written: Type.Boolean({ description: 'False for a dry run.' }),
});

/** `primitive.scaffold-update/v1`: the plan of each primitive. */
export type ScaffoldUpdateDocument = DataOf<typeof scaffoldUpdateSchema>;
