import { type Static, Type } from 'typebox';
import { strictObject } from '../core/schema.ts';

const path = Type.String({
  pattern: '^/[A-Za-z0-9._~/{}-]*$',
  title: 'a path such as /v1/{entities}',
  description: 'Put behind the address; {entities} is the plural of the entity of what is called.',
});

/** Settings in `compose.yaml`, by name. */
export const Local = Type.Record(
  Type.String({ pattern: '^[A-Z][A-Z0-9_]*$', title: 'a name of a variable' }),
  Type.Union([
    strictObject({ value: Type.String({ description: 'The same for all primitives.' }) }),
    strictObject({
      url: Type.Literal('source', { description: 'Address of the source.' }),
      path: Type.Optional(path),
    }),
    strictObject({
      url: Type.Literal('sibling', { description: 'Address of a primitive with the same source.' }),
      kind: Type.String({ description: 'Its kind.', minLength: 1 }),
      path: Type.Optional(path),
    }),
    strictObject({
      url: Type.Literal('consumers', {
        description: 'NAME=ADDRESS of each primitive that takes events of this one, separated by spaces.',
      }),
      path: Type.Optional(path),
    }),
    strictObject({
      token: Type.Union([Type.Literal(true), Type.Literal('consumers')], {
        description:
          'true: file with the token of this primitive; consumers: NAME_CONSUMER is one for each that takes its events.',
      }),
    }),
    strictObject({
      callers: Type.Array(Type.Enum(['callers', 'sender']), {
        description:
          'File with the tokens of those that call this primitive, or of the one whose events it takes.',
        minItems: 1,
      }),
    }),
  ]),
  { description: 'Settings in compose.yaml, where they are not those of the environment.' },
);

/** A setting in `compose.yaml`. */
export type LocalSetting = Static<typeof Local>[string];
