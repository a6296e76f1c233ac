/** Families of rules, in the order of reports. */
export const FAMILIES = ['SHAPE', 'GEN', 'IMP', 'TEST', 'MARK', 'SEC', 'BPMN', 'INT'] as const;
export type Family = (typeof FAMILIES)[number];

/** `SHAPE-001`; an id is never given to another rule. */
export type RuleId = `${Family}-${string}`;

/** The family of a rule. */
export function familyOf(id: RuleId): Family {
  return id.slice(0, id.indexOf('-')) as Family;
}
