import { Type } from 'typebox';
import { type DataOf, nullable, strictObject } from '../core/schema.ts';

/** `--help --json`. */
export const helpSchema = strictObject({
  schema: Type.Literal('primitive.help/v1'),
  commands: Type.Array(
    strictObject({
      command: Type.String(),
      summary: nullable('One line.'),
      args: Type.Array(
        strictObject({
          name: Type.String(),
          description: nullable('One line.'),
          required: Type.Boolean(),
          multiple: Type.Boolean(),
        }),
      ),
      flags: Type.Array(
        strictObject({
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

/** `primitive.help/v1`. */
export type HelpDocument = DataOf<typeof helpSchema>;
