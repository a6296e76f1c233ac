import type { Static, TSchema } from 'typebox';
import { expect, test } from 'vitest';
import type { publishPlanSchema, publishSchema } from '../../../../src/features/publish/document.ts';
import type { PublishPlan } from '../../../../src/features/publish/plan.ts';
import type { PublishReport } from '../../../../src/features/publish/report.ts';

type Mutable<T> = T extends string | number | boolean | null | undefined
  ? T
  : { -readonly [K in keyof T]: Mutable<T[K]> };

/** Compiles only where a schema and a type describe the same documents. */
type Same<S extends TSchema, T> =
  Static<S> extends T ? (Mutable<T> extends Mutable<Static<S>> ? true : never) : never;

test('schemas and types describe the same documents', () => {
  const held: [Same<typeof publishPlanSchema, PublishPlan>, Same<typeof publishSchema, PublishReport>] = [
    true,
    true,
  ];
  expect(held).toHaveLength(2);
});
