import { Type } from 'typebox';
import { type DataOf, nullable, strictObject } from '../../core/schema.ts';

const finding = strictObject({
  rule: Type.Enum(['IMG001', 'IMG003', 'LCK001', 'PRM001', 'PRM002', 'SRC001', 'SRC002', 'WRT001'], {
    description:
      'IMG001: no digest; IMG003: cannot be read; LCK001: a part of a lockstep group moved; PRM001: the lane before never held it; PRM002: set for all lanes at once; SRC001: no release that counts lists it; SRC002: by a signer that the lane does not take; WRT001: another tool writes it, too.',
  }),
  message: Type.String(),
  path: Type.String({ description: 'Relative to the root of the repository.' }),
  line: Type.Optional(Type.Integer()),
});

/** The report of `gitops check`. */
export const gitopsCheckSchema = strictObject({
  schema: Type.Literal('primitive.gitops-check/v1'),
  base: nullable(
    'Commit that changes are counted from, and that kit.yaml and keys are read from; null: all is judged.',
  ),
  verdict: Type.Enum(['passed', 'partial', 'failed'], {
    description: 'partial: nothing is wrong in what was judged, and something was not judged.',
  }),
  account: strictObject(
    {
      files: Type.Integer({ description: 'Files of values, components and renders that were read.' }),
      references: Type.Integer({ description: 'Image references in them; the sum of the following.' }),
      judged: Type.Integer({ description: 'By release records, or by the images that kit.yaml allows.' }),
      unchanged: Type.Integer({ description: 'The same in the base: checked when they were merged.' }),
      empty: Type.Integer({ description: 'Without an image: nothing is deployed by them.' }),
    },
    'Counts of what was checked.',
  ),
  unchecked: Type.Array(strictObject({ path: Type.String(), reason: Type.String() }), {
    description: 'Not checked, with the reason.',
  }),
  findings: Type.Array(finding, { description: 'Sorted by path, line, rule.' }),
});

/** `primitive.gitops-check/v1`. */
export type GitopsCheckDocument = DataOf<typeof gitopsCheckSchema>;

export type CheckFinding = GitopsCheckDocument['findings'][number];
