import { join, posix } from 'node:path';
import { ownPath } from '../diagnostics.ts';
import type { TestedPrimitive } from '../ports.ts';
import {
  grantedTo,
  keyOf,
  type LeftOut,
  type Reach,
  type SuiteRunner,
  start,
  type TestCode,
} from '../runner.ts';
import type { TestCase } from '../test-case.ts';
import { GO_ENVIRONMENT } from './environment.ts';
import { listPackages, packageFiles, TEST_FIELDS } from './packages.ts';
import { GoTestReader } from './test-events.ts';

const run: SuiteRunner['run'] = async (primitive, suite, ports, { tool: go, code }) => {
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
  const loaded = await files(primitive, suite, ports, { tool: go, code });
  return { cases, reach: reachOf(loaded, primitive, code, cases) };
};

/** The files of tests in the packages that a suite names, with its build tags. */
const files: NonNullable<SuiteRunner['files']> = async ({ path }, suite, ports, { tool: go }) => {
  const args = suite.args.filter((one) => !one.startsWith('-') || /^--?tags=/.test(one));
  const { root } = ports.tree;
  const packages = await listPackages(go, args, ports, { cwd: join(root, path) });
  return new Set(packages.flatMap((one) => packageFiles(one, TEST_FIELDS, ownPath(ports.tree))));
};

export const goTest: SuiteRunner = { run, files };

/** Tests that `go test` ran, of those in the files that it compiled. */
function reachOf(
  files: ReadonlySet<string>,
  { path }: TestedPrimitive,
  code: TestCode,
  cases: readonly TestCase[],
): Reach {
  const ran = new Set(cases.map(({ group, id }) => keyOf(posix.join(path, group), id)));
  const left = [...code].flatMap(([file, tests]): readonly LeftOut[] =>
    files.has(file) ? tests.map(({ key, name, line }) => ({ key, id: name, path: file, line })) : [],
  );
  const isBroken = cases.some(({ outcome }) => ['compile', 'panic', 'timeout'].includes(outcome));
  return { files, ran, left: isBroken ? [] : left.filter(({ key }) => !ran.has(key)) };
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
