import { posix } from 'node:path';
import { parseJson } from '../../core/json.ts';
import { MARKER } from '../../core/marker.ts';
import { isFailure, MAX_OUTPUT, type RunnerOutput, type TestCase, tail } from '../test-case.ts';

/** One line of `go test -json` (`go doc test2json`). */
interface GoEvent {
  readonly Action: string;
  readonly Package?: string;
  readonly Test?: string;
  readonly Output?: string;
  readonly ImportPath?: string;
  readonly FailedBuild?: string;
}

interface Seen {
  readonly group: string;
  readonly id: string;
  state: string;
  output: string;
  /** How its subtests ended. */
  readonly subtests: Set<string>;
}

/** Reads `go test -json` line by line: top-level tests are the cases, skipped where all of their subtests are. */
export class GoTestReader {
  readonly #cases = new Map<string, Seen>();
  readonly #builds = new Map<string, string>();
  readonly #packages = new Map<string, { state: string; output: string; failedBuild?: string }>();

  /** Ignores lines that are not JSON: programs that a test started print them. */
  line(text: string): void {
    const event = parse(text);
    if (event === undefined) return;
    if (event.Action.startsWith('build-')) {
      const build = event.ImportPath ?? '';
      this.#builds.set(build, (this.#builds.get(build) ?? '') + (event.Output ?? ''));
    } else if (event.Package !== undefined && event.Test !== undefined)
      this.#test(event.Package, event.Test, event);
    else if (event.Package !== undefined) this.#package(event.Package, event);
  }

  #test(group: string, test: string, { Action, Output = '' }: GoEvent): void {
    const [id = test] = test.split('/');
    const key = `${group} ${id}`;
    const seen = this.#cases.get(key) ?? { group, id, state: '', output: '', subtests: new Set() };
    this.#cases.set(key, seen);
    if (seen.output.length < 8 * MAX_OUTPUT) seen.output += Output;
    if (!['pass', 'fail', 'skip'].includes(Action)) return;
    if (test === id) seen.state = Action;
    else seen.subtests.add(Action);
  }

  #package(name: string, { Action, Output = '', FailedBuild }: GoEvent): void {
    const seen = this.#packages.get(name) ?? { state: '', output: '' };
    this.#packages.set(name, seen);
    if (seen.output.length < 8 * MAX_OUTPUT) seen.output += Output;
    if (['pass', 'fail', 'skip'].includes(Action)) seen.state = Action;
    if (FailedBuild !== undefined) seen.failedBuild = FailedBuild;
  }

  /** Packages that cannot be loaded because modules are not in the cache. */
  missingModules(stderr: string): string {
    const all = [stderr, ...this.#builds.values()].join('\n');
    return all.split('\n').find((line) => /GOPROXY=off|module lookup disabled/.test(line)) ?? '';
  }

  /** `folder` is the module's, relative to the root of the repository; `module` its import path. */
  cases({ timedOut, exitCode, stderr }: RunnerOutput, folder: string, module: string): readonly TestCase[] {
    const packageOf = (name: string) =>
      name === module ? '.' : name.startsWith(`${module}/`) ? name.slice(module.length + 1) : name;
    const place = (group: string, output: string) =>
      placeOf(posix.join(folder, group.slice(module.length + 1)), output);
    const cases: TestCase[] = [...this.#cases.values()].map(({ group, id, state, output, subtests }) => {
      const isSkipped = subtests.size === 1 && subtests.has('skip');
      const outcome = outcomeOf(state === 'pass' && isSkipped ? 'skip' : state, output, timedOut);
      return {
        id,
        group: packageOf(group),
        outcome,
        output: tail(output),
        ...(outcome === 'passed' ? {} : place(group, output)),
      };
    });
    for (const [name, { state, output, failedBuild }] of this.#packages) {
      const group = packageOf(name);
      if (failedBuild !== undefined) {
        const why = this.#builds.get(failedBuild) ?? output;
        cases.push({ id: group, group, outcome: 'compile', output: tail(why), ...placeOf(folder, why) });
      } else if (state === 'fail' && !cases.some((one) => one.group === group && isFailure(one.outcome))) {
        cases.push({ id: group, group, outcome: timedOut ? 'timeout' : 'panic', output: tail(output) });
      } else if (state === '' || endedEarly(state, output, cases, group)) {
        cases.push({ id: group, group, outcome: timedOut ? 'timeout' : 'panic', output: tail(output) });
      }
    }
    if (exitCode !== 0 && !cases.some(({ outcome }) => isFailure(outcome)))
      cases.push({
        id: 'go test',
        group: module,
        outcome: timedOut ? 'timeout' : 'panic',
        output: tail(stderr),
      });
    return cases;
  }
}

/** A `TestMain` that exits with 0 before it runs the cases: the package is ok without the word that ends its tests. */
function endedEarly(state: string, output: string, cases: readonly TestCase[], group: string): boolean {
  const isSilent = /^ok\s/m.test(output) && !/^PASS$/m.test(output);
  return state === 'pass' && isSilent && !cases.some((one) => one.group === group);
}

function parse(text: string): GoEvent | undefined {
  const event = text.startsWith('{') ? parseJson(text) : undefined;
  return isEvent(event) ? event : undefined;
}

/** Programs print JSON of their own. */
function isEvent(data: unknown): data is GoEvent {
  if (typeof data !== 'object' || data === null || !('Action' in data)) return false;
  const fields: Readonly<Record<string, unknown>> = { ...data };
  return ['Action', 'Package', 'Test', 'Output', 'ImportPath', 'FailedBuild'].every(
    (key) => typeof fields[key] === 'string' || (key !== 'Action' && fields[key] === undefined),
  );
}

function outcomeOf(state: string, output: string, timedOut: boolean): TestCase['outcome'] {
  if (state === 'pass') return 'passed';
  if (state === 'skip') return 'skipped';
  if (/^panic: test timed out after /m.test(output)) return 'timeout';
  // Without an end of its own the case was running when the process ended.
  if (state === '') return timedOut ? 'timeout' : 'panic';
  if (/^(?:panic: |fatal error: )/m.test(output)) return 'panic';
  return output.includes(MARKER) ? 'scaffold' : 'assertion';
}

/** `service_test.go:36:` at the start of a line, below a folder. */
function placeOf(folder: string, output: string): Pick<TestCase, 'path' | 'line'> {
  const [, file, line] = /^[ \t]*((?:[\w.-]+\/)*[\w.-]+\.go):(\d+):/m.exec(output) ?? [];
  return file === undefined ? {} : { path: posix.join(folder, file), line: Number(line) };
}
