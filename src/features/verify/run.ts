import { posix } from 'node:path';
import { PrimitiveError } from '../../core/errors.ts';
import type { Emit } from '../../core/events.ts';
import { compareFindings } from '../../core/finding.ts';
import type { Kinds } from '../../kinds/kind.ts';
import type { Config } from '../../workspace/config.ts';
import { type ConfigLocation, pathBelow } from '../../workspace/discovery.ts';
import { type Selection, selectComponents } from '../../workspace/selection.ts';
import { dockerfileOf } from './dockerfile.ts';
import type { VerifyDocument, VerifyFinding } from './document.ts';
import { resolveImports } from './imports/resolve.ts';
import { sourceScan } from './imports/scan.ts';
import { judge } from './judge.ts';
import { deploymentScan } from './manifests.ts';
import { markerScan } from './markers.ts';
import { readPrimitives } from './primitives.ts';
import {
  type AnyRule,
  type AnyScan,
  type Context,
  FAMILIES,
  type Fact,
  type Family,
  familyOf,
  type Primitive,
} from './rule.ts';
import { type ScanStore, scanFiles } from './scan.ts';
import { secretScan } from './secrets/scan.ts';
import { writeEvidence } from './suites/evidence.ts';
import { runSuites, type SuitePorts, type SuiteResults, suiteFacts } from './suites/run.ts';
import { isFailure, type SuiteRun } from './suites/suite.ts';
import { readSuppressions, type Suppressed, type Suppressions, suppress } from './suppressions.ts';
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

/** Scans by file; each makes the subjects of its rules. */
const SCANS: readonly AnyScan[] = [deploymentScan, markerScan, sourceScan, secretScan];

/**
 * Checks primitives: reads what rules judge, lets the rules judge it, and says what was not checked.
 *
 * Throws `selection-…`, `revision-…`, `verify-mode` (exit 2). What keeps a check from running is a finding of the
 * family INT.
 */
export async function verify(request: VerifyRequest, ports: VerifyPorts): Promise<VerifyResult> {
  const started = ports.now();
  const { tree, config, kinds, location, emit } = ports;
  const base = pathBelow(tree.root, location.root) ?? '';
  const primitives = await readPrimitives(tree, { location, config, kinds, base });
  const selected = await select(primitives, request, ports);
  const families =
    request.families.length === 0
      ? FAMILIES
      : FAMILIES.filter((one) => request.families.includes(one) || one === 'INT');
  const rules = ports.rules.filter(({ id }) => families.includes(familyOf(id)));
  const subjects = new Set(rules.map(({ subject }) => subject));

  emit({ type: 'step', step: 'scan', message: 'Reading files' });
  const facts: Fact[] = selected.map((value) => ({ subject: 'primitive', value }));
  const scanned = await scanFiles(
    await filesOf(selected, request, tree),
    SCANS.filter(({ subject }) => subjects.has(subject)),
    { tree, store: ports.scans, ownerOf: ownerIn(primitives) },
  );
  facts.push(...scanned);
  if (subjects.has('import')) facts.push(...(await importsOf(scanned, ports, base, primitives)));
  if (subjects.has('dockerfile')) facts.push(...(await dockerfilesOf(selected, tree)));

  const suites = await testsOf(selected, request, families, ports);
  facts.push(...suiteFacts(suites));

  const context: Context = { config, kinds, tree, primitives, base, runs: suites.runs };
  const { findings, suppressed } = await applySuppressions(
    await judge(rules, facts, context),
    rules,
    context,
    {
      suppressions: await readSuppressions(tree, base, ports.rules),
      today: ports.today,
      isChecked: ({ rule, path }) =>
        families.includes(familyOf(rule)) &&
        (request.tests || familyOf(rule) !== 'TEST') &&
        (selected.length === primitives.length || selected.some((one) => path?.startsWith(`${one.path}/`))),
    },
  );
  const of = (level: string) => findings.filter((finding) => finding.level === level).length;
  const unchecked = [...uncheckedOf(request, families), ...suites.unchecked];
  const evidence = await writeEvidence(suites.runs, ports.suites.output);
  const summary = {
    errors: of('error'),
    warnings: of('warning'),
    infos: of('info'),
    suppressed: suppressed.length,
  };
  const document: VerifyDocument = {
    schema: 'primitive.verify/v1',
    verdict: verdictOf(findings, uncheckedOf(request, families)),
    scope: {
      mode: request.mode,
      changedSince: request.changedSince ?? null,
      families: [...families],
      tests: request.tests,
      primitives: selected.map(({ id }) => id),
    },
    unchecked,
    summary,
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
    run: { milliseconds: Math.round(ports.now() - started), evidence },
  };
  return { document, runs: suites.runs };
}

async function dockerfilesOf(selected: readonly Primitive[], tree: WorkTree): Promise<readonly Fact[]> {
  const read = await Promise.all(selected.map((primitive) => dockerfileOf(primitive, tree)));
  return read.flatMap((value) => (value === undefined ? [] : [{ subject: 'dockerfile' as const, value }]));
}

async function testsOf(
  selected: readonly Primitive[],
  { tests, install }: VerifyRequest,
  families: readonly Family[],
  { suites, tree, emit, signal }: VerifyPorts,
): Promise<SuiteResults> {
  if (!tests || !families.includes('TEST')) return { runs: [], obstacles: [], unchecked: [] };
  emit({ type: 'step', step: 'test', message: 'Running test suites' });
  return runSuites(selected, { install }, { ...suites, tree, emit, signal });
}

async function importsOf(
  facts: readonly Fact[],
  { tree }: VerifyPorts,
  base: string,
  primitives: readonly Primitive[],
): Promise<readonly Fact[]> {
  const sources = facts.flatMap((fact) => (fact.subject === 'source' ? [fact.value] : []));
  const primitivesFolder = posix.join(base, 'primitives');
  const resolved = await resolveImports(sources, tree, { primitivesFolder, ownerOf: ownerIn(primitives) });
  return resolved.map((value) => ({ subject: 'import', value }));
}

/** Takes out what is suppressed, and judges the suppressions themselves. */
async function applySuppressions(
  found: readonly VerifyFinding[],
  rules: readonly AnyRule[],
  context: Context,
  options: { readonly suppressions: Suppressions } & Parameters<typeof suppress>[2],
): Promise<Pick<Suppressed, 'findings' | 'suppressed'>> {
  const { findings, suppressed, judged } = suppress(found, options.suppressions, options);
  const own = await judge(
    rules,
    judged.map((value) => ({ subject: 'suppression', value })),
    context,
  );
  return { findings: [...findings, ...own].sort(compareFindings), suppressed };
}

/** The primitives that are meant, in their order. */
async function select(
  primitives: readonly Primitive[],
  { selection, changedSince, mode }: VerifyRequest,
  { tree, cwd }: VerifyPorts,
): Promise<readonly Primitive[]> {
  const narrowed =
    selection.selectors.length > 0 || selection.kind !== undefined || selection.name !== undefined;
  if (mode === 'repo' && (narrowed || changedSince !== undefined)) {
    throw new PrimitiveError('verify-mode', '--mode repo checks the whole repository.', {
      why: 'A selection or --changed-since narrows what is checked.',
      suggestions: ['primitive verify --mode repo', 'Or without --mode repo: primitive verify domain/orders'],
    });
  }
  const named = primitives.map((primitive) => {
    const [kind = '', name = ''] = primitive.id.split('/');
    return { id: primitive.id, kind, name, path: primitive.path, primitive };
  });
  const chosen = selectComponents(named, selection, { cwd, repositoryRoot: tree.root }).map(
    ({ primitive }) => primitive,
  );
  if (changedSince === undefined) return chosen;
  const changed = await tree.changedSince(changedSince);
  return chosen.filter(({ path }) => changed.some((file) => file.startsWith(`${path}/`)));
}

async function filesOf(selected: readonly Primitive[], { mode }: VerifyRequest, tree: WorkTree) {
  if (mode === 'repo') return tree.list();
  return selected.flatMap(({ path, files }) => files.map((file) => `${path}/${file}`));
}

function ownerIn(primitives: readonly Primitive[]): (path: string) => Primitive | undefined {
  const byPath = new Map(primitives.map((primitive) => [primitive.path, primitive]));
  const depth = (primitives[0]?.path ?? '').split('/').length;
  return (path) => byPath.get(path.split('/').slice(0, depth).join('/'));
}

function uncheckedOf(
  { families, tests }: VerifyRequest,
  checked: readonly Family[],
): VerifyDocument['unchecked'] {
  const left = families.length === 0 ? [] : FAMILIES.filter((family) => !checked.includes(family));
  return [
    ...left.map((family) => ({ what: family, why: '--only' })),
    ...(tests || left.includes('TEST') ? [] : [{ what: 'TEST', why: '--no-tests' }]),
  ];
}

function verdictOf(
  findings: VerifyDocument['findings'],
  unchecked: VerifyDocument['unchecked'],
): VerifyDocument['verdict'] {
  const errors = findings.filter(({ level }) => level === 'error');
  if (errors.some(({ rule }) => familyOf(rule) === 'INT')) return 'incomplete';
  if (errors.length > 0) return 'failed';
  return unchecked.length > 0 ? 'partial' : 'passed';
}
