import { compareFindings } from '../../core/finding.ts';
import { pathBelow } from '../../repository/discovery.ts';
import { accountOf, type Entry, judgedFiles, unjudged } from './account.ts';
import type { VerifyDocument } from './document.ts';
import { readFacts, subjectsOf, unreadableFacts } from './facts.ts';
import { familyOf } from './family.ts';
import { judge } from './judge.ts';
import { linksOut } from './links.ts';
import type { VerifyPorts, VerifyRequest } from './ports.ts';
import { documentOf } from './report.ts';
import type { Context } from './rule.ts';
import { OWN_REPOSITORY, readScope, type Scope } from './scope.ts';
import type { SuiteRun } from './subjects.ts';
import { writeEvidence } from './suites/evidence.ts';
import { runSuites, type SuiteResults, suiteFacts } from './suites/run.ts';
import { readSuppressions, suppress } from './suppressions.ts';

/** The report, and what it leaves out. */
export interface VerifyResult {
  readonly document: VerifyDocument;
  /** With every case, for JUnit. */
  readonly runs: readonly SuiteRun[];
  /** What became of each file; the report has the totals. */
  readonly account: ReadonlyMap<string, Entry>;
}

/**
 * Checks primitives: reads what rules judge, runs suites, lets the rules judge, and says what was not checked.
 *
 * Throws `selection-…`, `revision-…`, `verify-mode`, `suppressions-…` (exit 2). What keeps a check from running is a
 * finding of the family INT.
 */
export async function verify(request: VerifyRequest, ports: VerifyPorts): Promise<VerifyResult> {
  const started = ports.now();
  const { tree, config, kinds, emit, today } = ports;
  const scope = await readScope(request, ports);
  const suppressions = await readSuppressions(tree, scope.base, ports.rules);
  const rules = ports.rules.filter(({ id }) => scope.families.includes(familyOf(id)));

  emit({ type: 'step', step: 'read', message: 'Reading files' });
  const knownOnly = !runsSuites(scope, request);
  const { facts, unchecked: ungenerated, scanned } = await readFacts(scope, rules, { ...ports, knownOnly });
  const suites = await testsOf(scope, request, ports);

  const context: Context = { ...scope, config, kinds, tree, runs: suites.runs };
  const all = [...facts, ...suiteFacts(suites)];
  const found = await judge(rules, all, context);
  // Only now, because rules read files too.
  const unreadable = await judge(rules, unreadableFacts(scope, tree), context);
  const suppressed = suppress([...found, ...unreadable], suppressions, {
    today,
    isChecked: ({ rule, path }) => scope.covers(rule, path),
  });
  const entries = suppressed.judged.map((value) => ({ subject: 'suppression', value }) as const);
  const findings = [...suppressed.findings, ...(await judge(rules, entries, context))].sort(compareFindings);

  const evidence = await writeEvidence(suites.runs, ports.suites.output);
  const run = { milliseconds: Math.round(ports.now() - started), evidence };
  const links = await linksOut(scope, tree);
  const judged = judgedFiles({ scanned, facts: all }, { rules, placeOf: scope.placeOf, subjectsOf });
  const account = accountOf({
    files: [...new Set([...(await tree.list()), ...scope.repositories])],
    standingOf: scope.standingOf,
    judged,
    leftOut: leftOutFiles(scope, tree, links),
    links: tree.links,
    otherwise: '--only',
  });
  const unchecked = [
    ...links,
    ...unjudged(scope.files, { ...scope, judged, tests: request.tests }),
    ...ungenerated,
    ...suppressed.suppressed
      .filter(({ finding }) => rules.some(({ id, blocks }) => id === finding.rule && blocks === true))
      .map(({ finding: { path, rule } }) => ({ what: path, why: `${rule} is suppressed` })),
  ];
  const results = { findings, suppressed: suppressed.suppressed, unchecked, suites, account, run };
  const document = documentOf(request, scope, results);
  return { document, runs: suites.runs, account };
}

/** Files that were not read, with the reason. */
function leftOutFiles(
  { repositories }: Scope,
  { unreadable }: VerifyPorts['tree'],
  links: VerifyDocument['unchecked'],
): ReadonlyMap<string, string> {
  return new Map([
    ...[...unreadable.keys()].map((path) => [path, 'it cannot be read'] as const),
    ...repositories.map((path) => [path, OWN_REPOSITORY] as const),
    ...links.map(({ what }) => [what, 'a link to code outside'] as const),
  ]);
}

/** Where none run, nothing is started that the repository names. */
function runsSuites({ families }: Scope, { tests }: VerifyRequest): boolean {
  return tests && families.includes('TEST');
}

async function testsOf(
  scope: Scope,
  request: VerifyRequest,
  { suites, config, tree, emit, signal, location }: VerifyPorts,
): Promise<SuiteResults> {
  if (runsSuites(scope, request)) {
    emit({ type: 'step', step: 'test', message: 'Running test suites' });
    return runSuites(scope.selected, request.install, { ...suites, tree, emit, signal });
  }
  const nothing = { runs: [], obstacles: [], lockFaults: [], unreached: [], written: [], unchecked: [] };
  if (config.verify.tests !== 'required') return nothing;
  const path = pathBelow(tree.root, location.path) ?? location.path;
  const message = 'Test suites were not run, and the config requires them.';
  return { ...nothing, obstacles: [{ cause: 'tests-left-out', path, message }] };
}
