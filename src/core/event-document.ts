import { Type } from 'typebox';
import type { Code } from './errors.ts';
import { type DataOf, strictObject } from './schema.ts';

const step = {
  type: Type.Literal('step'),
  step: Type.String({ description: 'Stable id, a word of the command: build' }),
  message: Type.String(),
  total: Type.Optional(
    Type.Integer({ description: 'How many items the step has, if that is known when it begins.' }),
  ),
};
const item = {
  type: Type.Literal('item'),
  item: Type.String({ description: 'Id of the item: domain/orders' }),
  status: Type.Enum(['waiting', 'active', 'done', 'failed'], {
    description: 'The same values in every command.',
  }),
  state: Type.String({ description: 'A word of the command: pushing' }),
  digest: Type.Optional(Type.String({ pattern: '^sha256:[0-9a-f]{64}$' })),
  detail: Type.Optional(Type.String()),
};
const log = { type: Type.Literal('log'), item: Type.String(), line: Type.String() };
const warning = {
  type: Type.Literal('warning'),
  code: Type.Unsafe<Code>(Type.String()),
  message: Type.String(),
};

const payload = Type.Union([
  strictObject(step),
  strictObject(item),
  strictObject(log),
  strictObject(warning),
]);

/** An event of a command, without the envelope of {@link eventSchema}. */
export type EventData = DataOf<typeof payload>;

const envelope = {
  schema: Type.Literal('primitive.event/v1'),
  sequence: Type.Integer({ minimum: 1 }),
  elapsed: Type.Integer({ description: 'Milliseconds since the start.' }),
};

/** `primitive.event/v1`: one line of `--events ndjson`. */
export const eventSchema = Type.Union([
  strictObject({ ...envelope, ...step }),
  strictObject({ ...envelope, ...item }),
  strictObject({ ...envelope, ...log }),
  strictObject({ ...envelope, ...warning }),
]);
