import type { Static, TSchema } from 'typebox';
import { Check } from 'typebox/schema';
import { documentId } from './schema.ts';
import { validators } from './validators.ts';

/** Whether data has the shape of a schema; quick for a document of which `npm run generate` made a validator. */
export function conforms<S extends TSchema>(schema: S, data: unknown): data is Static<S> {
  const validate = validators[documentId(schema) ?? ''];
  return validate === undefined ? Check(schema, data) : validate(data);
}
