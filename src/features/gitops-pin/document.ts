import { Type } from 'typebox';
import { type DataOf, nullable, strictObject } from '../../core/schema.ts';

/** The document of `gitops pin` and `gitops promote`. */
export const gitopsPinSchema = strictObject({
  schema: Type.Literal('primitive.gitops-pin/v1'),
  lane: Type.String({ description: 'The lane that is written.' }),
  origin: strictObject(
    {
      type: Type.Enum(['release', 'lane', 'rollback']),
      name: Type.String({
        description: 'The commit of the release, the lane, or the commit that is restored.',
      }),
      source: nullable('The code repository of the release.'),
      record: nullable('Digest of the release record.'),
      signer: nullable('Of the release record.'),
    },
    'Origin of the references.',
  ),
  edits: Type.Array(
    strictObject({
      component: Type.String(),
      file: Type.String({ description: 'Relative to the root of the repository.' }),
      path: Type.String({ description: 'Of the scalar: image.ref' }),
      action: Type.Enum(['create', 'update', 'unchanged'], {
        description:
          'create: the file was missing and is made from the template; unchanged: it has this digest already.',
      }),
      before: nullable('The current reference.'),
      after: Type.String({ description: 'The reference that is set.' }),
    }),
    { description: 'Sorted by file, then path.' },
  ),
  skipped: Type.Array(strictObject({ component: Type.String(), reason: Type.String() }), {
    description: 'Components that were left alone; with those of `edits` all that were asked for.',
  }),
  unwired: Type.Array(Type.String(), {
    description: 'Components of the release that this repository has no component for, as kind/name.',
  }),
  written: Type.Boolean({ description: 'False without --write, and if nothing changes.' }),
});

/** `primitive.gitops-pin/v1`. */
export type GitopsPinDocument = DataOf<typeof gitopsPinSchema>;
