import { availableParallelism } from 'node:os';
import { join, posix } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import pLimit from 'p-limit';
import type { PrimitiveError } from '../../../core/errors.ts';
import { optional } from '../../../core/object.ts';
import { byCodeUnit } from '../../../core/order.ts';
import type { Kind } from '../../../kinds/kind.ts';
import { isChecker, languageOfRunner, suiteToolkitOf, type TestedId } from '../../../languages/all.ts';
import { type Command, type LockFile, lockFileOf, unreadLock } from '../../../languages/package-manager.ts';
import { keyOf, type Ran, type Reach, type TestCode } from '../../../languages/runner.ts';
import { isFailure, type TestCase } from '../../../languages/test-case.ts';
import { withoutSecrets } from '../markers.ts';
import type { Installing, SuitePorts } from '../ports.ts';
import type {
  Fact,
  Fix,
  LockFault,
  Obstacle,
  Primitive,
  SuiteRun,
  TestFile,
  WrittenFile,
} from '../subjects.ts';
import { unreached } from './reach.ts';
import { readTestCode } from './test-code.ts';

/** Results of the suites of some primitives. */
export interface SuiteResults {
  readonly runs: readonly SuiteRun[];
  readonly obstacles: readonly Obstacle[];
  readonly lockFaults: readonly LockFault[];
  /** Tests that no suite of their primitive ran; of a primitive whose suites all ran, or lack a service. */
  readonly unreached: readonly TestFile[];
  /** Files that suites wrote to the work tree. */
  readonly written: readonly WrittenFile[];
  /** Suites that are not required and lack their service. */
  readonly unchecked: readonly { readonly what: string; readonly why: string }[];
}

/** The variable that says where a service is that a suite needs. */
const SERVICES = { postgres: 'TEST_POSTGRES_URL', browser: 'TEST_CHROMIUM' } as const;

type Suite = NonNullable<Kind['suites']>[number];

/** Runs the suites of primitives, some at a time. */
export async function runSuites(
  primitives: readonly Primitive[],
  install: Installing,
  ports: SuitePorts,
): Promise<SuiteResults> {
  const workshop = new Workshop(install, ports);
  // Git ignores installed packages; a lock file that an install changes counts as written.
  const before = primitives.length === 0 ? undefined : await ports.tree.stamps();
  const limit = pLimit(Math.max(1, Math.min(4, availableParallelism() - 1)));
  const all = await limit.map(primitives, async (primitive): Promise<Results> => {
    const { kind } = primitive;
    // SHAPE reports the faults of such a folder.
    return kind === undefined ? {} : testPrimitive(primitive, kind, workshop, ports);
  });
  const written = before === undefined ? [] : compareStamps(before, await ports.tree.stamps());
  const byId = (a: SuiteRun, b: SuiteRun) => (`${a.path} ${a.suite}` < `${b.path} ${b.suite}` ? -1 : 1);
  return {
    runs: all.flatMap(({ runs = [] }) => runs).sort(byId),
    obstacles: all.flatMap(({ obstacles = [] }) => obstacles),
    lockFaults: all.flatMap(({ lockFaults = [] }) => lockFaults),
    unreached: all.flatMap(({ unreached = [] }) => unreached),
    written,
    unchecked: all.flatMap(({ unchecked = [] }) => unchecked).sort((a, b) => (a.what < b.what ? -1 : 1)),
  };
}

type Results = Partial<Omit<SuiteResults, 'written'>>;

/** Runs the suites of one primitive, one after the other. */
async function testPrimitive(
  primitive: Primitive,
  { suites = [] }: Kind,
  workshop: Workshop,
  ports: SuitePorts,
): Promise<Results> {
  const [first] = suites;
  if (first === undefined)
    return { unchecked: [{ what: `${primitive.id} TEST`, why: 'its kind has no suite' }] };
  const isDue = (suite: Suite) => missingServices(suite, ports) === '';
  const due = suites.filter(isDue);
  const waiting = waitingFor(
    primitive,
    suites.filter((suite) => !isDue(suite)),
    ports,
  );
  if (due.length === 0) return waiting;
  const prepared = await workshop.prepare(primitive, languageOfRunner(first.runner));
  if ('fault' in prepared) {
    const why = `${prepared.fault.path} does not match its manifest`;
    const left = due.map(({ id }) => ({ what: `${primitive.id} ${id}`, why }));
    return { ...waiting, lockFaults: [prepared.fault], unchecked: [...waiting.unchecked, ...left] };
  }
  if ('cause' in prepared) return { ...waiting, obstacles: [...waiting.obstacles, prepared] };
  const { tool, lock, toolkit, unchecked: why } = prepared;
  const code = await readTestCode(primitive, ports.tree);
  const results: (Awaited<ReturnType<typeof runSuite>> & { readonly suite: Suite })[] = [];
  for (const suite of due) {
    results.push({ suite, ...(await runSuite(primitive, suite, ports, { tool, lock, toolkit, code })) });
  }
  const reaches: (Pick<Reach, 'files'> & Partial<Reach>)[] = results.flatMap(({ reach }) => reach ?? []);
  for (const suite of suites.filter((one) => !isDue(one))) {
    const files = await toolkit.runners[suite.runner].files?.(primitive, suite, ports, { code, tool });
    if (files !== undefined) reaches.push({ files });
  }
  // If a suite did not run to its end, nobody knows what it would have run.
  const tests = suites.filter(({ runner }) => !isChecker(runner));
  const isWhole =
    tests.length > 0 && results.every(({ reach, suite }) => reach !== undefined || isChecker(suite.runner));
  return {
    runs: results.flatMap(({ run }) => run ?? []),
    obstacles: [...waiting.obstacles, ...results.flatMap(({ obstacle }) => obstacle ?? [])],
    unreached: isWhole ? unreached(primitive, code, reaches) : [],
    unchecked: [
      ...waiting.unchecked,
      ...(why === undefined ? [] : [{ what: lock.path, why }]),
      ...lock.unread.map((what) => ({ what, why: `${primitive.id} is tested with what ${lock.path} names` })),
      ...results.flatMap(({ unchecked }) => unchecked),
    ],
  };
}

/** Suites without their service: required ones are an obstacle, others are left out. */
function waitingFor(primitive: Primitive, suites: readonly Suite[], ports: SuitePorts) {
  const [required, optional] = [true, false].map((is) =>
    suites.filter((one) => (one.required === true) === is),
  );
  return {
    obstacles: (required ?? []).map((suite) =>
      obstacle(primitive, 'service-missing', `Suite ${suite.id} ${missingServices(suite, ports)}.`),
    ),
    unchecked: (optional ?? []).map((suite) => ({
      what: `${primitive.id} ${suite.id}`,
      why: missingServices(suite, ports),
    })),
  };
}

/** `needs postgres: set TEST_POSTGRES_URL`; '' where all are there. */
function missingServices({ needs = [] }: Suite, { variables }: SuitePorts): string {
  return needs
    .filter((need) => !variables[SERVICES[need]])
    .map((need) => `needs ${need}: set ${SERVICES[need]}`)
    .join(', ');
}

/** The facts that rules judge. */
export function suiteFacts({
  runs,
  obstacles,
  lockFaults,
  unreached,
  written,
}: SuiteResults): readonly Fact[] {
  return [
    ...unreached.map((value) => ({ subject: 'testFile', value }) as const),
    ...lockFaults.map((value) => ({ subject: 'lockFault', value }) as const),
    ...runs.map((value) => ({ subject: 'suite', value }) as const),
    ...written.map((value) => ({ subject: 'writtenFile', value }) as const),
    ...obstacles.map((value) => ({ subject: 'obstacle', value }) as const),
  ];
}

function obstacle(primitive: Primitive, cause: Obstacle['cause'], message: string, fix?: Fix): Obstacle {
  return { cause, path: primitive.path, message, ...optional('fix', fix) };
}

/** The toolchain of a primitive, with all dependencies there. */
interface Prepared {
  readonly tool: string;
  readonly lock: LockFile;
  readonly toolkit: Awaited<ReturnType<typeof suiteToolkitOf>>;
  /** Why its lock file was not compared with its manifest. */
  readonly unchecked: string | undefined;
}

/** Finds toolchains and installs dependencies, those of a workspace once. */
class Workshop {
  readonly #install: Installing;
  readonly #ports: SuitePorts;
  readonly #installed = new Map<string, Promise<Obstacle | undefined>>();

  constructor(install: Installing, ports: SuitePorts) {
    this.#install = install;
    this.#ports = ports;
  }

  /** Finds the tools that suites run with, or the obstacle. */
  async prepare(
    primitive: Primitive,
    language: TestedId,
  ): Promise<Prepared | Obstacle | { readonly fault: LockFault }> {
    const ports = this.#ports;
    const toolkit = await suiteToolkitOf(language);
    const lock = await lockFileOf(primitive, toolkit, ports.tree);
    const { program, dependencies } = lock.manager;
    const found = await ports.program(program);
    if (!found.ok) return missingTool(primitive, found.problem);
    const tool = found.program.path;
    if (dependencies === undefined)
      return obstacle(primitive, 'tool-failed', `${primitive.path} cannot be tested: ${unreadLock(lock)}.`);
    const compared = await dependencies.compare(primitive, lock, ports, tool);
    if (compared !== undefined && 'fault' in compared) return { fault: { ...compared.fault, primitive } };
    if (this.#install !== false) {
      const failed = await this.#installOnce(primitive, lock, dependencies.installs(lock, this.#install));
      if (failed !== undefined) return failed;
    }
    const fault = await dependencies.fault(primitive, lock, ports);
    if (fault !== undefined) return missingDependencies(primitive, lock, `${fault}.`);
    return { tool, lock, toolkit, unchecked: compared?.unchecked };
  }

  #installOnce(
    primitive: Primitive,
    { folder }: LockFile,
    commands: readonly Command[],
  ): Promise<Obstacle | undefined> {
    const running = this.#installed.get(folder) ?? runInstalls(primitive, folder, commands, this.#ports);
    this.#installed.set(folder, running);
    return running;
  }
}

function missingTool(primitive: Primitive, { code, message, suggestions }: PrimitiveError): Obstacle {
  const [command] = suggestions;
  const cause = code === 'tool-not-found' ? 'tool-missing' : 'tool-failed';
  const fix: Fix | undefined = command === undefined ? undefined : { kind: 'command', text: command };
  return obstacle(primitive, cause, `${message}.`, fix);
}

function missingDependencies(primitive: Primitive, lock: LockFile, message: string): Obstacle {
  const commands = lock.manager.dependencies?.installs(lock, { scripts: false }) ?? [];
  const lines = commands.map((command) => command.join(' '));
  const there = lock.folder === '.' ? lines : [`cd ${lock.folder}`, ...lines];
  return obstacle(primitive, 'dependencies-missing', message, { kind: 'command', text: there.join(' && ') });
}

async function runInstalls(
  primitive: Primitive,
  folder: string,
  commands: readonly Command[],
  { tree, processes, emit, signal }: SuitePorts,
): Promise<Obstacle | undefined> {
  const cwd = join(tree.root, folder);
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
  { tool, lock, toolkit, code }: Omit<Prepared, 'unchecked'> & { readonly code: TestCode },
): Promise<{
  readonly run?: SuiteRun;
  readonly obstacle?: Obstacle;
  readonly reach?: Reach;
  readonly unchecked: SuiteResults['unchecked'];
}> {
  const item = `${primitive.id} ${suite.id}`;
  ports.emit({ type: 'item', item, status: 'active', state: 'running' });
  const ran: Ran = await toolkit.runners[suite.runner].run(primitive, suite, ports, { tool, code, lock });
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
        ? missingDependencies(primitive, lock, message)
        : obstacle(primitive, ran.cause, message, ran.fix),
      unchecked: [],
    };
  }
  // Runners colour what they print where CI is set.
  const cases = withoutEmpty(ran.cases, primitive, code)
    .map((testCase) => ({
      ...testCase,
      output: stripVTControlCharacters(testCase.output),
      ...optional('message', testCase.message && withoutSecrets(testCase.message)),
    }))
    .sort((a, b) => byCodeUnit(a.group, b.group) || byCodeUnit(a.id, b.id));
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
    ...optional('reach', ran.reach),
    unchecked: [...files.map((what) => ({ what, why: `${item}: ${why}` })), ...skippedOf(item, cases)],
  };
}

/** Cases whose body has no statement, with the reason as their output: they say nothing, so they are skipped. */
function withoutEmpty(cases: readonly TestCase[], { path }: Primitive, code: TestCode): readonly TestCase[] {
  const empty = new Set(
    [...code.values()].flatMap((tests) => tests.filter((one) => one.empty).map(({ key }) => key)),
  );
  return cases.map((one) => {
    const place = one.path ?? posix.join(path, one.group);
    const isEmpty = one.outcome === 'passed' && empty.has(keyOf(place, one.id.split('[', 1)[0] ?? ''));
    return isEmpty ? { ...one, outcome: 'skipped', output: NO_STATEMENT } : one;
  });
}

const NO_STATEMENT = 'Its body has no statement.';

/** Cases that a suite left out, beside those that it ran. */
function skippedOf(item: string, cases: readonly TestCase[]): SuiteResults['unchecked'] {
  const skipped = cases.filter(({ outcome }) => outcome === 'skipped');
  return [...Map.groupBy(skipped, ({ output }) => output === NO_STATEMENT)].map(([isEmpty, all]) => {
    const names = all.map(({ id }) => id);
    const more = names.length > 5 ? [`and ${names.length - 5} more`] : [];
    const why = isEmpty ? 'has no statement' : 'skipped';
    return { what: item, why: `${why}: ${[...names.slice(0, 5), ...more].join(', ')}` };
  });
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
