import { join } from 'node:path';
import { readJson, record } from '../../core/json.ts';
import { casesOf, crashed, type Diagnostic, list, ownPath, placed } from '../diagnostics.ts';
import type { RunnerPorts, TestedPrimitive } from '../ports.ts';
import { grantedTo, type Ran, type RunnerTools, type Suite, type SuiteRunner, start } from '../runner.ts';
import type { RunnerOutput } from '../test-case.ts';
import { venvPython } from './lock.ts';

/** `basedpyright` with the settings of the primitive. */
export const basedpyright: SuiteRunner['run'] = async (primitive, suite, ports, { lock }) => {
  const code = pythonFiles(primitive);
  if (code.length === 0) return { nothing: 'it has no Python' };
  const output = await python(['basedpyright', '--outputjson', ...suite.args], primitive, suite, ports, lock);
  if (isNoModule(output)) return notInstalled(primitive, 'basedpyright');
  const report = readJson(output.stdout);
  const { filesAnalyzed } = record(report.summary);
  if (output.timedOut || typeof filesAnalyzed !== 'number') return crashed('basedpyright', output);
  const own = ownPath(ports.tree);
  const all = list(report.generalDiagnostics).map((entry) => {
    const { line, character } = record(record(entry.range).start);
    return {
      severity: entry.severity,
      code: String(entry.rule ?? 'syntax'),
      text: String(entry.message),
      ...placed(own(String(entry.file)), Number(line) + 1, Number(character) + 1),
    };
  });
  const errors = all.filter(({ severity }) => severity === 'error');
  // If the settings say that a warning fails, all are reported.
  const found = errors.length === 0 && output.exitCode !== 0 ? all : errors;
  if (output.exitCode !== 0 && found.length === 0) return crashed('basedpyright', output);
  const broken = new Set(found.map(({ path }) => path));
  const left = code.length - filesAnalyzed;
  return {
    cases: casesOf(
      'basedpyright',
      left > 0 ? [] : code.filter((file) => !broken.has(file)),
      found,
      `${filesAnalyzed} files`,
    ),
    ...(left > 0 && {
      leftOut: {
        files: [primitive.path],
        why: `the settings of basedpyright leave out ${left} of ${code.length} Python files`,
      },
    }),
  };
};

/** `ruff check` over what the suite names, or the folder of the primitive. */
export const ruff: SuiteRunner['run'] = async (primitive, suite, ports, { lock }) => {
  const code = pythonFiles(primitive);
  if (code.length === 0) return { nothing: 'it has no Python' };
  const args = ['ruff', 'check', '--no-cache', '--no-fix', '--exit-zero', ...suite.args];
  const listed = await python([...args, '--show-files'], primitive, suite, ports, lock);
  if (isNoModule(listed)) return notInstalled(primitive, 'ruff');
  const output = await python([...args, '--output-format=json'], primitive, suite, ports, lock);
  const failed = [listed, output].find(({ exitCode }) => exitCode !== 0);
  if (failed !== undefined) return crashed('ruff', failed);
  const own = ownPath(ports.tree);
  const seen = new Set(listed.stdout.split('\n').map(own));
  const found = parseList(output.stdout).map((entry): Diagnostic => {
    const { row, column } = record(entry.location);
    return {
      code: String(entry.code ?? entry.name ?? 'syntax'),
      text: String(entry.message),
      ...placed(own(String(entry.filename)), Number(row), Number(column)),
    };
  });
  return {
    cases: casesOf(
      'ruff',
      code.filter((file) => seen.has(file)),
      found,
    ),
    leftOut: { files: code.filter((file) => !seen.has(file)), why: 'the settings of ruff leave it out' },
  };
};

function parseList(text: string): readonly Readonly<Record<string, unknown>>[] {
  return list(readJson(`{"all":${text}}`).all);
}

function pythonFiles({ path, files }: TestedPrimitive): readonly string[] {
  return files.filter((file) => /\.pyi?$/.test(file)).map((file) => `${path}/${file}`);
}

async function python(
  args: readonly string[],
  primitive: TestedPrimitive,
  suite: Suite,
  ports: RunnerPorts,
  lock: RunnerTools['lock'],
) {
  const { root } = ports.tree;
  const program = join(root, venvPython(lock));
  const options = { cwd: join(root, primitive.path), env: grantedTo(suite, ports) };
  return start(program, ['-m', ...args], ports, options);
}

function isNoModule({ exitCode, stderr }: RunnerOutput): boolean {
  return exitCode === 1 && /No module named \w+$/m.test(stderr);
}

/** A runner that is not in the environment. */
function notInstalled(
  { path, files }: TestedPrimitive,
  name: string,
): Extract<Ran, { readonly cause: unknown }> {
  return {
    cause: 'tool-failed',
    why: `${name} is not among its dependencies`,
    fix: files.includes('uv.lock')
      ? { kind: 'command', text: `cd ${path} && uv add --dev ${name}` }
      : { kind: 'text', text: `Add ${name} to the lock file that tests are installed from.` },
  };
}
