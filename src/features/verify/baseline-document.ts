import { Type } from 'typebox';
import { type DataOf, strictObject } from '../../core/schema.ts';
import type { RuleId } from './family.ts';

/** The file of `verify --baseline`: findings that were there when it was adopted. The tool writes it. */
export const baselineSchema = strictObject(
  {
    schema: Type.Literal('primitive.baseline/v1', { description: 'Version of this format.' }),
    findings: Type.Array(
      strictObject({
        rule: Type.Unsafe<RuleId>(
          Type.String({ description: 'Id of the rule.', pattern: '^[A-Z]+-[0-9]{3}$' }),
        ),
        path: Type.String({ description: 'Relative to the root of the repository, with /.', minLength: 1 }),
        fingerprint: Type.String({
          description: 'As the report has it.',
          title: '32 hex digits',
          pattern: '^[0-9a-f]{32}$',
        }),
      }),
      { description: 'Sorted by path, rule and fingerprint.' },
    ),
  },
  'Findings of `primitive verify` that were there before. It may only shrink.',
);

export type BaselineEntry = DataOf<typeof baselineSchema>['findings'][number];
