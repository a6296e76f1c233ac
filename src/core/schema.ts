import { type Static, type TProperties, type TSchema, Type } from 'typebox';

/** The schema of an object without further keys: a reader refuses what it does not know instead of dropping it. */
export function strictObject<T extends TProperties>(properties: T, description?: string) {
  return Type.Object(properties, { additionalProperties: false, ...(description ? { description } : {}) });
}

/** A string, or null where there is none. */
export function nullable(description: string) {
  return Type.Union([Type.String(), Type.Null()], { description });
}

/** The data that a schema describes, read-only at any depth. */
export type DataOf<S extends TSchema> = DeepReadonly<Static<S>>;

type DeepReadonly<T> = T extends string | number | boolean | null | undefined
  ? T
  : { readonly [K in keyof T]: DeepReadonly<T[K]> };

/** Whether data has the shape of a schema. */
export type Check<T> = (data: unknown) => data is T;

const checks = new WeakMap<TSchema, Check<unknown>>();

/** The check of a schema, compiled by TypeBox when it is first asked for. */
export async function checkOf<S extends TSchema>(schema: S): Promise<Check<Static<S>>> {
  const known = checks.get(schema);
  if (known !== undefined) return known as Check<Static<S>>;
  const { Compile } = await import('typebox/schema');
  const compiled = Compile(schema);
  const check = (data: unknown): data is Static<S> => compiled.Check(data);
  checks.set(schema, check);
  return check;
}
