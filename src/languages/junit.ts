import { posix, relative, resolve, sep } from 'node:path';
import { Parser } from 'saxen';
import { MARKER } from '../core/marker.ts';
import { type RunnerOutput, type TestCase, tail } from './test-case.ts';

interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  text: string;
}

interface Case {
  readonly attributes: Readonly<Record<string, string>>;
  readonly results: Element[];
}

/**
 * The cases of a JUnit report that pytest, `node:test` or vitest wrote.
 *
 * Counters in the report are not believed: cases are counted. Only where `node:test` counts no test that has passed,
 * what looks like one is a `describe` without cases. Throws where the text is not XML.
 * `folder` is where the runner ran and `root` the repository, both absolute.
 */
export function readJunit(
  xml: string,
  { folder, root }: { folder: string; root: string },
): readonly TestCase[] {
  const nonePassed = /^[ \t]*<!-- pass 0 -->$/m.test(xml);
  return parse(xml).map(({ attributes, results }): TestCase => {
    const { name = '', classname = '', line } = attributes;
    // vitest has the file as the class.
    const isVitest = attributes.file === undefined && SCRIPT.test(classname);
    const file = isVitest ? classname : attributes.file;
    const output = tail(
      results
        .map(({ attributes: { message = '' }, text }) => `${message}\n${text}`)
        .join('\n')
        .trim(),
    );
    const path = file === undefined ? undefined : relative(root, resolve(folder, file)).split(sep).join('/');
    // A file that cannot be loaded is reported as a case of its path; by `node:test` also one without cases.
    const isFile = file !== undefined && resolve(folder, name) === resolve(folder, file);
    const outcome = outcomeOf(results, { name, file, isVitest, isFile }, output);
    return {
      id: isFile && path !== undefined ? posix.basename(path) : name,
      group: classname,
      outcome: outcome === 'passed' && nonePassed ? 'skipped' : outcome,
      output,
      ...(path === undefined || path.startsWith('../') ? {} : { path }),
      // pytest counts from 0.
      ...(line === undefined ? {} : { line: Number(line) + 1 }),
    };
  });
}

/** Outcome of a runner whose report does not explain its exit code. */
export function crash(
  runner: string,
  { exitCode, timedOut, stderr }: RunnerOutput,
  report: string,
): TestCase {
  const why = timedOut ? 'The time limit ended it.' : `It ended with exit code ${exitCode} and ${report}.`;
  return {
    id: runner,
    group: '',
    outcome: timedOut ? 'timeout' : 'panic',
    output: tail(`${why}\n${stderr}`),
  };
}

const SCRIPT = /\.[cm]?[jt]sx?$/;
/** How messages of pytest-timeout and vitest begin. */
const TIMEOUT = /^Failed: Timeout|^(?:Test|Hook) timed out in /;

interface Known {
  readonly name: string;
  readonly file: string | undefined;
  readonly isVitest: boolean;
  /** Whether the case is its file. */
  readonly isFile: boolean;
}

function outcomeOf(results: readonly Element[], known: Known, output: string): TestCase['outcome'] {
  // A case of `node:test` that is still to be done may have failed, too.
  if (results.some(({ name }) => name === 'skipped')) return 'skipped';
  const failed = results.find(({ name }) => name === 'failure' || name === 'error');
  if (failed !== undefined) return failureOf(failed, known, output);
  return known.isFile ? 'collection' : 'passed';
}

function failureOf(failed: Element, { name, file, isVitest }: Known, output: string): TestCase['outcome'] {
  const { type = '', message = '' } = failed.attributes;
  if (/timeout/i.test(type) || TIMEOUT.test(message)) return 'timeout';
  if (failed.name === 'error' && /collection failure/i.test(message)) return 'collection';
  // node:test and vitest report a file that cannot be loaded as a case of its name.
  if (file?.endsWith(name) && (isVitest ? file === name : message === 'test failed')) return 'collection';
  if (type === 'uncaughtException' || type === 'cancelledByParent') return 'panic';
  if (output.includes(MARKER)) return 'scaffold';
  return failed.name === 'error' ? 'panic' : 'assertion';
}

function parse(xml: string): readonly Case[] {
  const cases: Case[] = [];
  const open: Element[] = [];
  new Parser()
    .on('openTag', (name, attributes, decode) => {
      const decoded = Object.entries(attributes() || {}).map(([key, raw]) => [key, decode(raw)] as const);
      const element: Element = { name, attributes: Object.fromEntries(decoded), text: '' };
      if (name === 'testcase') cases.push({ attributes: element.attributes, results: [] });
      else if (open.at(-1)?.name === 'testcase') cases.at(-1)?.results.push(element);
      open.push(element);
    })
    .on('closeTag', () => void open.pop())
    .on('text', (text, decode) => {
      const element = open.at(-1);
      if (element !== undefined) element.text += decode(text);
    })
    .on('cdata', (text) => {
      const element = open.at(-1);
      if (element !== undefined) element.text += text;
    })
    .on('error', (error) => {
      throw error;
    })
    .parse(xml);
  return cases;
}
