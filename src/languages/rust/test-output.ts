import { MARKER } from '../../core/marker.ts';
import type { TestedPrimitive } from '../ports.ts';
import { type TestCase, tail } from '../test-case.ts';

const RESULT =
  /^test result: \S+ (\d+) passed; (\d+) failed; (\d+) ignored; \d+ measured; (\d+) filtered out;/;

/**
 * The cases that libtest printed, and whether what it counts, per target, is what it printed: a process that ended before its
 * tests did has no result.
 */
export function readCargoTest(
  stdout: string,
  primitive: TestedPrimitive,
): { readonly cases: readonly TestCase[]; readonly isWhole: boolean } {
  const [, ...targets] = stdout.split(/^running \d+ tests?$/m);
  const read = targets.map((text) => readTarget(text.split('\n'), primitive));
  return {
    cases: read.flatMap(({ cases }) => cases),
    isWhole: read.every(({ isWhole }) => isWhole),
  };
}

/** The cases of one program, the outputs of those that failed, and its result. */
function readTarget(lines: readonly string[], primitive: TestedPrimitive): ReturnType<typeof readCargoTest> {
  const result = lines.map((line) => RESULT.exec(line)).find((found) => found !== null);
  const [passed = 0, failed = 0, ignored = 0, filtered = 0] = result?.slice(1).map(Number) ?? [];
  const printed = lines.indexOf('failures:');
  const found = lines.slice(0, printed < 0 ? lines.length : printed).flatMap((line) => caseIn(line) ?? []);
  const outputs = outputsIn(printed < 0 ? [] : lines.slice(printed));
  const count = (state: string) => found.filter((one) => one.state.startsWith(state)).length;
  const left: readonly TestCase[] =
    filtered === 0
      ? []
      : [{ id: `${filtered} left out by its arguments`, group: '', outcome: 'skipped', output: '' }];
  return {
    cases: [...found.map((one) => caseOf(one, outputs.get(one.id) ?? [], primitive)), ...left],
    isWhole:
      result !== undefined &&
      count('ok') === passed &&
      count('FAILED') === failed &&
      count('ignored') === ignored,
  };
}

/** What each case printed. */
function outputsIn(lines: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const outputs = new Map<string, string[]>();
  let own: string[] | undefined;
  for (const line of lines) {
    const [, named] = /^---- (.+) stdout ----$/.exec(line) ?? [];
    if (named !== undefined) {
      own = [];
      outputs.set(named, own);
    } else if (line === 'failures:') own = undefined;
    else own?.push(line);
  }
  return outputs;
}

interface Seen {
  readonly id: string;
  readonly state: string;
}

/** `test tests::adds ... ok`; a test may have printed something before it. */
function caseIn(line: string): Seen | undefined {
  const begin = line.startsWith('test ') ? 0 : line.lastIndexOf('test ');
  const end = line.indexOf(' ... ', begin);
  if (begin < 0 || end < 0) return undefined;
  const state = line.slice(end + ' ... '.length);
  const isState = /^(?:ok|FAILED|ignored)(?:$|, )/.test(state);
  return isState ? { id: line.slice(begin + 'test '.length, end), state } : undefined;
}

function caseOf({ id, state }: Seen, printed: readonly string[], primitive: TestedPrimitive): TestCase {
  const output = tail(printed.join('\n').trim());
  const one = { id: id.replace(/ - should panic$/, ''), group: '', output };
  if (state === 'ok') return { ...one, outcome: 'passed', output: '' };
  if (state !== 'FAILED') return { ...one, outcome: 'skipped', output: state };
  const [, file, line, column] = panicIn(output);
  return {
    ...one,
    outcome: output.includes(MARKER) ? 'scaffold' : 'assertion',
    ...placeIn(primitive, file, line, column),
  };
}

/** Where it panicked: `thread 'a' panicked at src/lib.rs:1:2:`, before Rust 1.73 at the end of the message. */
function panicIn(output: string): readonly string[] {
  const ends = output.split('\n').map((line) => line.slice(line.lastIndexOf(' ') + 1));
  return ends.map((end) => /^([^:]+\.rs):(\d+):(\d+):?$/.exec(end)).find((found) => found !== null) ?? [];
}

/** Errors of the compiler as cases. */
export function compileCases(stderr: string, primitive: TestedPrimitive): readonly TestCase[] {
  const errors = stderr.matchAll(/^error(?:\[(E\d+)\])?: (.+)\n *--> (.+):(\d+):(\d+)$/gm);
  return [...errors].map(([output, code = 'rustc', text = '', file, line, column]): TestCase => {
    const message = `${text.slice(0, 500).replace(/[.\s]{1,20}$/, '')} (${code}).`;
    const place = placeIn(primitive, file, line, column);
    return { id: code, group: place.path ?? 'rustc', outcome: 'compile', message, output, ...place };
  });
}

/** The files that cargo made a program of and ran: `src/lib.rs`, `tests/whole.rs`. */
export function targetsOf(stderr: string): ReadonlySet<string> {
  const ran = stderr.split('\n').flatMap((line) => {
    const text = line.trim();
    return text.startsWith('Running ') ? [text.slice('Running '.length, text.lastIndexOf(' ('))] : [];
  });
  return new Set(ran.map((file) => file.replace(/^unittests /, '')));
}

/** cargo names files from the root of their workspace or package. */
function placeIn(
  { path, files }: TestedPrimitive,
  file = '',
  line = '',
  column = '',
): Pick<TestCase, 'path' | 'line' | 'column'> {
  const own = file.startsWith(`${path}/`) ? file.slice(path.length + 1) : file;
  if (!files.includes(own)) return {};
  return { path: `${path}/${own}`, line: Number(line), column: Number(column) };
}
