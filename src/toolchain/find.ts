import { access, constants, stat } from 'node:fs/promises';
import { dirname, posix, win32 } from 'node:path';
import { errorLine, PrimitiveError } from '../core/errors.ts';
import type { Processes, RunResult } from '../core/process.ts';
import { shellWord } from '../core/show-path.ts';
import { ALLOW_VARIABLE, programFolders, type SkippedFolder } from './folders.ts';
import { installHints, type ProgramName, programs } from './programs.ts';

/** Search path of programs. */
export interface Search {
  readonly path: string | undefined;
  /** Folders that were left out of PATH; an error names them if they have the program. */
  readonly skipped?: readonly SkippedFolder[];
  readonly platform: NodeJS.Platform;
  readonly processes: Processes;
  readonly signal?: AbortSignal;
}

/** A program in a supported version: `processes.run(path, [...args, ...yours])`. */
export interface Program {
  readonly name: ProgramName;
  /** Absolute. */
  readonly path: string;
  /** First arguments of every call: `buildx` if it is a plugin of docker. */
  readonly args: readonly string[];
  readonly version: string;
}

/** A usable program, or the problem: `tool-not-found`, `tool-too-old`, `tool-broken` or `tool-in-repository`, each exit 3. */
export type FindResult =
  | { readonly ok: true; readonly program: Program }
  | { readonly ok: false; readonly problem: PrimitiveError };

/** Problems, from the least to the most specific. */
const PROBLEMS = ['tool-not-found', 'tool-broken', 'tool-too-old', 'tool-in-repository'] as const;

/** Asks each way to call the program for its version and takes the first that is new enough. */
export async function findProgram(name: ProgramName, search: Search): Promise<FindResult> {
  let problem: PrimitiveError | undefined;
  for (const [file, ...args] of programs[name].calls) {
    const path = await locate(file, search);
    if (path === undefined) continue;
    const result = await probe(name, path, args, search);
    if (!(result instanceof PrimitiveError)) return { ok: true, program: result };
    if (problem === undefined || rank(result) > rank(problem)) problem = result;
  }
  return { ok: false, problem: problem ?? (await notFound(name, search)) };
}

/** Like {@link findProgram}, but throws the problem. */
export async function requireProgram(name: ProgramName, search: Search): Promise<Program> {
  const found = await findProgram(name, search);
  if (!found.ok) throw found.problem;
  return found.program;
}

async function probe(
  name: ProgramName,
  path: string,
  args: readonly string[],
  search: Search,
): Promise<Program | PrimitiveError> {
  const { probe, probeEnv = {}, probeBeside, pattern, minimum } = programs[name];
  const call = [path, ...args].join(' ');
  const signal = search.signal === undefined ? {} : { signal: search.signal };
  let run: RunResult;
  try {
    run = await search.processes.run(path, [...args, ...probe], {
      timeout: 30_000,
      env: probeEnv,
      ...(probeBeside === undefined ? {} : { cwd: dirname(path) }),
      ...signal,
    });
  } catch (cause) {
    if (search.signal?.aborted || !(cause instanceof PrimitiveError)) throw cause;
    if (cause.code === 'tool-in-repository') return cause;
    return unusable('tool-broken', name, search, `Cannot run ${call}`, {
      why: errorLine(cause),
    });
  }
  const version = pattern.exec(`${Buffer.from(run.stdout).toString()}\n${run.stderr}`)?.[1];
  if (version === undefined) {
    // A docker without the plugin answers that the command is unknown.
    if (args.length > 0 && run.exitCode !== 0) return notFound(name, search);
    return unusable('tool-broken', name, search, `Cannot read the version of ${call}`, {
      why: `\`${[call, ...probe].join(' ')}\` failed with exit code ${run.exitCode} and printed no version`,
    });
  }
  if (compareVersions(version, minimum) < 0) {
    return unusable('tool-too-old', name, search, `${name} ${version} is too old`, {
      why: `${call} is ${version}; ${minimum} or newer is required to ${programs[name].purpose}`,
    });
  }
  return { name, path, args, version };
}

async function notFound(name: ProgramName, search: Search): Promise<PrimitiveError> {
  const { calls, purpose } = programs[name];
  const names = calls.map((call) => call.join(' ')).join(', ');
  const passedOver = await explainSkipped(
    calls.map(([file]) => file),
    search,
  );
  return new PrimitiveError('tool-not-found', `${name} not found`, {
    why: `it is required to ${purpose}; searched PATH for: ${names}${passedOver.why}`,
    suggestions: [...installHints(name, search.platform), ...passedOver.suggestions],
    exit: 3,
  });
}

/** Names the programs that were passed over, for the reason of an error, and how to use them anyway. */
export async function explainSkipped(
  files: readonly string[],
  { skipped = [], platform }: Pick<Search, 'skipped' | 'platform'>,
): Promise<{ readonly why: string; readonly suggestions: readonly string[] }> {
  const found: SkippedFolder[] = [];
  for (const entry of skipped) {
    const there = await Promise.all(files.map((file) => locate(file, { path: entry.folder, platform })));
    if (there.some((file) => file !== undefined)) found.push(entry);
  }
  return {
    why: found.map(({ folder, why }) => `; ${folder} is skipped, because ${why}`).join(''),
    suggestions: found.map(({ folder }) => allowHint(folder)),
  };
}

/** Advice about a program in a skipped folder. */
export function allowHint(folder: string): string {
  return `Install it elsewhere, or trust all who can write there: ${allowCommand(folder)}`;
}

/** The command that allows a folder. */
export function allowCommand(folder: string): string {
  return `export ${ALLOW_VARIABLE}=${shellWord(folder)}`;
}

function unusable(
  code: (typeof PROBLEMS)[number],
  name: ProgramName,
  search: Search,
  message: string,
  { why }: { why: string },
): PrimitiveError {
  return new PrimitiveError(code, message, {
    why,
    suggestions: installHints(name, search.platform),
    exit: 3,
  });
}

function rank(problem: PrimitiveError): number {
  return (PROBLEMS as readonly string[]).indexOf(problem.code);
}

/** First executable file of that name in the {@link programFolders}. */
export async function locate(
  file: string,
  search: Pick<Search, 'path' | 'platform'>,
): Promise<string | undefined> {
  const isWindows = search.platform === 'win32';
  const names = isWindows ? [`${file}.exe`, `${file}.cmd`] : [file];
  for (const folder of programFolders(search)) {
    for (const name of names) {
      const candidate = isWindows ? win32.join(folder, name) : posix.join(folder, name);
      if (await isExecutable(candidate)) return candidate;
    }
  }
  return undefined;
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

/** Compares dotted numbers: negative if `a` is older; missing parts count as 0. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number)) as [number[], number[]];
  for (let part = 0; part < Math.max(left.length, right.length); part++) {
    const difference = (left[part] ?? 0) - (right[part] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
