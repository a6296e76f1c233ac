import { createHash } from 'node:crypto';
import { compareFindings } from '../../core/finding.ts';
import { optional } from '../../core/object.ts';
import { placeOf, reaches } from './account.ts';
import type { VerifyFinding } from './document.ts';
import type { RuleId } from './family.ts';
import type { AnyRule, Context, Problem, Rule } from './rule.ts';
import type { Fact } from './subjects.ts';

/** Lets every rule judge the facts of its subject. Pure but for what rules read of the tree; sorted as in reports. */
export async function judge(
  rules: readonly AnyRule[],
  facts: readonly Fact[],
  context: Context,
): Promise<readonly VerifyFinding[]> {
  const found: { readonly rule: AnyRule; readonly problem: Problem; readonly path: string }[] = [];
  const bySubject = new Map(
    [...Map.groupBy(facts, ({ subject }) => subject)].map(([subject, own]) => {
      const values = own.map(({ value }) => value);
      return [subject, Map.groupBy(values, placeOf)] as const;
    }),
  );
  for (const rule of rules) {
    const places = [...(bySubject.get(rule.subject) ?? [])].filter(([place]) => reaches(rule.within, place));
    for (const value of places.flatMap(([, values]) => values)) {
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
