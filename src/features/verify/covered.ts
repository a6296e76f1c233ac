import { familyOf } from './family.ts';
import type { Scope } from './scope.ts';
import type { Fact } from './subjects.ts';
import type { SuiteResults } from './suites/run.ts';

/**
 * Whether a finding of a rule in a file would have come up: it was asked for, nothing kept the rules of its family from
 * judging there, and for tests each suite of the primitive ran whole. Only then an entry that covers none is out of date.
 */
export function coveredBy(
  scope: Scope,
  facts: readonly Fact[],
  { unchecked }: SuiteResults,
): Scope['covers'] {
  const blocked = facts.flatMap((fact) => {
    if (fact.subject === 'obstacle') return [{ family: fact.value.family ?? 'TEST', path: fact.value.path }];
    return fact.subject === 'lockFault' ? [{ family: 'TEST', path: fact.value.primitive.path }] : [];
  });
  const partly = scope.selected
    .filter(({ id }) => unchecked.some(({ what }) => what.startsWith(`${id} `)))
    .map(({ path }) => ({ family: 'TEST', path }));
  const all = [...blocked, ...partly];
  return (rule, path) =>
    scope.covers(rule, path) &&
    !all.some(
      (one) => one.family === familyOf(rule) && (path === one.path || path?.startsWith(`${one.path}/`)),
    );
}
