import type { Emit } from '../../core/events.ts';
import { compareFindings } from '../../core/finding.ts';
import type { Kinds } from '../../kinds/kind.ts';
import type { Config } from '../../workspace/config.ts';
import { type ConfigLocation, pathBelow } from '../../workspace/discovery.ts';
import type { Selection } from '../../workspace/selection.ts';
import type { VerifyDocument } from './document.ts';
import { readFacts } from './facts.ts';
import type { Regenerate } from './generated.ts';
import { judge } from './judge.ts';
import { documentOf } from './report.ts';
import { type AnyRule, type Context, type Family, familyOf } from './rule.ts';
import type { ScanStore } from './scan.ts';
import { readScope, type Scope } from './scope.ts';
import { writeEvidence } from './suites/evidence.ts';
import { runSuites, type SuitePorts, type SuiteResults, suiteFacts } from './suites/run.ts';
import type { SuiteRun } from './suites/suite.ts';
import { readSuppressions, suppress } from './suppressions.ts';
import type { WorkTree } from './work-tree.ts';

/** The report, and what it leaves out. */
export interface VerifyResult {
  readonly document: VerifyDocument;
  /** With every case, for JUnit. */
  readonly runs: readonly SuiteRun[];
}

/** What is to be checked. */
export interface VerifyRequest {
  readonly selection: Selection;
  /** Only primitives with a change since this revision. */
  readonly changedSince: string | undefined;
  readonly mode: 'primitives' | 'repo';
  /** Empty for all. */
  readonly families: readonly Family[];
  readonly tests: boolean;
  /** Install what lock files name before suites run. */
  readonly install: boolean;
}

/** What verify works with. */
export interface VerifyPorts {
  readonly location: ConfigLocation;
  readonly config: Config;
  readonly kinds: Kinds;
  readonly tree: WorkTree;
  readonly scans: ScanStore;
  readonly rules: readonly AnyRule[];
  readonly regenerate: Regenerate;
  readonly suites: Omit<SuitePorts, 'tree' | 'emit' | 'signal'>;
  /** Where paths in the selection start; absolute, links resolved. */
  readonly cwd: string;
  readonly emit: Emit;
  readonly signal: AbortSignal;
  /** The date of this run in UTC: `2026-11-22`. */
  readonly today: string;
  /** Milliseconds, monotonic. */
  readonly now: () => number;
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
  const facts = await readFacts(scope, rules, ports);
  const suites = await testsOf(scope, request, ports);

  const context: Context = { ...scope, config, kinds, tree, runs: suites.runs };
  const found = await judge(rules, [...facts, ...suiteFacts(suites)], context);
  const suppressed = suppress(found, suppressions, {
    today,
    isChecked: ({ rule, path }) => scope.covers(rule, path),
  });
  const judged = suppressed.judged.map((value) => ({ subject: 'suppression', value }) as const);
  const findings = [...suppressed.findings, ...(await judge(rules, judged, context))].sort(compareFindings);

  const evidence = await writeEvidence(suites.runs, ports.suites.output);
  const run = { milliseconds: Math.round(ports.now() - started), evidence };
  const document = documentOf(request, scope, { findings, suppressed: suppressed.suppressed, suites, run });
  return { document, runs: suites.runs };
}

async function testsOf(
  { selected, families }: Scope,
  { tests, install }: VerifyRequest,
  { suites, config, tree, emit, signal, location }: VerifyPorts,
): Promise<SuiteResults> {
  if (tests && families.includes('TEST')) {
    emit({ type: 'step', step: 'test', message: 'Running test suites' });
    return runSuites(selected, { install }, { ...suites, tree, emit, signal });
  }
  const nothing = { runs: [], obstacles: [], written: [], unchecked: [] };
  if (config.verify.tests !== 'required') return nothing;
  const path = pathBelow(tree.root, location.path) ?? location.path;
  const message = 'Test suites were not run, and the config requires them.';
  return { ...nothing, obstacles: [{ cause: 'tests-left-out', families: ['TEST'], path, message }] };
}
