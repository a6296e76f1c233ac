import type { Static, TSchema } from 'typebox';
import { Check } from 'typebox/schema';
import { expect, test } from 'vitest';
import { type ErrorDocument, errorDocument } from '../../../src/cli/failure.ts';
import {
  doctorSchema,
  documentSchemas,
  errorSchema,
  type eventSchema,
  type generateSchema,
  type initSchema,
  type listSchema,
  type publishPlanSchema,
  type publishSchema,
  type scaffoldPlanSchema,
} from '../../../src/cli/schemas.ts';
import { PrimitiveError } from '../../../src/core/errors.ts';
import type { Event } from '../../../src/core/events.ts';
import { type DoctorReport, examine } from '../../../src/features/doctor/report.ts';
import type { GenerateDocument } from '../../../src/features/generate/view.ts';
import type { InitDocument } from '../../../src/features/init/view.ts';
import type { Inventory } from '../../../src/features/list/view.ts';
import type { PublishPlan } from '../../../src/features/publish/plan.ts';
import type { PublishReport } from '../../../src/features/publish/report.ts';
import type { ScaffoldDocument } from '../../../src/features/scaffold/view.ts';

type Mutable<T> = T extends string | number | boolean | null | undefined
  ? T
  : { -readonly [K in keyof T]: Mutable<T[K]> };

/** Compiles only where a schema and a type describe the same documents. */
type Same<S extends TSchema, T> =
  Static<S> extends T ? (Mutable<T> extends Mutable<Static<S>> ? true : never) : never;

/** An event as it is printed. */
type PrintedEvent = Event & { schema: 'primitive.event/v1'; sequence: number; elapsed: number };

test('schemas and types describe the same documents', () => {
  const held: [
    Same<typeof errorSchema, ErrorDocument>,
    Same<typeof doctorSchema, DoctorReport>,
    Same<typeof listSchema, Inventory>,
    Same<typeof eventSchema, PrintedEvent>,
    Same<typeof publishPlanSchema, PublishPlan>,
    Same<typeof publishSchema, PublishReport>,
    Same<typeof scaffoldPlanSchema, ScaffoldDocument>,
    Same<typeof initSchema, InitDocument>,
    Same<typeof generateSchema, GenerateDocument>,
  ] = [true, true, true, true, true, true, true, true, true];
  expect(held).toHaveLength(9);
});

test('every document schema says which document it is of', () => {
  for (const [name, schema] of Object.entries(documentSchemas)) {
    expect(JSON.stringify(schema)).toContain(`{"const":"primitive.${name}/v1"`.replace('{', ''));
  }
});

test('an error document is valid, one with a field more is not', () => {
  const document = errorDocument(new PrimitiveError('a', 'b', { exit: 3 }), []);
  expect(Check(errorSchema, document)).toBe(true);
  expect(Check(errorSchema, { ...document, cause: 'x' })).toBe(false);
});

test('a doctor report is valid', async () => {
  const { report } = await examine([
    { id: 'git', needs: [], look: () => Promise.reject(new PrimitiveError('a', 'b', { why: 'c' })) },
    { id: 'components', needs: ['git'], look: async () => ({ detail: 'd' }) },
  ]);
  expect(Check(doctorSchema, report)).toBe(true);
});
