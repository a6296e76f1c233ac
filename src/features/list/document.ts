import { Type } from 'typebox';
import { type DataOf, nullable, strictObject } from '../../core/schema.ts';
import { advisorySchema } from '../../kinds/advisory-report.ts';
import { LANGUAGE_IDS } from '../../languages/all.ts';

/** The document of `list`. */
export const listSchema = strictObject({
  schema: Type.Literal('primitive.list/v1'),
  commit: Type.Union([Type.String({ pattern: '^([0-9a-f]{40}|[0-9a-f]{64})$' }), Type.Null()], {
    description: 'HEAD; null before the first commit.',
  }),
  primitives: Type.Array(
    strictObject({
      kind: Type.String(),
      name: Type.String(),
      path: Type.String({ description: 'Folder, relative to the root of the repository.' }),
      state: Type.Enum(['committed', 'modified', 'uncommitted', 'invalid'], {
        description:
          'committed: all inputs and the config are as in HEAD; modified: some are not; uncommitted: HEAD does not have it, or not the config; invalid: it cannot be read, or its inputs cannot.',
      }),
      problem: nullable('Why it is invalid.'),
      image: nullable('<registry>/<image>; null if primitive.yaml cannot be read.'),
      inputDigest: Type.Union([Type.String({ pattern: '^[0-9a-f]{64}$' }), Type.Null()], {
        description: 'Of HEAD; null unless the state is committed.',
      }),
      language: nullable(`One of ${LANGUAGE_IDS.join(', ')} and other; null for a kind that is not known.`),
      template: Type.Union(
        [
          strictObject({
            version: Type.Integer(),
            latest: Type.Integer(),
            state: Type.Enum(['current', 'behind', 'unknown'], {
              description:
                'By the digests of the template files, not by versions; unknown if an older record has no digests.',
            }),
            behind: Type.Array(Type.String(), {
              description: 'Template files that are new, changed or gone since; sorted.',
            }),
          }),
          Type.Null(),
        ],
        {
          description:
            'Template that it was scaffolded from, and its current version; null if it was not scaffolded.',
        },
      ),
      advisories: Type.Array(advisorySchema, {
        description:
          'Faults of its template; with state unknown if primitive.yaml does not say whether it has them. Sorted by id.',
      }),
    }),
    { description: 'Sorted by kind, then name.' },
  ),
});

/** `primitive.list/v1`. */
export type ListDocument = DataOf<typeof listSchema>;

export type ListEntry = ListDocument['primitives'][number];

/** How a primitive of the work tree compares with HEAD. */
export type PrimitiveState = ListEntry['state'];
