import { join, posix, relative, resolve, sep } from 'node:path';
import { readJson, record } from '../imports/json.ts';
import { withoutSecrets } from '../markers.ts';
import type { SuitePorts } from '../ports.ts';
import type { Primitive } from '../subjects.ts';
import type { WorkTree } from '../work-tree.ts';
import { packageManagerOf, venvPython } from './package-manager.ts';
import {
  GO_ENVIRONMENT,
  grantedTo,
  missingModule,
  type Ran,
  type Runner,
  type Suite,
  start,
} from './start.ts';

import { type RunnerOutput, type TestCase, tail } from './suite.ts';

/** Message of a compiler or linter about a place. */
interface Diagnostic {
  /** Relative to the root of the repository; undefined where it is of no file. */
  readonly path?: string;
  readonly line?: number;
  readonly column?: number;
  /** `TS2322`, `F401`, `reportUnusedImport`. */
  readonly code: string;
  /** As the tool has it; the first line is reported. */
  readonly text: string;
}

/** `tsc` over the projects that the suite names, or `tsconfig.json`, and over those that they refer to. */
export const tsc: Runner = async (primitive, suite, ports, { tool: node }) => {
  const { path, files } = primitive;
  const code = files.filter((file) => /\.[cm]?tsx?$/.test(file)).map((file) => `${path}/${file}`);
  if (code.length === 0) return { nothing: 'it has no TypeScript' };
  const compiler = await nodeProgram('typescript', 'tsc', primitive, ports.tree);
  if (compiler === undefined) return notInstalled(primitive, 'typescript');
  const cwd = join(ports.tree.root, path);
  const own = ownPath(ports.tree);
  const seen = new Set<string>();
  const found: Diagnostic[] = [];
  for (const project of await projectsOf(path, suite.args.length > 0 ? suite.args : ['.'], ports.tree)) {
    const args = ['--project', project, '--noEmit', '--incremental', 'false', '--composite', 'false'];
    const output = await start(
      node,
      [join(ports.tree.root, compiler), ...args, '--pretty', 'false', '--listFiles'],
      ports,
      { cwd, env: grantedTo(suite, ports) },
    );
    const diagnostics = readTsc(output.stdout, cwd, own);
    if (output.timedOut || (output.exitCode !== 0 && diagnostics.length === 0)) return crashed('tsc', output);
    found.push(...diagnostics);
    // The names of files have no spaces before them, and no place behind them.
    for (const line of output.stdout.split('\n')) {
      const file = /^(?:\/|[A-Za-z]:).*\.[cm]?tsx?$/.test(line) ? own(line) : undefined;
      if (file !== undefined) seen.add(file);
    }
  }
  return {
    cases: casesOf(
      'tsc',
      code.filter((file) => seen.has(file)),
      unique(found),
    ),
    leftOut: {
      files: code.filter((file) => !seen.has(file)),
      why: `no project of ${suite.args.join(', ') || 'tsconfig.json'} has it`,
    },
  };
};

/** `basedpyright` with the settings of the primitive. */
export const basedpyright: Runner = async (primitive, suite, ports) => {
  const code = pythonFiles(primitive);
  if (code.length === 0) return { nothing: 'it has no Python' };
  const output = await python(['basedpyright', '--outputjson', ...suite.args], primitive, suite, ports);
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
  // Where the settings say that a warning fails, all are reported.
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
export const ruff: Runner = async (primitive, suite, ports) => {
  const code = pythonFiles(primitive);
  if (code.length === 0) return { nothing: 'it has no Python' };
  const args = ['ruff', 'check', '--no-cache', '--no-fix', '--exit-zero', ...suite.args];
  const listed = await python([...args, '--show-files'], primitive, suite, ports);
  if (isNoModule(listed)) return notInstalled(primitive, 'ruff');
  const output = await python([...args, '--output-format=json'], primitive, suite, ports);
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

/** `go vet`, which compiles the packages and their tests. */
export const goVet: Runner = async (primitive, suite, ports, { tool: go }) => {
  const cwd = join(ports.tree.root, primitive.path);
  const own = ownPath(ports.tree);
  // With -trimpath Go would take what vet said in another folder, with its places, from the cache.
  const GOFLAGS = '-mod=readonly -buildvcs=false';
  const options = { cwd, env: { ...grantedTo(suite, ports), ...GO_ENVIRONMENT, GOFLAGS } };
  const packages = await listPackages(go, suite.args, ports, { cwd });
  const vet = await start(go, ['vet', '-json', ...suite.args], ports, options);
  const missing = missingModule(vet.stderr);
  if (missing !== undefined) return { cause: 'dependencies-missing', why: missing };
  const found = [...readVet(vet.stdout, own), ...readCompiler(vet.stderr, cwd, own)];
  if (vet.timedOut || (vet.exitCode !== 0 && found.length === 0)) return crashed('go vet', vet);
  const seen = new Set(packages.flatMap((one) => goFiles(one, own)));
  const isData = (file: string) => /(?:^|\/)(?:testdata|vendor|_[^/]*|\.[^/]*)\//.test(file);
  const code = primitive.files
    .filter((file) => file.endsWith('.go') && !isData(file))
    .map((file) => `${primitive.path}/${file}`);
  return {
    cases: casesOf(
      'go vet',
      code.filter((file) => seen.has(file)),
      found,
    ),
    leftOut: {
      files: code.filter((file) => !seen.has(file)),
      why: `it is not built here by ${['go vet', ...suite.args].join(' ')}`,
    },
  };
};

/** The packages that some arguments of the go tool name, with their files; also those that do not compile. */
export async function listPackages(
  go: string,
  args: readonly string[],
  ports: SuitePorts,
  { cwd }: { readonly cwd: string },
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const env = GO_ENVIRONMENT;
  const { stdout } = await start(go, ['list', '-e', `-json=${GO_FIELDS}`, ...args], ports, { cwd, env });
  return readObjects(stdout);
}

const GO_FIELDS = 'Dir,GoFiles,CgoFiles,TestGoFiles,XTestGoFiles';

function goFiles(entry: Readonly<Record<string, unknown>>, own: OwnPath): readonly string[] {
  const names = ['GoFiles', 'CgoFiles', 'TestGoFiles', 'XTestGoFiles'].flatMap((key) =>
    Array.isArray(entry[key]) ? entry[key] : [],
  );
  return names.flatMap((name) => own(join(String(entry.Dir), String(name))) ?? []);
}

/** The diagnostics of a run as cases that failed, and the files without one as cases that passed. */
function casesOf(
  tool: string,
  files: readonly string[],
  found: readonly Diagnostic[],
  what = 'its settings',
): readonly TestCase[] {
  const broken = new Set(found.map(({ path }) => path));
  const passed = files
    .filter((file) => !broken.has(file))
    .map((file): TestCase => ({ id: file, group: tool, outcome: 'passed', output: '', path: file }));
  const failed = found.map(({ code, text, ...place }): TestCase => {
    const [first = ''] = text.split('\n');
    return {
      id: code,
      group: place.path ?? tool,
      outcome: 'compile',
      message: `${withoutSecrets(first.slice(0, 500)).replace(/[.\s]{1,20}$/, '')} (${code}).`,
      output: tail(text),
      ...place,
    };
  });
  if (passed.length + failed.length > 0) return [...passed, ...failed];
  return [{ id: what, group: tool, outcome: 'passed', output: '' }];
}

function crashed(
  tool: string,
  { exitCode, timedOut, stdout, stderr }: RunnerOutput & { stdout: string },
): Ran {
  if (timedOut) return { cases: [{ id: tool, group: '', outcome: 'timeout', output: stderr }] };
  const [line] = `${stderr}\n${stdout}`.split('\n').filter((text) => text.trim() !== '');
  return {
    cause: 'tool-failed',
    why: `${tool} ended with exit code ${exitCode}: ${line?.trim() ?? 'it printed no message'}`,
  };
}

export function notInstalled({ path, kind, files }: Primitive, name: string): Ran {
  const add = files.includes('uv.lock')
    ? `uv add --dev ${name}`
    : `npm install --save-dev --save-exact ${name}`;
  const isPip = kind?.language === 'python' && !files.includes('uv.lock');
  return {
    cause: 'tool-failed',
    why: `${name} is not among its dependencies`,
    fix: isPip
      ? { kind: 'text', text: `Add ${name} to the lock file that tests are installed from.` }
      : { kind: 'command', text: `cd ${path} && ${add}` },
  };
}

type OwnPath = (absolute: string) => string | undefined;

/** The path of a file relative to the root of the repository; undefined for one outside, or of a package. */
function ownPath({ root }: WorkTree): OwnPath {
  return (absolute) => {
    const path = relative(root, absolute).split(sep).join('/');
    return path === '' || path.startsWith('../') || resolve(root, path) !== resolve(absolute)
      ? undefined
      : path;
  };
}

function placed(path: string | undefined, line: number, column: number) {
  return path === undefined ? {} : { path, line, column };
}

function unique(all: readonly Diagnostic[]): readonly Diagnostic[] {
  return [...new Map(all.map((one) => [JSON.stringify(one), one])).values()];
}

/** The program of an npm package, relative to the root of the repository, from the folder of the primitive upwards. */
export async function nodeProgram(
  name: string,
  program: string,
  { path }: Primitive,
  tree: WorkTree,
): Promise<string | undefined> {
  for (let folder = path; ; folder = posix.dirname(folder)) {
    const place = posix.join(folder, 'node_modules', name);
    const manifest = await tree.read(`${place}/package.json`);
    if (manifest !== undefined) {
      const { bin } = readJson(new TextDecoder().decode(manifest));
      const file = typeof bin === 'string' ? bin : record(bin)[program];
      return typeof file === 'string' ? posix.join(place, file) : undefined;
    }
    if (folder === '.') return undefined;
  }
}

/** The projects of some `tsconfig.json` files and, behind each, those that it refers to; relative to the primitive. */
async function projectsOf(
  path: string,
  named: readonly string[],
  tree: WorkTree,
): Promise<readonly string[]> {
  const all = new Set<string>();
  const solutions = new Set<string>();
  const add = async (project: string) => {
    const file = project.endsWith('.json') ? project : posix.join(project, 'tsconfig.json');
    if (all.has(file) || solutions.has(file)) return;
    const text = new TextDecoder().decode(await tree.read(posix.join(path, file)));
    const config = readJson(text);
    const references = list(config.references).flatMap((one) =>
      typeof one.path === 'string' ? [one.path] : [],
    );
    const isSolution = references.length > 0 && Array.isArray(config.files) && config.files.length === 0;
    (isSolution && config.include === undefined ? solutions : all).add(file);
    for (const one of references) await add(posix.join(posix.dirname(file), one));
  };
  for (const project of named) await add(project);
  return [...all];
}

/** `src/a.ts(1,14): error TS2322: Type …`, and `error TS18003: No inputs …` without a file. */
function readTsc(stdout: string, cwd: string, own: OwnPath): readonly Diagnostic[] {
  return stdout.split('\n').flatMap((line): readonly Diagnostic[] => {
    // The name of a file may have parentheses.
    const end = line.indexOf('): error TS');
    const [, code, text] = /^error (TS\d+): (.*)$/.exec(end < 0 ? line : line.slice(end + 3)) ?? [];
    if (code === undefined || text === undefined) return [];
    const begin = line.lastIndexOf('(', end);
    const [row, column] = line
      .slice(begin + 1, end)
      .split(',')
      .map(Number);
    const file = end < 0 ? undefined : own(resolve(cwd, line.slice(0, begin)));
    return [{ code, text, ...placed(file, row ?? 1, column ?? 1) }];
  });
}

/** `go vet -json`: objects by package, then by analyzer, each of the form that `go doc unitchecker` has. */
function readVet(stdout: string, own: OwnPath): readonly Diagnostic[] {
  return readObjects(stdout).flatMap((packages) =>
    Object.values(packages).flatMap((analyzers) =>
      Object.entries(record(analyzers)).flatMap(([code, entries]) =>
        list(entries).map((entry): Diagnostic => {
          const [, file = '', line, column] = /^(.*):(\d+):(\d+)$/.exec(String(entry.posn)) ?? [];
          return { code, text: String(entry.message), ...placed(own(file), Number(line), Number(column)) };
        }),
      ),
    ),
  );
}

/** Message of the compiler, as `go vet` prints it: `vet: ./a.go:7:28: undefined: b`. */
function readCompiler(stderr: string, cwd: string, own: OwnPath): readonly Diagnostic[] {
  return stderr.split('\n').flatMap((line): readonly Diagnostic[] => {
    const [, file, row, column, text] = /^(?:vet: )?(\S[^:]*\.go):(\d+):(?:(\d+):)? (.*)$/.exec(line) ?? [];
    if (file === undefined || text === undefined) return [];
    return [{ code: 'compile', text, ...placed(own(resolve(cwd, file)), Number(row), Number(column ?? 1)) }];
  });
}

/** JSON objects, one behind the other, each of which begins and ends at the start of a line. */
function readObjects(text: string): readonly Readonly<Record<string, unknown>>[] {
  return text.split(/^(?=\{)/m).map(readJson);
}

function parseList(text: string): readonly Readonly<Record<string, unknown>>[] {
  return list(readJson(`{"all":${text}}`).all);
}

function list(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.map(record) : [];
}

function pythonFiles({ path, files }: Primitive): readonly string[] {
  return files.filter((file) => /\.pyi?$/.test(file)).map((file) => `${path}/${file}`);
}

async function python(args: readonly string[], primitive: Primitive, suite: Suite, ports: SuitePorts) {
  const { root } = ports.tree;
  const program = join(root, venvPython(await packageManagerOf(primitive, ports.tree)));
  const options = { cwd: join(root, primitive.path), env: grantedTo(suite, ports) };
  return start(program, ['-m', ...args], ports, options);
}

function isNoModule({ exitCode, stderr }: RunnerOutput): boolean {
  return exitCode === 1 && /No module named \w+$/m.test(stderr);
}
