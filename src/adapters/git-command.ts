import { PrimitiveError } from '../core/errors.ts';
import type { Processes, ProgramOptions, RunResult } from '../core/process.ts';
import { shellWord } from '../core/show-path.ts';
import type { Variables } from '../core/variables.ts';
import { programs } from '../toolchain/programs.ts';
import { type ConfigEntry, parseConfig, programOverrides } from './git-config.ts';

/** Together with {@link programOverrides}: no program that a repository's own configuration names is started. */
const SAFE = [
  '--no-pager',
  '--literal-pathspecs',
  ...['-c', 'core.fsmonitor=false'],
  ...['-c', 'core.hooksPath=/dev/null'],
  // A URL may be a command line: `ext::sh -c …`.
  ...['-c', 'protocol.ext.allow=never'],
];

/** Variables that would lead git to another repository, index or view of the objects (a hook inherits some). */
const DIVERTING = [
  'GIT_DIR',
  'GIT_WORK_TREE',
  'GIT_COMMON_DIR',
  'GIT_INDEX_FILE',
  'GIT_OBJECT_DIRECTORY',
  'GIT_ALTERNATE_OBJECT_DIRECTORIES',
  'GIT_NAMESPACE',
  'GIT_SHALLOW_FILE',
  'GIT_GRAFT_FILE',
  'GIT_ATTR_SOURCE',
  'GIT_REPLACE_REF_BASE',
  'GIT_PREFIX',
  'GIT_GLOB_PATHSPECS',
  'GIT_NOGLOB_PATHSPECS',
  'GIT_ICASE_PATHSPECS',
];

const ENVIRONMENT: Variables = {
  ...Object.fromEntries(DIVERTING.map((name) => [name, undefined])),
  LC_ALL: 'C',
  LANGUAGE: 'C',
  GIT_OPTIONAL_LOCKS: '0',
  GIT_NO_REPLACE_OBJECTS: '1',
  GIT_TERMINAL_PROMPT: '0',
  // Empty, so that core.gitProxy is not looked for.
  GIT_PROXY_COMMAND: '',
};

/**
 * Missing objects are not fetched. Git of before May 2024 does not know the first variable; the second allows no protocol
 * (git(1)). An empty value would allow that of the URL `::address`, for which git starts the alias `remote-`.
 */
const OFFLINE: Variables = { GIT_NO_LAZY_FETCH: '1', GIT_ALLOW_PROTOCOL: '(none)' };

/** A tree of a million files is about 100 MB of listing. */
const MAX_LISTING = 1024 * 1024 * 1024;

/**
 * Git in a folder, for every command.
 * Throws `git-config-unsafe` (exit 2), `git-failed` (exit 3), and what {@link Processes} throws.
 */
export async function openGit(processes: Processes, folder: string, signal?: AbortSignal): Promise<Git> {
  const git = localGit(processes, folder, signal);
  return git.overriding(await git.configuration());
}

/**
 * Git in a folder, for commands that only read its objects, refs, index and configuration: they start no program, and
 * what a partial clone lacks is missing. The configuration is not read for it.
 */
export function localGit(processes: Processes, folder: string, signal?: AbortSignal): Git {
  return new Git(processes, folder, signal, SAFE, { ...ENVIRONMENT, ...OFFLINE });
}

/** Runs git in a folder, protected from the environment and from the repository's configuration. */
export class Git {
  readonly #processes: Processes;
  readonly #folder: string;
  readonly #signal: AbortSignal | undefined;
  readonly #options: readonly string[];
  readonly #environment: Variables;

  /** Made by {@link openGit} and {@link localGit}. */
  constructor(
    processes: Processes,
    folder: string,
    signal: AbortSignal | undefined,
    options: readonly string[],
    environment: Variables,
  ) {
    this.#processes = processes;
    this.#folder = folder;
    this.#signal = signal;
    this.#options = options;
    this.#environment = environment;
  }

  /** The same git in another folder of the repository. */
  in(folder: string): Git {
    return new Git(this.#processes, folder, this.#signal, this.#options, this.#environment);
  }

  /** Git for every command, in the same folder. Throws `git-config-unsafe` (exit 2). */
  overriding(configuration: readonly ConfigEntry[]): Git {
    const options = [...SAFE, ...programOverrides(configuration)];
    return new Git(this.#processes, this.#folder, this.#signal, options, ENVIRONMENT);
  }

  /** The settings of repository, user and system, in git's order. Throws `git-failed` (exit 3). */
  async configuration(): Promise<readonly ConfigEntry[]> {
    return parseConfig(text(await this.expect(['config', '--list', '--show-scope', '--null'])));
  }

  run(args: readonly string[], options: Pick<ProgramOptions, 'input' | 'stdout'> = {}): Promise<RunResult> {
    return this.#processes.run('git', [...this.#options, ...args], {
      cwd: this.#folder,
      env: this.#environment,
      maxStdout: MAX_LISTING,
      ...(this.#signal === undefined ? {} : { signal: this.#signal }),
      ...options,
    });
  }

  /** As `run`; throws `git-failed` (exit 3) for any exit code but 0. */
  async expect(args: readonly string[], options: { input?: string } = {}): Promise<RunResult> {
    const result = await this.run(args, options);
    if (result.exitCode !== 0) throw failed(args, result);
    return result;
  }
}

/** The commit of a revision, undefined if there is none; an id that starts with a dash is none. */
export async function findCommit(git: Git, revision: string): Promise<string | undefined> {
  const named = ['--end-of-options', `${revision}^{commit}`];
  const found = await git.run(['rev-parse', '--verify', '--quiet', ...named]);
  return found.exitCode === 0 ? text(found).trim() : undefined;
}

/** `git-object-corrupt` (exit 3): an object that git would not have written so. */
export function corrupt(message: string): PrimitiveError {
  return new PrimitiveError('git-object-corrupt', message, {
    why: 'the object store of this clone is damaged or was modified',
    suggestions: ['git fsck', 'Clone the repository again.'],
    exit: 3,
  });
}

/** `git-failed` (exit 3): git ended with an unexpected exit code. */
export function failed(args: readonly string[], result: RunResult): PrimitiveError {
  return new PrimitiveError('git-failed', `git ${args[0]} failed with exit code ${result.exitCode}`, {
    why: gitWords(result),
    suggestions: [`Run \`git --version\`: ${programs.git.minimum} or newer is needed.`],
    exit: 3,
  });
}

/** Why git opened no work tree in a folder: `git-not-a-repository`, `git-bare-repository`, `git-unsafe-folder`. */
export function notOpened(folder: string, result: RunResult): PrimitiveError {
  if (/dubious ownership/.test(result.stderr)) {
    return new PrimitiveError('git-unsafe-folder', `Git refuses to read ${folder}`, {
      why: 'the folder belongs to another user, as in a container with a mounted checkout',
      suggestions: [`git config --global --add safe.directory ${shellWord(folder)}`],
    });
  }
  if (/not a git repository/.test(result.stderr)) {
    return new PrimitiveError('git-not-a-repository', `${folder} is not in a git repository`, {
      why: 'file names, file contents and the commit come from git',
      suggestions: ['git init && git add . && git commit'],
    });
  }
  if (/must be run in a work tree/.test(result.stderr)) return bareRepository(folder);
  return failed(['rev-parse'], result);
}

/** `git-bare-repository` (exit 2). */
export function bareRepository(folder: string): PrimitiveError {
  return new PrimitiveError('git-bare-repository', `${folder} has no work tree`, {
    why: 'it is a bare repository or the inside of a .git folder',
    suggestions: ['git worktree add ../work HEAD && cd ../work'],
  });
}

/** The last lines that git wrote, without credentials in addresses. */
export function gitWords(result: RunResult): string {
  const lines = result.stderr.trim().split('\n').slice(-5).join('; ');
  return lines === '' ? 'git printed no message' : lines.replace(/:\/\/[^@/\s]*@/g, '://');
}

export function text(result: RunResult): string {
  return decode(result.stdout);
}

/** UTF-8 bytes as text, without a copy. */
export function decode(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}
