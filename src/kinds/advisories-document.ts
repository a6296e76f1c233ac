import { type Static, Type } from 'typebox';
import type { Digest } from '../core/digest.ts';
import { strictObject } from '../core/schema.ts';

const digest = (description: string) =>
  Type.Unsafe<Digest>(Type.String({ pattern: '^sha256:[0-9a-f]{64}$', description }));

/** `kinds/advisories.json` of a package: faults of its templates that primitives may have been scaffolded with. */
export const AdvisoriesFile = strictObject(
  {
    $schema: Type.Optional(Type.String({ description: 'For editors; ignored.' })),
    schema: Type.Literal('primitive.advisories/v1', { description: 'Version of this format.' }),
    advisories: Type.Array(
      strictObject({
        id: Type.String({
          pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$',
          title: 'letters, digits, dots and hyphens',
          description: 'Names the advisory; unique in the file and never used again.',
        }),
        kind: Type.String({ description: 'A kind of the same folder.' }),
        severity: Type.Enum(['low', 'medium', 'high', 'critical'], { description: 'Severity.' }),
        summary: Type.String({ minLength: 1, maxLength: 300, description: 'One sentence.' }),
        fixedIn: Type.Optional(
          Type.String({
            pattern: '^[0-9]+\\.[0-9]+\\.[0-9]+$',
            description:
              'Version of the package without the fault: files of it and later ones that `affected` does not list are corrected.',
          }),
        ),
        url: Type.Optional(Type.String({ pattern: '^https://', description: 'A page with more.' })),
        files: Type.Array(
          strictObject({
            path: Type.String({
              minLength: 1,
              description: 'In the template, with suffix and placeholders: internal/[snake]/main.go.eta.',
            }),
            affected: Type.Optional(
              Type.Array(digest('Of a template file.'), {
                description:
                  'The template files that have the fault. Omitted: all but `fixed` and that of the package itself.',
                minItems: 1,
              }),
            ),
            fixed: Type.Union([digest('Of the template file that corrected it.'), Type.Null()], {
              description:
                'The first template file without the fault; null if it was removed, or is not corrected yet.',
            }),
          }),
          { minItems: 1, description: 'Template files with the fault.' },
        ),
      }),
    ),
  },
  'advisories.json: faults of templates.',
);

export type AdvisoriesFile = Static<typeof AdvisoriesFile>;
