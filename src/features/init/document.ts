import { Type } from 'typebox';
import { type DataOf, strictObject } from '../../core/schema.ts';

/** The document of `init`. */
export const initSchema = strictObject({
  schema: Type.Literal('primitive.init/v1'),
  files: Type.Array(
    strictObject({
      path: Type.String({ description: 'Relative to the root of the repository.' }),
      text: Type.String(),
    }),
  ),
  answers: Type.Optional(
    strictObject(
      {
        repository: Type.String({ description: 'github.com/acme/app' }),
        registry: Type.String({ description: 'ghcr.io/acme' }),
        branch: Type.String({ description: 'That releases are made from.' }),
      },
      'Answers that the config is made from; absent if the config existed before.',
    ),
  ),
  next: Type.Array(Type.String(), { description: 'Commands to run next.' }),
  written: Type.Boolean({ description: 'False for a dry run.' }),
});

/** `primitive.init/v1`. */
export type InitDocument = DataOf<typeof initSchema>;
