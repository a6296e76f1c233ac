import { Type } from 'typebox';
import { type DataOf, nullable, strictObject } from '../core/schema.ts';

const flagNames = (description: string) => Type.Array(Type.String(), { description });

const input = strictObject({
  name: Type.String({ description: 'Its flag: --entity' }),
  type: Type.Enum(['path', 'text', 'entity', 'primitive']),
  help: Type.String(),
  required: Type.Boolean(),
});

/** The inputs of a kind, as flags of `scaffold`. */
const kindInputs = strictObject({ kind: Type.String(), inputs: Type.Array(input) });

/** `--help --json`. */
export const helpSchema = strictObject({
  schema: Type.Literal('primitive.help/v1'),
  commands: Type.Array(
    strictObject({
      command: Type.String(),
      summary: nullable('One line.'),
      description: nullable('More than the summary.'),
      docs: Type.String({ description: 'URL of the page on the command.' }),
      examples: Type.Array(strictObject({ description: nullable('One line.'), command: Type.String() })),
      documents: Type.Array(Type.String(), {
        description:
          'Schemas of what --json may print, in schemas/ of the package: primitive.publish/v1 is primitive.publish.v1.json.',
      }),
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
          negated: nullable('--no-tests, which turns a switch off.'),
          summary: nullable('One line.'),
          required: Type.Boolean(),
          value: Type.Union([Type.Array(Type.String()), Type.String(), Type.Null()], {
            description:
              'null for a switch, a list if only those values are allowed, else a name for the value.',
          }),
          multiple: Type.Boolean(),
          default: Type.Union([Type.String(), Type.Boolean(), Type.Null()], {
            description: 'The value without the flag; null if there is none.',
          }),
          exclusive: flagNames('Flags that cannot be given with it.'),
          dependsOn: flagNames('Flags that must be given with it.'),
        }),
      ),
      inputs: Type.Array(kindInputs, {
        description: 'Flags that depend on --kind, for each built-in kind; other kinds add theirs.',
      }),
    }),
  ),
});

/** `primitive.help/v1`. */
export type HelpDocument = DataOf<typeof helpSchema>;

export type KindInputs = DataOf<typeof kindInputs>;
