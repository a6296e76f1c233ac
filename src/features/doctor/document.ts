import { Type } from 'typebox';
import { type DataOf, strictObject } from '../../core/schema.ts';

/** The report of `doctor`. */
export const doctorSchema = strictObject({
  schema: Type.Literal('primitive.doctor/v1'),
  ok: Type.Boolean({
    description:
      'Whether a publish can run, or in a GitOps repository whether it is set up, by these checks: each is ok or has a warning.',
  }),
  checks: Type.Array(
    strictObject({
      id: Type.Enum([
        'config',
        'programs',
        'git',
        'components',
        'inputs',
        'temporary',
        'builder',
        'cosign',
        'syft',
        'identity',
        'plan',
        'dockerfiles',
        'builds',
        'registry',
        'bases',
        'trust',
        'gitops',
        'verify',
        'setup',
      ]),
      state: Type.Enum(['ok', 'warn', 'fail', 'unknown', 'skipped'], {
        description:
          'warn: publish works, but not as safely as it could, or verify lacks a program; unknown: not checked, as nobody answered; skipped: not checked, as a check failed that this one needs.',
      }),
      detail: Type.String({ description: 'The result, or the failure.' }),
      why: Type.Optional(Type.String()),
      code: Type.Optional(Type.String({ description: 'Stable code of the problem.' })),
      fix: Type.Array(Type.String(), { description: 'Fixes, most likely first.' }),
    }),
  ),
  notCovered: Type.Array(Type.String(), {
    description: 'Not covered by any check; only a publish shows it.',
  }),
});

/** `primitive.doctor/v1`. */
export type DoctorReport = DataOf<typeof doctorSchema>;

/** One line of the report. */
export type Check = DoctorReport['checks'][number];
