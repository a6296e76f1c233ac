import { type Static, type TProperties, type TSchema, Type } from 'typebox';

/** The schema of an object without further keys: a reader refuses what it does not know instead of dropping it. */
export function strictObject<T extends TProperties>(properties: T, description?: string) {
  return Type.Object(properties, { additionalProperties: false, ...(description ? { description } : {}) });
}

/** A string with a form; messages call the form `title`. */
export function formed(pattern: RegExp, title: string, description: string) {
  return Type.String({ description, title, pattern: pattern.source });
}

/** A string, or null if there is none. */
export function nullable(description: string) {
  return Type.Union([Type.String(), Type.Null()], { description });
}

/** The data that a schema describes, read-only at any depth. */
export type DataOf<S extends TSchema> = DeepReadonly<Static<S>>;

type DeepReadonly<T> = T extends string | number | boolean | null | undefined
  ? T
  : { readonly [K in keyof T]: DeepReadonly<T[K]> };
