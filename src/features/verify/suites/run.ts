import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import pLimit from 'p-limit';
import type { Kind } from '../../../kinds/kind.ts';
import type { SuitePorts } from '../ports.ts';
import type { Fact, Fix, Obstacle, Primitive, SuiteRun, WrittenFile } from '../subjects.ts';
import { dependencyFault, installsOf, usesUv } from './dependencies.ts';
import { runners } from './runners.ts';
import type { Ran, Suite } from './start.ts';
import { isFailure } from './suite.ts';

/** What came of the suites of some primitives. */
export interface SuiteResults {
  readonly runs: readonly SuiteRun[];
  readonly obstacles: readonly Obstacle[];
  /** What suites wrote to the work tree. */
  readonly written: readonly WrittenFile[];
  /** Suites that are not required and lack their service. */
  readonly unchecked: readonly { readonly what: string; readonly why: string }[];
}

/** The variable that says where a service is that a suite needs. */
const SERVICES = { postgres: 'TEST_POSTGRES_URL', browser: 'TEST_CHROMIUM' } as const;

/** Runs the suites of primitives, some at a time; with `install` what their lock files name is installed before. */
export async function runSuites(
  primitives: readonly Primitive[],
  { install }: { readonly install: boolean },
  ports: SuitePorts,
): Promise<SuiteResults> {
  const runs: SuiteRun[] = [];
  const obstacles: Obstacle[] = [];
  const unchecked: { what: string; why: string }[] = [];
  // What is installed is ignored by git; a lock file that an install changes counts as written.
  const before = primitives.length === 0 ? undefined : await ports.tree.stamps();
  const limit = pLimit(Math.max(1, Math.min(4, availableParallelism() - 1)));
  await limit.map(primitives, async (primitive) => {
    const { kind } = primitive;
    // What is wrong with such a folder is said by SHAPE.
    if (kind === undefined) return;
    const { suites = [] } = kind;
    if (suites.length === 0) unchecked.push({ what: `${primitive.id} TEST`, why: 'its kind has no suite' });
    const due = suites.filter((suite) => {
      const missing = (suite.needs ?? []).filter((need) => !ports.variables[SERVICES[need]]);
      if (missing.length === 0) return true;
      const why = missing.map((need) => `needs ${need}: set ${SERVICES[need]}`).join(', ');
      if (suite.required !== true) unchecked.push({ what: `${primitive.id} ${suite.id}`, why });
      else obstacles.push(obstacle(primitive, 'service-missing', `Suite ${suite.id} ${why}.`));
      return false;
    });
    if (due.length === 0) return;
    const tool = await prepare(primitive, kind, { ...ports, install });
    if (typeof tool !== 'string') {
      obstacles.push(tool);
      return;
    }
    for (const suite of due) {
      const result = await runSuite(primitive, suite, ports, tool);
      unchecked.push(...result.unchecked);
      if (result.run !== undefined) runs.push(result.run);
      if (result.obstacle !== undefined) obstacles.push(result.obstacle);
    }
  });
  const written = before === undefined ? [] : compareStamps(before, await ports.tree.stamps());
  const byId = (a: SuiteRun, b: SuiteRun) => (`${a.path} ${a.suite}` < `${b.path} ${b.suite}` ? -1 : 1);
  return {
    runs: runs.sort(byId),
    obstacles,
    written,
    unchecked: unchecked.sort((a, b) => (a.what < b.what ? -1 : 1)),
  };
}

/** The facts that rules judge. */
export function suiteFacts({ runs, obstacles, written }: SuiteResults): readonly Fact[] {
  return [
    ...runs.map((value) => ({ subject: 'suite', value }) as const),
    ...written.map((value) => ({ subject: 'writtenFile', value }) as const),
    ...obstacles.map((value) => ({ subject: 'obstacle', value }) as const),
  ];
}

function obstacle(primitive: Primitive, cause: Obstacle['cause'], message: string, fix?: Fix): Obstacle {
  return { cause, path: primitive.path, message, ...(fix === undefined ? {} : { fix }) };
}

/** A kind of another language has no suites. */
const TOOLS = { go: 'go', python: 'python', ts: 'node', other: 'node' } as const;

/** The file of the toolchain, with all dependencies there; else what keeps the suites from running. */
async function prepare(
  primitive: Primitive,
  { language }: Kind,
  { install, ...ports }: SuitePorts & { readonly install: boolean },
): Promise<string | Obstacle> {
  const tool = await ports.program(language === 'python' && usesUv(primitive.files) ? 'uv' : TOOLS[language]);
  if (!tool.ok) {
    const { code, message, suggestions } = tool.problem;
    const [command] = suggestions;
    const cause = code === 'tool-not-found' ? 'tool-missing' : 'tool-failed';
    return obstacle(
      primitive,
      cause,
      `${message}.`,
      command === undefined ? undefined : { kind: 'command', text: command },
    );
  }
  const installs = installsOf(primitive);
  if (install) {
    const failed = await runInstalls(
      primitive,
      installs.map(({ command }) => command),
      ports,
    );
    if (failed !== undefined) return failed;
  }
  const fault = await dependencyFault(primitive, ports);
  return fault === undefined ? tool.program.path : missingDependencies(primitive, `${fault}.`);
}

function missingDependencies(primitive: Primitive, message: string): Obstacle {
  const lines = installsOf(primitive).map(({ command }) => command.join(' '));
  const text = `cd ${primitive.path} && ${lines.join(' && ')}`;
  return obstacle(primitive, 'dependencies-missing', message, { kind: 'command', text });
}

async function runInstalls(
  primitive: Primitive,
  commands: readonly (readonly [string, ...string[]])[],
  { tree, processes, emit, signal }: SuitePorts,
): Promise<Obstacle | undefined> {
  const cwd = join(tree.root, primitive.path);
  for (const [program, ...args] of commands) {
    const item = `${primitive.id} install`;
    emit({ type: 'item', item, status: 'active', state: 'installing', detail: [program, ...args].join(' ') });
    const { exitCode, stderr } = await processes.run(
      program.includes('/') ? join(cwd, program) : program,
      args,
      {
        cwd,
        signal,
        onLine: (line) => emit({ type: 'log', item, line }),
      },
    );
    emit({ type: 'item', item, status: exitCode === 0 ? 'done' : 'failed', state: 'installed' });
    if (exitCode === 0) continue;
    const why = stderr.trim().split('\n').at(-1) || 'it printed no message';
    return obstacle(
      primitive,
      'tool-failed',
      `${[program, ...args].join(' ')} ended with exit code ${exitCode}: ${why}`,
    );
  }
  return undefined;
}

async function runSuite(
  primitive: Primitive,
  suite: Suite,
  ports: SuitePorts,
  tool: string,
): Promise<{
  readonly run?: SuiteRun;
  readonly obstacle?: Obstacle;
  readonly unchecked: SuiteResults['unchecked'];
}> {
  const item = `${primitive.id} ${suite.id}`;
  ports.emit({ type: 'item', item, status: 'active', state: 'running' });
  const ran: Ran = await runners[suite.runner](primitive, suite, ports, tool);
  if ('nothing' in ran) {
    ports.emit({ type: 'item', item, status: 'done', state: 'not run', detail: ran.nothing });
    return { unchecked: [{ what: item, why: ran.nothing }] };
  }
  if ('cause' in ran) {
    ports.emit({ type: 'item', item, status: 'failed', state: 'not run', detail: ran.why });
    const message = `${primitive.path} cannot be tested: ${ran.why}.`;
    const isLacking = ran.cause === 'dependencies-missing';
    return {
      obstacle: isLacking
        ? missingDependencies(primitive, message)
        : obstacle(primitive, ran.cause, message, ran.fix),
      unchecked: [],
    };
  }
  // Runners colour what they print where CI is set.
  const cases = ran.cases
    .map((testCase) => ({ ...testCase, output: stripVTControlCharacters(testCase.output) }))
    .sort((a, b) => compare(a.group, b.group) || compare(a.id, b.id));
  const failed = cases.filter(({ outcome }) => isFailure(outcome));
  for (const { id, output } of failed) {
    for (const line of [`--- ${id}`, ...output.split('\n')]) ports.emit({ type: 'log', item, line });
  }
  const passed = cases.filter(({ outcome }) => outcome === 'passed').length;
  const status = failed.length === 0 ? 'done' : 'failed';
  ports.emit({
    type: 'item',
    item,
    status,
    state: 'ran',
    detail: `${passed} passed, ${failed.length} failed`,
  });
  const { files = [], why = '' } = ran.leftOut ?? {};
  return {
    run: { path: primitive.path, primitive, suite: suite.id, required: suite.required === true, cases },
    unchecked: files.map((what) => ({ what, why: `${item}: ${why}` })),
  };
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function compareStamps(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): readonly WrittenFile[] {
  const paths = [...new Set([...before.keys(), ...after.keys()])].sort();
  return paths.flatMap((path): readonly WrittenFile[] => {
    if (before.get(path) === after.get(path)) return [];
    if (!after.has(path)) return [{ path, change: 'removed' }];
    return [{ path, change: before.has(path) ? 'changed' : 'created' }];
  });
}
