import type { TSchema } from 'typebox';

/** Whether data has the shape of a schema. */
export type Check = (data: unknown) => boolean;

const checks = new WeakMap<TSchema, Check>();

/** Says what the check of a schema is, so that {@link checkOf} need not compile it: the bundle's were, when it was made. */
export function withCheck<S extends TSchema>(schema: S, check: Check): S {
  checks.set(schema, check);
  return schema;
}

/** The check of a schema, by TypeBox; compiled when it is first asked for. */
export async function checkOf(schema: TSchema): Promise<Check> {
  const known = checks.get(schema);
  if (known !== undefined) return known;
  const { Compile } = await import('typebox/schema');
  const compiled = Compile(schema);
  const check = (data: unknown) => compiled.Check(data);
  checks.set(schema, check);
  return check;
}
