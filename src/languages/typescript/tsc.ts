import { join, posix, resolve } from 'node:path';
import { readJson } from '../../core/json.ts';
import { casesOf, crashed, type Diagnostic, list, type OwnPath, ownPath, placed } from '../diagnostics.ts';
import { grantedTo, type SuiteRunner, start } from '../runner.ts';
import type { Files } from '../source-tree.ts';
import { nodeProgram, notInstalled } from './programs.ts';

/** `tsc` over the projects that the suite names, or `tsconfig.json`, and over those that they refer to. */
export const tsc: SuiteRunner['run'] = async (primitive, suite, ports, { tool: node }) => {
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

function unique(all: readonly Diagnostic[]): readonly Diagnostic[] {
  return [...new Map(all.map((one) => [JSON.stringify(one), one])).values()];
}

/** The projects of some `tsconfig.json` files and, behind each, those that it refers to; relative to the primitive. */
async function projectsOf(path: string, named: readonly string[], tree: Files): Promise<readonly string[]> {
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
