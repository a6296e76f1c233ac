import { type TProperties, Type } from 'typebox';

/** The schema of a mapping in a file of ours: a key that it does not know is an error, never silently dropped. */
export function closed<T extends TProperties>(properties: T, description?: string) {
  return Type.Object(properties, { additionalProperties: false, ...(description ? { description } : {}) });
}
