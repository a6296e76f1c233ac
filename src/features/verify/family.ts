import { PrimitiveError } from '../../core/errors.ts';
import { nearest } from '../../core/nearest.ts';

/** Families of rules, in the order of reports. */
export const FAMILIES = ['SHAPE', 'GEN', 'IMP', 'TEST', 'MARK', 'SEC', 'BPMN', 'INT'] as const;
export type Family = (typeof FAMILIES)[number];

/** `SHAPE-001`; an id is never given to another rule. */
export type RuleId = `${Family}-${string}`;

/** The family of a rule. */
export function familyOf(id: RuleId): Family {
  return id.slice(0, id.indexOf('-')) as Family;
}

/** Families as a user names them: `SEC`, `shape,imp`. Throws `invalid-flag` (exit 2) with the nearest one. */
export function parseFamilies(texts: readonly string[]): readonly Family[] {
  return texts.flatMap((text) =>
    text.split(',').map((word) => {
      const name = word.trim().toUpperCase();
      const family = FAMILIES.find((one) => one === name);
      if (family !== undefined) return family;
      const meant = nearest(name, FAMILIES);
      throw new PrimitiveError('invalid-flag', `Expected --only=${text} to name families of rules.`, {
        why: `${JSON.stringify(word)} is none; they are ${FAMILIES.join(', ')}`,
        suggestions: [...(meant === undefined ? [] : [`Did you mean ${meant}?`]), 'primitive explain'],
      });
    }),
  );
}
