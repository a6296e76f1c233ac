import { compareFindings } from '../../core/finding.ts';
import { isFailure } from '../../languages/test-case.ts';
import { type Entry, totalsOf } from './account.ts';
import type { VerifyDocument, VerifyFinding } from './document.ts';
import { type Family, familyOf } from './family.ts';
import type { VerifyRequest } from './ports.ts';
import type { Scope } from './scope.ts';
import type { SuiteResults } from './suites/run.ts';

interface Results
  extends Pick<
    VerifyDocument,
    'findings' | 'suppressed' | 'baselined' | 'unchecked' | 'compared' | 'plugins' | 'policy' | 'run'
  > {
  readonly suites: SuiteResults;
  readonly account: ReadonlyMap<string, Entry>;
}

/** The report: everything but `run` depends on the work tree and the request alone. */
export function documentOf(
  request: VerifyRequest,
  { selected, families, knownFamilies, unread }: Scope,
  {
    findings,
    suppressed,
    baselined,
    unchecked: more,
    compared,
    suites,
    account,
    run,
    plugins,
    policy,
  }: Results,
): VerifyDocument {
  const count = (level: VerifyFinding['level']) =>
    findings.filter((finding) => finding.level === level).length;
  const unchecked = [...leftOutOf(request, families, knownFamilies), ...unread, ...more, ...suites.unchecked];
  return {
    schema: 'primitive.verify/v1',
    verdict: verdictOf(findings, unchecked),
    scope: {
      mode: request.mode,
      changedSince: request.changedSince ?? null,
      families,
      tests: request.tests,
      primitives: selected.map(({ id }) => id),
    },
    plugins,
    policy,
    unchecked,
    compared,
    account: totalsOf(account),
    summary: {
      errors: count('error'),
      warnings: count('warning'),
      infos: count('info'),
      suppressed: suppressed.length,
      baselined: baselined.length,
    },
    findings,
    suites: suites.runs.map(({ primitive, suite, required, cases }) => ({
      primitive: primitive.id,
      suite,
      required,
      passed: cases.filter(({ outcome }) => outcome === 'passed').length,
      failed: cases.filter(({ outcome }) => isFailure(outcome)).length,
      skipped: cases.filter(({ outcome }) => outcome === 'skipped').length,
    })),
    suppressed,
    baselined: [...baselined].sort(compareFindings),
    run,
  };
}

/** Families that the request leaves out. */
function leftOutOf(
  { tests, staged = false, families: asked }: VerifyRequest,
  families: readonly Family[],
  known: readonly Family[],
): VerifyDocument['unchecked'] {
  const left = known.filter((family) => !families.includes(family));
  const isAsked = (family: Family) => asked.length === 0 || asked.includes(family);
  return [
    ...left.map((family) => ({ what: family, why: staged && isAsked(family) ? '--staged' : '--only' })),
    ...(tests || left.includes('TEST') ? [] : [{ what: 'TEST', why: staged ? '--staged' : '--no-tests' }]),
  ];
}

function verdictOf(
  findings: readonly VerifyFinding[],
  unchecked: VerifyDocument['unchecked'],
): VerifyDocument['verdict'] {
  const errors = findings.filter(({ level }) => level === 'error');
  if (errors.some(({ rule }) => familyOf(rule) === 'INT')) return 'incomplete';
  if (errors.length > 0) return 'failed';
  return unchecked.length > 0 ? 'partial' : 'passed';
}
