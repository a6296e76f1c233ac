import type { Static, TSchema } from 'typebox';

/** Whether data has the shape of a schema. */
export type Check<T> = (data: unknown) => data is T;

const checks = new WeakMap<TSchema, Check<unknown>>();

/** Says what the check of a schema is, so that {@link checkOf} need not compile it: the bundle's were, when it was made. */
export function withCheck<S extends TSchema>(schema: S, check: Check<Static<S>>): S {
  checks.set(schema, check);
  return schema;
}

/** The check of a schema, by TypeBox; compiled when it is first asked for. */
export async function checkOf<S extends TSchema>(schema: S): Promise<Check<Static<S>>> {
  const known = checks.get(schema);
  if (known !== undefined) return known as Check<Static<S>>;
  const { Compile } = await import('typebox/schema');
  const compiled = Compile(schema);
  const check = (data: unknown): data is Static<S> => compiled.Check(data);
  checks.set(schema, check);
  return check;
}
