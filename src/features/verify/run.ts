import { compareFindings } from '../../core/finding.ts';
import { globMatcher } from '../../core/glob.ts';
import type { HookEvents } from '../../plugins/api.ts';
import { pathBelow } from '../../repository/discovery.ts';
import { accountOf, type Entry, judgedFiles, unjudged } from './account.ts';
import { applyBaseline, baselineText, nextBaseline, readBaseline } from './baseline.ts';
import { changedByImports } from './changed.ts';
import { coveredBy } from './covered.ts';
import type { VerifyDocument, VerifyFinding } from './document.ts';
import { readFacts, subjectsOf, unreadableFacts } from './facts.ts';
import { type Family, familyOf } from './family.ts';
import { readForeign } from './foreign.ts';
import { judge } from './judge.ts';
import { linksOut } from './links.ts';
import { policyChanges } from './policy.ts';
import type { VerifyPorts, VerifyRequest } from './ports.ts';
import { findProtoBase } from './proto-base.ts';
import { documentOf } from './report.ts';
import type { Context } from './rule.ts';
import { OWN_REPOSITORY, readScope, type Scope } from './scope.ts';
import type { JudgedSuppression, StaleEntry, SuiteRun } from './subjects.ts';
import { writeEvidence } from './suites/evidence.ts';
import { runSuites, type SuiteResults, suiteFacts } from './suites/run.ts';
import { isPattern, readSuppressions, suppress } from './suppressions.ts';
import type { Suppression } from './suppressions-document.ts';

/** The report, and what it leaves out. */
export interface VerifyResult {
  readonly document: VerifyDocument;
  /** With every case, for JUnit. */
  readonly runs: readonly SuiteRun[];
  /** Entry of each file; the report has the totals. */
  readonly account: ReadonlyMap<string, Entry>;
  /** Families whose rules could not judge all, with what kept them from it. */
  readonly blocked: ReadonlyMap<Family, string>;
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
  const scope = await readScope(request, ports, (unchanged, change) =>
    changedByImports(unchanged, change, ports),
  );
  const suppressions = await readSuppressions(ports.policy?.files ?? tree, scope.base, ports);
  // A baseline that was asked for, and suppressions of what is checked, are judged whatever else is.
  const rules = ports.rules.filter(
    ({ id, subject }) =>
      scope.families.includes(familyOf(id)) || subject === 'baselineEntry' || subject === 'suppression',
  );

  emit({ type: 'step', step: 'read', message: 'Reading files' });
  const knownOnly = !runsSuites(scope, request);
  const findBase = () => findProtoBase(request.changedSince, ports);
  const read = await readFacts(scope, rules, { ...ports, findBase, knownOnly });
  const { facts, unchecked: ungenerated, compared, scanned } = read;
  const suites = await testsOf(scope, request, ports);

  const context: Context = { ...scope, config, kinds, tree, runs: suites.runs };
  const foreign = await readForeign(scope, ports);
  const all = [...facts, ...suiteFacts(suites), ...foreign.facts];
  const found = await judge(rules, all, context);
  // Only now, because rules read files too.
  const unreadable = await judge(rules, unreadableFacts(scope, tree), context);
  const covers = coveredBy(scope, all, suites);
  const suppressed = suppress([...found, ...unreadable], suppressions, {
    today,
    isChecked: await coversPattern({ ...scope, covers }, tree),
  });
  const entries = suppressed.judged
    .filter((one) => judgesSuppression(one, scope))
    .map((value) => ({ subject: 'suppression', value }) as const);
  const baselined = await baselineOf(suppressed.findings, request, { ...ports, covers });
  const stale = baselined.stale.map((value) => ({ subject: 'baselineEntry', value }) as const);
  const judgedToo = await judge(rules, [...entries, ...stale], context);
  const findings = [...baselined.findings, ...judgedToo].sort(compareFindings);

  const evidence = await writeEvidence(suites.runs, ports.suites.output);
  const run = { milliseconds: Math.round(ports.now() - started), evidence };
  const links = await linksOut(scope, tree);
  const judged = judgedFiles({ scanned, facts: all }, { rules, placeOf: scope.placeOf, subjectsOf });
  for (const [path, families] of foreign.judged)
    judged.set(path, new Set([...(judged.get(path) ?? []), ...families]));
  const account = accountOf({
    files: [...new Set([...(await tree.list()), ...scope.repositories])],
    standingOf: scope.standingOf,
    judged,
    leftOut: leftOutFiles(scope, tree, links),
    links: tree.links,
    otherwise: '--only',
  });
  const isBlocking = ({ rule }: VerifyFinding) =>
    rules.some(({ id, blocks }) => id === rule && blocks === true);
  const unchecked = [
    ...foreign.unchecked,
    ...links,
    ...unjudged(scope.files, { ...scope, judged, tests: request.tests }),
    ...ungenerated,
    ...suppressed.suppressed
      .filter(({ finding }) => isBlocking(finding))
      .map(({ finding: { path, rule } }) => ({ what: path, why: `${rule} is suppressed` })),
    ...baselined.known
      .filter(isBlocking)
      .map(({ path, rule }) => ({ what: path, why: `${rule} is in the baseline` })),
  ];
  if (config.verify.runtimeImports === 'partial')
    unchecked.push(
      ...[...findings, ...suppressed.suppressed.map(({ finding }) => finding), ...baselined.known]
        .filter(({ rule }) => rule === RUNTIME_IMPORT)
        .map(({ path, line }) => ({
          what: `the import in ${path}:${line}`,
          why: 'it is only known at run time',
        })),
    );
  const results = {
    findings,
    suppressed: suppressed.suppressed,
    baselined: baselined.known,
    unchecked,
    compared,
    suites,
    account,
    run,
    plugins: foreign.plugins,
    policy: { from: ports.policy?.revision ?? null, changed: [...(await policyChanges(request, ports))] },
  };
  const document = documentOf(request, scope, results);
  const blocked = new Map(
    all.flatMap(({ subject, value }) =>
      subject === 'obstacle' && value.family !== undefined ? [[value.family, value.message] as const] : [],
    ),
  );
  return { document, runs: suites.runs, account, blocked };
}

/** The rule that warns of an import that no check can follow. */
const RUNTIME_IMPORT = 'IMP-006';

/** Takes out what the baseline has, and rewrites the file if asked to. */
async function baselineOf(
  findings: readonly VerifyFinding[],
  { baseline: request }: VerifyRequest,
  { baseline: file, covers }: Pick<VerifyPorts, 'baseline'> & Pick<Scope, 'covers'>,
): Promise<{
  readonly findings: readonly VerifyFinding[];
  readonly known: readonly VerifyFinding[];
  readonly stale: readonly StaleEntry[];
}> {
  if (request === undefined || file === undefined) return { findings, known: [], stale: [] };
  const entries = await readBaseline(file, request);
  const found = applyBaseline(findings, entries, covers);
  if (!request.update) {
    const stale = found.stale.map((entry) => ({ path: entry.path, entry, file: file.shown }));
    return { ...found, stale };
  }
  const next = nextBaseline(entries, found, request);
  await file.write(baselineText(next));
  return { ...applyBaseline(findings, next, covers), stale: [] };
}

/** Data of the hook `verified`. */
export function verifiedEvent({ document }: VerifyResult): HookEvents['verified'] {
  const { verdict, scope, findings } = document;
  return {
    verdict,
    primitives: scope.primitives,
    findings: findings.map(({ fix: _, related: _related, plugin: _plugin, ...finding }) => finding),
  };
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

/** Whether a finding that a suppression is for could have come up; a pattern is for all files that it matches. */
async function coversPattern({ covers, families }: Scope, { list }: VerifyPorts['tree']) {
  const files = await list();
  return ({ rule, path }: Suppression): boolean => {
    if (path === undefined || !isPattern(path) || files.includes(path)) return covers(rule, path);
    const matches = globMatcher(path);
    const meant = files.filter((file) => matches(file));
    return meant.length === 0 ? families.includes(familyOf(rule)) : meant.every((file) => covers(rule, file));
  };
}

/** All are judged with the files that a primitive has to have; otherwise those of families that are checked. */
function judgesSuppression({ suppression }: JudgedSuppression, { families }: Scope): boolean {
  return families.includes('SHAPE') || families.includes(familyOf(suppression.rule));
}

/** If none run, nothing is started that the repository names. */
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
  if (config.verify.tests !== 'required' || request.staged === true) return nothing;
  const path = pathBelow(tree.root, location.path) ?? location.path;
  const message = 'Test suites were not run, and the config requires them.';
  return { ...nothing, obstacles: [{ cause: 'tests-left-out', path, message }] };
}
