import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join, posix, relative, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readJson } from '../imports/json.ts';
import type { SuitePorts } from '../ports.ts';
import type { Primitive } from '../subjects.ts';
import { basedpyright, goVet, nodeProgram, notInstalled, ruff, tsc } from './checkers.ts';
import { GoTestReader } from './go-test.ts';
import { crash, readJunit } from './junit.ts';
import { NODE_REPORTER } from './node-evidence.ts';
import { packageManagerOf, venvPython } from './package-manager.ts';
import { PYTEST_MODULE, PYTEST_PLUGIN } from './pytest-evidence.ts';
import { goReach, goTestFiles, keyOf } from './reach.ts';
import {
  GO_ENVIRONMENT,
  grantedTo,
  type LeftOut,
  type Ran,
  type Reach,
  type Runner,
  type RunnerTools,
  type Suite,
  start,
} from './start.ts';
import { isFailure, type TestCase } from './suite.ts';

/** How suites are run, by what `kind.yaml` calls their runner. */
export const runners: Readonly<Record<Suite['runner'], Runner>> = {
  'go-test': goTest,
  pytest: junitRunner('pytest', async ({ report, evidence, args, python }) => {
    await writeFile(join(dirname(evidence), `${PYTEST_MODULE}.py`), PYTEST_PLUGIN);
    const junit = ['-o', 'junit_family=xunit1', `--junit-xml=${report}`];
    return {
      program: python,
      args: ['-m', 'pytest', '-p', 'no:cacheprovider', '-p', PYTEST_MODULE, ...junit, ...args],
      env: { PRIMITIVE_EVIDENCE: evidence, PYTHONPATH: dirname(evidence), PYTHONDONTWRITEBYTECODE: '1' },
    };
  }),
  'node-test': junitRunner('node --test', async ({ report, evidence, args, node }) => {
    const reporter = join(dirname(evidence), 'reporter.mjs');
    await writeFile(reporter, NODE_REPORTER);
    const reporters = [
      ['junit', report],
      [pathToFileURL(reporter).href, evidence],
    ].flatMap(([name, to]) => [`--test-reporter=${name}`, `--test-reporter-destination=${to}`]);
    return { program: node, args: ['--test', ...reporters, ...args] };
  }),
  vitest: junitRunner('vitest', async ({ report, args, node, primitive, tree }) => {
    const program = await nodeProgram('vitest', 'vitest', primitive, tree);
    if (program === undefined) return undefined;
    // The default reporter says on stderr what belongs to no case. `test.only` would leave out the rest.
    const fixed = ['run', '--allowOnly=false', '--reporter=default', '--reporter=junit'];
    return {
      program: node,
      args: [join(tree.root, program), ...fixed, `--outputFile.junit=${report}`, ...args],
    };
  }),
  tsc,
  basedpyright,
  ruff,
  'go-vet': goVet,
};

/** A report of more bytes is not read: a suite that writes so much is broken. */
const MAX_REPORT = 64 * 1024 * 1024;

async function goTest(
  primitive: Primitive,
  suite: Suite,
  ports: SuitePorts,
  { tool: go, code }: RunnerTools,
): Promise<Ran> {
  const reader = new GoTestReader();
  const lines = new LineSplitter((line) => reader.line(line));
  // Go's own limit comes first: it says which test was running.
  const limit = Math.max(1, Math.floor(ports.limit / 1000) - 5);
  const output = await start(go, ['test', '-json', '-count=1', `-timeout=${limit}s`, ...suite.args], ports, {
    cwd: join(ports.tree.root, primitive.path),
    env: { ...grantedTo(suite, ports), ...GO_ENVIRONMENT },
    stdout: (chunk) => lines.add(chunk),
  });
  lines.end();
  const missing = reader.missingModules(output.stderr);
  if (missing !== '') return { cause: 'dependencies-missing', why: missing.trim() };
  const [tooOld] = /^go: .* requires go >= .*$/m.exec(output.stderr) ?? [];
  if (tooOld !== undefined) return { cause: 'tool-failed', why: tooOld };
  const goMod = await ports.tree.read(posix.join(primitive.path, 'go.mod'));
  const module = /^module\s+(\S+)/m.exec(new TextDecoder().decode(goMod))?.[1] ?? '';
  const cases = reader.cases(output, primitive.path, module);
  const files = await goTestFiles(primitive, suite, ports, go);
  return { cases, reach: goReach(files, primitive, code, cases) };
}

/** Call of a runner that writes JUnit. */
interface Call {
  readonly report: string;
  /** A file for what the report does not say. */
  readonly evidence: string;
  readonly args: readonly string[];
  readonly node: string;
  readonly python: string;
  readonly primitive: Primitive;
  readonly tree: SuitePorts['tree'];
}

function junitRunner(
  name: string,
  command: (call: Call) => Promise<
    | {
        readonly program: string;
        readonly args: readonly string[];
        readonly env?: Readonly<Record<string, string>>;
      }
    | undefined
  >,
): Runner {
  return async (primitive, suite, ports, { tool: node }) => {
    const { tree, output: outputs } = ports;
    const cwd = join(tree.root, primitive.path);
    const folder = join(outputs, primitive.id, suite.id);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const [report, evidence] = [join(folder, 'runner.xml'), join(folder, 'evidence')];
    const python = join(tree.root, venvPython(await packageManagerOf(primitive, tree)));
    const call = await command({ report, evidence, args: suite.args, node, python, primitive, tree });
    if (call === undefined) return notInstalled(primitive, name);
    const output = await start(call.program, call.args, ports, {
      cwd,
      env: { ...grantedTo(suite, ports), ...call.env },
      // Only the report counts; what a suite prints is not kept.
      stdout: () => {},
    });
    const { cases: reported, problem } = await readReport(report, { folder: cwd, root: tree.root });
    const known = await readEvidence(evidence, tree.root);
    const cases = withoutEmptySuites(reported, known.emptySuites);
    const reach = reachOfReport(cases, known);
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

function reachOfReport(cases: readonly TestCase[], { files, left, emptySuites }: Evidence): Reach {
  const loaded = [...cases.flatMap(({ path }) => path ?? []), ...emptySuites.map(({ path }) => path)];
  const ran = cases.map(({ id, path = '' }) => keyOf(path, id));
  return { files: new Set([...loaded, ...files]), ran: new Set(ran), left };
}

/** Makes lines of chunks; of a line of more than a megabyte only the end is passed on. */
class LineSplitter {
  readonly #take: (line: string) => void;
  readonly #decoder = new TextDecoder();
  #rest = '';

  constructor(take: (line: string) => void) {
    this.#take = take;
  }

  add(chunk: Uint8Array): void {
    const lines = (this.#rest + this.#decoder.decode(chunk, { stream: true })).split('\n');
    const rest = lines.pop() ?? '';
    this.#rest = rest.length > 1024 * 1024 ? '' : rest;
    for (const line of lines) this.#take(line);
  }

  end(): void {
    if (this.#rest !== '') this.#take(this.#rest);
  }
}
