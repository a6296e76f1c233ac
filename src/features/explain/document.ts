import { Type } from 'typebox';
import { type DataOf, strictObject } from '../../core/schema.ts';

/** The document of `explain`. */
export const explainSchema = strictObject({
  schema: Type.Literal('primitive.explain/v1'),
  rules: Type.Array(
    strictObject({
      id: Type.String(),
      family: Type.String(),
      level: Type.Enum(['error', 'warning', 'info']),
      title: Type.String({ description: 'The problem that it finds.' }),
      plugin: Type.Optional(Type.String({ description: 'Name and version of the plugin that it is of.' })),
      page: Type.Optional(Type.String({ description: 'Markdown; only of a rule that was asked for.' })),
    }),
    { description: 'Rules of verify, by id.' },
  ),
  codes: Type.Array(
    strictObject({
      code: Type.String({ description: 'The code of an error or a warning: inputs-dirty' }),
      title: Type.String({ description: 'Its meaning, in one sentence.' }),
      page: Type.Optional(Type.String({ description: 'Markdown; only of a code that was asked for.' })),
    }),
    { description: 'Codes of errors and warnings, sorted.' },
  ),
});

/** `primitive.explain/v1`. */
export type ExplainDocument = DataOf<typeof explainSchema>;
