import type { Static, TSchema } from 'typebox';
import { Compile } from 'typebox/schema';

/** Whether data has the shape of a schema. For what is checked often or has many parts: the schema is compiled, once. */
export function conforms<S extends TSchema>(schema: S, data: unknown): data is Static<S> {
  const check = compiled.get(schema) ?? Compile(schema);
  compiled.set(schema, check);
  return check.Check(data);
}

const compiled = new WeakMap<TSchema, ReturnType<typeof Compile>>();
