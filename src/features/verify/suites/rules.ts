import { optional } from '../../../core/object.ts';
import type { Failure, TestCase } from '../../../languages/test-case.ts';
import type { RuleId } from '../family.ts';
import type { Problem, Rule } from '../rule.ts';
import type { Fix, SuiteRun } from '../subjects.ts';

/** The rule that reports cases which failed in one way; `text` ends the sentence that begins with the case. */
export function failureRule(
  id: RuleId,
  failure: Failure,
  { title, text, fix }: { readonly title: string; readonly text: string; readonly fix: string },
): Rule<'suite'> {
  const advice: Fix = { kind: 'text', text: fix };
  return {
    id,
    level: 'error',
    title,
    subject: 'suite',
    ...(failure === 'assertion' || failure === 'scaffold' ? {} : { blocks: true }),
    check: (run) =>
      run.cases
        .filter(({ outcome }) => outcome === failure)
        .map((one) => ({ ...placeOf(run, one), message: messageOf(run, one, text), fix: advice })),
  };
}

function messageOf(run: SuiteRun, one: TestCase, text: string): string {
  return one.message === undefined ? `${nameOf(run, one)} ${text}.` : `${run.suite}: ${one.message}`;
}

/** The evidence has the output: two runs of a test need not print the same. */
function placeOf({ path }: SuiteRun, one: TestCase): Pick<Problem, 'path' | 'line' | 'column'> {
  const { line, column } = one;
  return {
    path: one.path ?? path,
    ...optional('line', line),
    ...optional('column', column),
  };
}

/** With the package where the file is not known. */
function nameOf({ suite }: SuiteRun, { id, group, path }: TestCase): string {
  return path !== undefined || group === '' || group === id ? `${suite}: ${id}` : `${suite}: ${group} ${id}`;
}
