import { Type } from 'typebox';
import type { Digest } from '../../core/digest.ts';
import { type DataOf, strictObject } from '../../core/schema.ts';

/** The document of `generate`. */
export const generateSchema = strictObject({
  schema: Type.Literal('primitive.generate/v1'),
  generated: Type.Array(
    strictObject({
      kind: Type.String(),
      name: Type.String(),
      generator: Type.String(),
      changes: Type.Array(
        strictObject({
          path: Type.String({ description: 'Relative to the folder of the primitive.' }),
          change: Type.Enum(['created', 'changed', 'removed']),
          digest: Type.Optional(Type.Unsafe<Digest>(Type.String({ pattern: '^sha256:[0-9a-f]{64}$' }))),
        }),
      ),
      ejected: Type.Optional(
        Type.Array(Type.String(), {
          description: 'Files that are not compared: `eject` in primitive.yaml names them. Sorted.',
        }),
      ),
    }),
    { description: "Sorted by kind, name, and the order of the kind's generators." },
  ),
  compose: Type.Optional(
    strictObject(
      {
        path: Type.String({ description: 'Relative to the folder of the config.' }),
        change: Type.Enum(['created', 'changed', 'unchanged']),
      },
      'The compose file of all primitives; absent if there is none.',
    ),
  ),
  written: Type.Boolean({ description: 'False for a check.' }),
});

/** `primitive.generate/v1`. */
export type GenerateDocument = DataOf<typeof generateSchema>;
