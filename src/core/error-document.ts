import { Type } from 'typebox';
import { EXIT_CODES } from './errors.ts';
import { type DataOf, nullable, strictObject } from './schema.ts';

/** Every failure of every command, with `--json`. */
export const errorSchema = strictObject(
  {
    schema: Type.Literal('primitive.error/v1'),
    code: Type.String({ description: 'Stable, in kebab-case, the subject first: config-unknown-key.' }),
    message: Type.String({ description: 'The failure.' }),
    why: nullable('The fact behind it.'),
    suggestions: Type.Array(Type.String(), { description: 'Next steps, most likely first.' }),
    docs: nullable('The command that prints more on the code: primitive explain inputs-dirty.'),
    exit: Type.Enum(EXIT_CODES, { description: 'The exit code of the process.' }),
    retryable: Type.Boolean({ description: 'Whether the same call may succeed later without a change.' }),
  },
  'Every failure of every command.',
);

/** `primitive.error/v1`. */
export type ErrorDocument = DataOf<typeof errorSchema>;
