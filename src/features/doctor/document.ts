import { Type } from 'typebox';
import { type DataOf, strictObject } from '../../core/schema.ts';

/** What `doctor` finds. */
export const doctorSchema = strictObject({
  schema: Type.Literal('primitive.doctor/v1'),
  ok: Type.Boolean({ description: 'Whether a publish could run: no check failed or was skipped.' }),
  checks: Type.Array(
    strictObject({
      id: Type.Enum([
        'config',
        'programs',
        'git',
        'components',
        'builder',
        'cosign',
        'syft',
        'identity',
        'registry',
        'bases',
        'trust',
        'gitops',
      ]),
      state: Type.Enum(['ok', 'warn', 'fail', 'skipped'], {
        description:
          'warn: publish works, but not as safely as it could; skipped: a check failed that this one needs.',
      }),
      detail: Type.String({ description: 'What was found, or what is wrong.' }),
      why: Type.Optional(Type.String()),
      code: Type.Optional(Type.String({ description: 'Stable code of the problem.' })),
      fix: Type.Array(Type.String(), { description: 'Lines that mend it, most likely first.' }),
    }),
  ),
});

/** `primitive.doctor/v1`. */
export type DoctorReport = DataOf<typeof doctorSchema>;

/** One line of the report. */
export type Check = DoctorReport['checks'][number];
