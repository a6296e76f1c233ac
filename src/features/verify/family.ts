import { PrimitiveError } from '../../core/errors.ts';
import { nearest } from '../../core/nearest.ts';

/** Our families of rules, in the order of reports. Those of plugins come after them. */
export const FAMILIES = ['SHAPE', 'GEN', 'IMP', 'TEST', 'MARK', 'SEC', 'BPMN', 'OWN', 'INT'] as const;

/** One of {@link FAMILIES}, or the prefix of the rules of a plugin. */
export type Family = string;

/** `SHAPE-001`; an id is never given to another rule. */
export type RuleId = `${Uppercase<string>}-${string}`;

export function familyOf(id: RuleId): Family {
  return id.slice(0, id.indexOf('-'));
}

/** The rules that judge suppressions and baselines, which neither covers. */
export const ABOUT_SUPPRESSIONS: ReadonlySet<RuleId> = new Set(['SHAPE-008', 'SHAPE-009', 'SHAPE-015']);

/** Whether a family is one of {@link FAMILIES}. */
export function isOurs(family: Family): boolean {
  return (FAMILIES as readonly string[]).includes(family);
}

/** The family of the config's own rules; of a config without any it is not there. */
const OWN = 'OWN';

/** All families of rules: ours, whether they have rules here or not, and those of plugins. */
export function familiesOf(rules: readonly { readonly id: RuleId }[]): readonly Family[] {
  return inOrder(new Set([...FAMILIES.filter((one) => one !== OWN), ...rules.map(({ id }) => familyOf(id))]));
}

/** In the order of reports. */
export function inOrder(families: ReadonlySet<Family>): readonly Family[] {
  const others = [...families].filter((family) => !isOurs(family)).sort();
  return [...FAMILIES.filter((family) => families.has(family)), ...others];
}

/** Families of those that are known, as a user names them: `SEC`, `shape,imp`. Throws `invalid-flag` (exit 2) with the nearest one. */
export function parseFamilies(texts: readonly string[], known: readonly Family[]): readonly Family[] {
  return texts.flatMap((text) =>
    text.split(',').map((word) => {
      const name = word.trim().toUpperCase();
      const family = known.find((one) => one === name);
      if (family !== undefined) return family;
      const meant = nearest(name, known);
      throw new PrimitiveError('invalid-flag', `Expected --only=${text} to name families of rules.`, {
        why: `${JSON.stringify(word)} is none; they are ${known.join(', ')}`,
        suggestions: [...(meant === undefined ? [] : [`Did you mean ${meant}?`]), 'primitive explain'],
      });
    }),
  );
}
