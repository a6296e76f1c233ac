import { mkdir, readFile, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { readJson } from '../core/json.ts';
import { crash, readJunit } from './junit.ts';
import type { RunnerPorts, TestedPrimitive } from './ports.ts';
import {
  grantedTo,
  keyOf,
  type LeftOut,
  type Ran,
  type Reach,
  type RunnerTools,
  type SuiteRunner,
  start,
  type TestCode,
} from './runner.ts';
import { isFailure, type TestCase } from './test-case.ts';

/** A report of more bytes is not read: a suite that writes so much is broken. */
const MAX_REPORT = 64 * 1024 * 1024;

/** The purpose that a runner is started for. */
export interface JunitCall {
  readonly report: string;
  /** A file for what the report does not say. */
  readonly evidence: string;
  readonly args: readonly string[];
  readonly primitive: TestedPrimitive;
  readonly tree: RunnerPorts['tree'];
  readonly tools: RunnerTools;
}

/** How a runner is started. */
export interface JunitCommand {
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A runner that writes a JUnit report; `command` says how it is started, or what keeps it from that. */
export function junitRunner(
  name: string,
  command: (call: JunitCall) => Promise<JunitCommand | Extract<Ran, { readonly cause: unknown }>>,
): SuiteRunner['run'] {
  return async (primitive, suite, ports, tools) => {
    const { tree, output: outputs } = ports;
    const cwd = join(tree.root, primitive.path);
    const folder = join(outputs, primitive.id, suite.id);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const [report, evidence] = [join(folder, 'runner.xml'), join(folder, 'evidence')];
    const call = await command({ report, evidence, args: suite.args, primitive, tree, tools });
    if ('cause' in call) return call;
    const output = await start(call.program, call.args, ports, {
      cwd,
      env: { ...grantedTo(suite, ports), ...call.env },
      // Only the report counts; what a suite prints is not kept.
      stdout: () => {},
    });
    const { cases: reported, problem } = await readReport(report, { folder: cwd, root: tree.root });
    const known = await readEvidence(evidence, tree.root);
    const cases = withoutEmptySuites(reported, known.emptySuites);
    const reach = reachOfReport(cases, known, tools.code);
    // An exit code that no case explains, and a failure that the exit code hides, are both a broken run. That a file has
    // no case is a failure for us alone.
    const failed = cases.filter(({ outcome }) => isFailure(outcome));
    const isExplained =
      output.exitCode === 0 ? failed.every(({ outcome }) => outcome === 'collection') : failed.length > 0;
    if (problem === undefined && isExplained) return { cases, reach };
    // The files that it would have loaded after that are unknown.
    return { cases: [...cases, crash(name, output, problem ?? 'its report does not say why')] };
  };
}

async function readReport(
  report: string,
  folders: { readonly folder: string; readonly root: string },
): Promise<{ readonly cases: readonly TestCase[]; readonly problem?: string }> {
  const found = await stat(report).catch(() => undefined);
  if (found === undefined) return { cases: [], problem: 'left no report' };
  if (found.size > MAX_REPORT) return { cases: [], problem: `its report has ${found.size} bytes` };
  try {
    return { cases: readJunit(await readFile(report, 'utf8'), folders) };
  } catch {
    return { cases: [], problem: 'its report is not XML' };
  }
}

/** Evidence of a runner besides its report, with paths relative to the root of the repository. */
interface Evidence {
  readonly files: readonly string[];
  readonly left: readonly LeftOut[];
  /** Suites of `node --test` without cases. */
  readonly emptySuites: readonly { readonly path: string; readonly key: string }[];
}

/** Output of our plugin of pytest, or of our reporter of `node --test`; undefined if there is none. */
async function readEvidence(file: string, root: string): Promise<Evidence> {
  const text = await readFile(file, 'utf8').catch(() => '');
  const own = (path: unknown) => relative(root, String(path)).split(sep).join('/');
  const whole = readJson(text);
  const [files, left] = [whole.files, whole.left].map((list) => (Array.isArray(list) ? list : []));
  return {
    files: (files ?? []).map(own),
    left: (left ?? []).filter(Array.isArray).map(([path, id, line]): LeftOut => {
      return { key: keyOf(own(path), String(id)), id: String(id), path: own(path), line: Number(line) };
    }),
    emptySuites: text
      .split('\n')
      .map(readJson)
      .flatMap(({ name, file: path }) =>
        name === undefined ? [] : [{ path: own(path), key: keyOf(own(path), String(name)) }],
      ),
  };
}

/** A suite without cases is no case; one of the same name and file may be one. */
function withoutEmptySuites(cases: readonly TestCase[], empty: Evidence['emptySuites']): readonly TestCase[] {
  const left = empty.map(({ key }) => key);
  return cases.filter(({ id, path = '', outcome }) => {
    const index = outcome === 'passed' || outcome === 'skipped' ? left.indexOf(keyOf(path, id)) : -1;
    if (index >= 0) left.splice(index, 1);
    return index < 0;
  });
}

function reachOfReport(
  cases: readonly TestCase[],
  { files, left, emptySuites }: Evidence,
  code: TestCode,
): Reach {
  const loaded = [...cases.flatMap(({ path }) => path ?? []), ...emptySuites.map(({ path }) => path)];
  const ran = cases.map(({ id, path = '' }) => keyOf(path, id));
  const isBroken = cases.some(({ outcome }) => outcome === 'collection' || outcome === 'panic');
  const met = new Set([...ran, ...left.map(({ key }) => key)].map(withoutParameters));
  const uncollected = (isBroken ? [] : files).flatMap((path) =>
    (code.get(path) ?? [])
      .filter(({ key }) => !met.has(key))
      .map(({ key, name, line }): LeftOut => ({ key, id: name, path, line })),
  );
  return { files: new Set([...loaded, ...files]), ran: new Set(ran), left: [...left, ...uncollected] };
}

/** `tests/test_a.py test_b` of `tests/test_a.py test_b[1]`. */
function withoutParameters(key: string): string {
  return key.endsWith(']') ? key.slice(0, key.indexOf('[')) : key;
}
