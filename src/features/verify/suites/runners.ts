import { mkdir, readFile, stat } from 'node:fs/promises';
import { join, posix, resolve } from 'node:path';
import type { SuitePorts } from '../ports.ts';
import type { Primitive } from '../subjects.ts';
import { basedpyright, goVet, ruff, tsc } from './checkers.ts';
import { GoTestReader } from './go-test.ts';
import { crash, readJunit } from './junit.ts';
import { packageManagerOf, venvPython } from './package-manager.ts';
import { GO_ENVIRONMENT, grantedTo, type Ran, type Runner, type Suite, start } from './start.ts';
import { isFailure, type TestCase } from './suite.ts';

/** How suites are run, by what `kind.yaml` calls their runner. */
export const runners: Readonly<Record<Suite['runner'], Runner>> = {
  'go-test': goTest,
  pytest: junitRunner('pytest', (report, args, { python }) => ({
    program: python,
    args: [
      '-m',
      'pytest',
      '-p',
      'no:cacheprovider',
      '-o',
      'junit_family=xunit1',
      `--junit-xml=${report}`,
      ...args,
    ],
  })),
  'node-test': junitRunner('node --test', (report, args, { node }) => ({
    program: node,
    args: ['--test', '--test-reporter=junit', `--test-reporter-destination=${report}`, ...args],
  })),
  vitest: junitRunner('vitest', (report, args) => ({
    program: 'node_modules/.bin/vitest',
    // The default reporter says on stderr what belongs to no case.
    args: ['run', '--reporter=default', '--reporter=junit', `--outputFile.junit=${report}`, ...args],
  })),
  tsc,
  basedpyright,
  ruff,
  'go-vet': goVet,
};

/** A report of more bytes is not read: a suite that writes so much is broken. */
const MAX_REPORT = 64 * 1024 * 1024;

async function goTest(primitive: Primitive, suite: Suite, ports: SuitePorts, go: string): Promise<Ran> {
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
  return { cases: reader.cases(output, primitive.path, module) };
}

function junitRunner(
  name: string,
  command: (
    report: string,
    args: readonly string[],
    tools: { readonly node: string; readonly python: string },
  ) => { readonly program: string; readonly args: readonly string[] },
): Runner {
  return async (primitive, suite, ports, tool) => {
    const cwd = join(ports.tree.root, primitive.path);
    const folder = join(ports.output, primitive.id, suite.id);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const report = join(folder, 'runner.xml');
    const python = join(ports.tree.root, venvPython(await packageManagerOf(primitive, ports.tree)));
    const { program, args } = command(report, suite.args, { node: tool, python });
    const output = await start(resolve(cwd, program), args, ports, {
      cwd,
      env: { ...grantedTo(suite, ports), PYTHONDONTWRITEBYTECODE: '1' },
      // Only the report counts; what a suite prints is not kept.
      stdout: () => {},
    });
    const { cases, problem } = await readReport(report, { folder: cwd, root: ports.tree.root });
    // An exit code that no case explains, and a failure that the exit code hides, are both a broken run. That a file has
    // no case is a failure for us alone.
    const failed = cases.filter(({ outcome }) => isFailure(outcome));
    const isExplained =
      output.exitCode === 0 ? failed.every(({ outcome }) => outcome === 'collection') : failed.length > 0;
    if (problem === undefined && isExplained) return { cases };
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
