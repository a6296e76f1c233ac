import { createHash } from 'node:crypto';
import { compareFindings } from '../../core/finding.ts';
import { optional } from '../../core/object.ts';
import { type Place, placeOf, reaches } from './account.ts';
import type { VerifyFinding } from './document.ts';
import type { RuleId } from './family.ts';
import type { AnyRule, Context, Problem, Rule } from './rule.ts';
import type { Fact, SubjectName, Subjects } from './subjects.ts';

/** Lets every rule judge the facts of its subject. Pure but for what rules read of the tree; sorted as in reports. */
export async function judge(
  rules: readonly AnyRule[],
  facts: readonly Fact[],
  context: Context,
): Promise<readonly VerifyFinding[]> {
  const found: { readonly rule: AnyRule; readonly problem: Problem; readonly path: string }[] = [];
  const bySubject = grouped(facts);
  for (const rule of rules) {
    for (const value of valuesFor(rule, bySubject)) {
      const answer = (rule as Rule).check(value, context);
      // Waiting for what is there takes longer than most rules.
      const problems = answer instanceof Promise ? await answer : answer;
      for (const problem of problems) found.push({ rule, problem, path: problem.path ?? value.path });
    }
  }
  const seen = new Map<string, number>();
  return found
    .map(({ rule, problem: { key, ...problem }, path }) => ({
      rule: rule.id,
      ...optional('plugin', rule.plugin),
      level: rule.level,
      ...problem,
      path,
      key: key ?? problem.message,
    }))
    .sort(compareFindings)
    .map(({ key, ...finding }) => ({ ...finding, fingerprint: fingerprintOf(finding, key, seen) }));
}

type Grouped = ReadonlyMap<SubjectName, ReadonlyMap<Place, readonly Subjects[SubjectName][]>>;

/** Facts by subject and place. */
function grouped(facts: readonly Fact[]): Grouped {
  const bySubject = new Map<SubjectName, Map<Place, Subjects[SubjectName][]>>();
  for (const { subject, value } of facts) {
    const places = bySubject.get(subject) ?? new Map<Place, Subjects[SubjectName][]>();
    bySubject.set(subject, places);
    const place = placeOf(value);
    const values = places.get(place);
    if (values === undefined) places.set(place, [value]);
    else values.push(value);
  }
  return bySubject;
}

function valuesFor({ subject, within }: AnyRule, bySubject: Grouped) {
  const places = [...(bySubject.get(subject) ?? [])].filter(([place]) => reaches(within, place));
  return places.length === 1 && places[0] !== undefined
    ? places[0][1]
    : places.flatMap(([, values]) => values);
}

/** Of rule, path and key; the second of the same in one file is another finding. */
function fingerprintOf(
  { rule, path }: { rule: RuleId; path: string },
  key: string,
  seen: Map<string, number>,
) {
  const identity = JSON.stringify([rule, path, key]);
  const ordinal = seen.get(identity) ?? 0;
  seen.set(identity, ordinal + 1);
  return createHash('sha256').update(`${identity}${ordinal}`).digest('hex').slice(0, 32);
}
