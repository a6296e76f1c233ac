import { Type } from 'typebox';
import { type DataOf, strictObject } from '../../core/schema.ts';
import type { RuleId } from './family.ts';

/** `primitive.suppressions.yaml`, beside the config: findings that do not count, each for a reason. */
export const suppressionsSchema = strictObject(
  {
    $schema: Type.Optional(Type.String({ description: 'For editors; ignored.' })),
    schema: Type.Literal('primitive.suppressions/v1', { description: 'Version of this format.' }),
    suppressions: Type.Array(
      strictObject({
        rule: Type.Unsafe<RuleId>(
          Type.String({
            description: 'Id of the rule.',
            title: 'an id such as SHAPE-001',
            pattern: '^[A-Z]+-[0-9]{3}$',
          }),
        ),
        path: Type.Optional(
          Type.String({
            description: 'A file, or a pattern of files, relative to the root of the repository.',
            minLength: 1,
          }),
        ),
        fingerprint: Type.Optional(
          Type.String({
            description: 'One finding, as the report has it.',
            title: '32 hex digits',
            pattern: '^[0-9a-f]{32}$',
          }),
        ),
        reason: Type.String({
          description: 'Why it does not count.',
          title: 'a sentence',
          pattern: '\\S+\\s+\\S+',
        }),
        owner: Type.String({ description: 'The person or team that decided it.', minLength: 1 }),
        expires: Type.Optional(
          Type.String({
            description: 'The last day on which it counts.',
            title: 'a date such as 2027-01-31',
            pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}$',
          }),
        ),
      }),
    ),
  },
  'Findings of `primitive verify` that do not count.',
);

export type Suppression = DataOf<typeof suppressionsSchema>['suppressions'][number];
