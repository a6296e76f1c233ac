import { isUtf8 } from 'node:buffer';
import { createHash, type Hash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { PrimitiveError } from '../errors.ts';
import type { Processes, RunResult } from '../toolchain/process.ts';
import type { History } from '../workspace/history.ts';
import type {
  BlobReceiver,
  Change,
  EntryMode,
  Head,
  SourceTree,
  TreeEntry,
} from '../workspace/source-tree.ts';

/** A repository at one commit. */
export type GitRepository = SourceTree & History;

/** Nothing that a repository's own configuration names is started, and nothing is written. */
const SAFE = [
  '--no-pager',
  '--literal-pathspecs',
  '-c',
  'core.fsmonitor=false',
  '-c',
  'core.hooksPath=/dev/null',
];

/** Variables that would turn git to another repository, index or view of the objects (a hook inherits some). */
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

const ENVIRONMENT: Readonly<Record<string, string | undefined>> = {
  ...Object.fromEntries(DIVERTING.map((name) => [name, undefined])),
  LC_ALL: 'C',
  LANGUAGE: 'C',
  GIT_OPTIONAL_LOCKS: '0',
  GIT_NO_REPLACE_OBJECTS: '1',
  GIT_TERMINAL_PROMPT: '0',
};

/** A tree of a million files is about 100 MB of listing. */
const MAX_LISTING = 1024 * 1024 * 1024;
/** Beyond it, git compares each file with each path, and looking at everything is faster. */
const MAX_PATHSPECS = 16;

const OBJECT_ID = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/**
 * Opens the repository around a folder at its HEAD.
 *
 * Throws `git-not-a-repository`, `git-bare-repository`, `git-unsafe-folder` or `git-no-commit` (exit 2) with the way
 * out, `git-failed` (exit 3), and what {@link Processes} throws.
 */
export async function openRepository(
  processes: Processes,
  folder: string,
  signal?: AbortSignal,
): Promise<GitRepository> {
  const git = new Git(processes, folder, signal);
  const facts = await git.run([
    'rev-parse',
    '--is-bare-repository',
    '--is-shallow-repository',
    '--show-object-format',
    '--show-toplevel',
    '--symbolic-full-name',
    'HEAD',
  ]);
  const [bare, shallow, objectFormat, toplevel, ref] = text(facts).split('\n');
  // What was asked before the part that failed is answered.
  if (bare === 'true' || /must be run in a work tree/.test(facts.stderr)) throw bareRepository(folder);
  if (!toplevel) throw notOpened(folder, facts);
  if (facts.exitCode !== 0 || !ref) throw noCommit(folder, facts);
  const root = await realpath(toplevel);
  const inRoot = new Git(processes, root, signal);
  const commit = await readCommit(inRoot);
  const head: Head = {
    ...commit,
    ...(ref.startsWith('refs/heads/') ? { branch: ref.slice('refs/heads/'.length) } : {}),
    objectFormat: objectFormat === 'sha256' ? 'sha256' : 'sha1',
    shallow: shallow === 'true',
  };
  let entries: Promise<readonly TreeEntry[]> | undefined;
  return {
    root,
    head,
    entries: () => {
      entries ??= listTree(inRoot, head);
      return entries;
    },
    changes: (paths) => listChanges(inRoot, paths),
    readBlobs: (objects, receiver) => readBlobs(inRoot, head, objects, receiver),
    filters: (paths) => readFilters(inRoot, paths),
    isAncestor: (ancestor, descendant) => isAncestor(inRoot, ancestor, descendant),
    deepen: () => deepen(inRoot),
    remoteUrl: () => remoteUrl(inRoot),
  };
}

/** Runs git in one folder, shielded from the environment and from the repository's configuration. */
class Git {
  readonly #processes: Processes;
  readonly #folder: string;
  readonly #signal: AbortSignal | undefined;

  constructor(processes: Processes, folder: string, signal: AbortSignal | undefined) {
    this.#processes = processes;
    this.#folder = folder;
    this.#signal = signal;
  }

  run(
    args: readonly string[],
    options: { input?: string; stdout?: (chunk: Uint8Array) => void | Promise<void> } = {},
  ): Promise<RunResult> {
    return this.#processes.run('git', [...SAFE, ...args], {
      cwd: this.#folder,
      env: ENVIRONMENT,
      maxStdout: MAX_LISTING,
      ...(this.#signal === undefined ? {} : { signal: this.#signal }),
      ...options,
    });
  }

  /** As `run`, for a program that has no reason to fail. */
  async expect(args: readonly string[], options: { input?: string } = {}): Promise<RunResult> {
    const result = await this.run(args, options);
    if (result.exitCode !== 0) throw failed(args, result);
    return result;
  }
}

/** The commit as it is stored: `rev-parse HEAD^@` would leave out the parents that a shallow clone lacks. */
async function readCommit(git: Git): Promise<{ commit: string; parents: readonly string[] }> {
  const args = ['cat-file', '--batch'];
  const result = await git.expect(args, { input: 'HEAD\n' });
  const [header = '', ...lines] = text(result).split('\n');
  const [commit = '', type] = header.split(' ');
  if (type !== 'commit' || !OBJECT_ID.test(commit)) throw failed(args, result);
  const parents: string[] = [];
  for (const line of lines) {
    if (line.startsWith('parent ')) parents.push(line.slice('parent '.length));
    else if (!line.startsWith('tree ')) break;
  }
  return { commit, parents };
}

async function listTree(git: Git, head: Head): Promise<readonly TreeEntry[]> {
  const { stdout } = await git.expect(['ls-tree', '-r', '-z', '--full-tree', head.commit]);
  const entries = isUtf8(stdout) ? parseTree(decode(stdout), head) : parseOddTree(stdout, head);
  // Git sorts by bytes: the same unless there are names beyond the basic plane.
  return isSorted(entries) ? entries : entries.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function parseTree(listing: string, head: Head): TreeEntry[] {
  const entries: TreeEntry[] = [];
  const idLength = head.objectFormat === 'sha256' ? 64 : 40;
  for (
    let start = 0, end = listing.indexOf('\0');
    end >= 0;
    start = end + 1, end = listing.indexOf('\0', start)
  ) {
    // `MODE SP TYPE SP OBJECT TAB PATH`, TYPE being blob or commit.
    const object = listing.indexOf(' ', start + 7) + 1;
    entries.push({
      path: listing.slice(object + idLength + 1, end),
      mode: listing.slice(start, start + 6) as EntryMode,
      object: listing.slice(object, object + idLength),
    });
  }
  return entries;
}

/** For a tree that has at least one name that is not UTF-8. */
function parseOddTree(listing: Uint8Array, head: Head): TreeEntry[] {
  const entries: TreeEntry[] = [];
  for (let start = 0, end = listing.indexOf(0); end >= 0; start = end + 1, end = listing.indexOf(0, start)) {
    const record = listing.subarray(start, end + 1);
    if (isUtf8(record)) {
      entries.push(...parseTree(decode(record), head));
    } else {
      const shown = Buffer.from(record)
        .toString('latin1')
        .replace(/[\x80-\xff]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16)}`);
      entries.push(...parseTree(shown, head).map((entry) => ({ ...entry, undecodable: true as const })));
    }
  }
  return entries;
}

function isSorted(entries: readonly TreeEntry[]): boolean {
  let before = '';
  for (const { path } of entries) {
    if (path < before) return false;
    before = path;
  }
  return true;
}

async function listChanges(git: Git, paths: readonly string[]): Promise<readonly Change[]> {
  if (paths.length === 0) return [];
  const limited = paths.length <= MAX_PATHSPECS && !paths.includes('') ? ['--', ...paths] : [];
  const { stdout } = await git.expect([
    'status',
    '--porcelain=v1',
    '-z',
    '--untracked-files=all',
    '--no-renames',
    // Whether a submodule is at another commit counts, what lies about in it does not: it is refused as an input.
    '--ignore-submodules=dirty',
    ...limited,
  ]);
  return decode(stdout)
    .split('\0')
    .filter((record) => record !== '')
    .map((record) => ({ path: record.slice(3), state: changeState(record.slice(0, 2)) }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Git-status, "Short Format": the letters of index and work tree. */
function changeState(letters: string): Change['state'] {
  if (letters === '??') return 'untracked';
  if (letters.includes('U') || letters === 'AA' || letters === 'DD') return 'conflicted';
  if (letters.includes('D')) return 'deleted';
  return letters.includes('A') ? 'added' : 'modified';
}

async function readBlobs(
  git: Git,
  head: Head,
  objects: readonly string[],
  receiver: BlobReceiver,
): Promise<void> {
  if (objects.length === 0) return;
  const reader = new BatchReader(head, objects, receiver);
  const args = ['cat-file', '--batch', '--buffer'];
  const result = await git.run(args, {
    input: `${objects.join('\n')}\n`,
    stdout: (chunk) => reader.add(chunk),
  });
  if (result.exitCode !== 0) throw failed(args, result);
  if (!reader.complete) throw failed(args, result);
}

/** Cuts the output of `git cat-file --batch` (`OBJECT SP TYPE SP SIZE LF CONTENTS LF`) into blobs, and checks each one. */
class BatchReader {
  readonly #head: Head;
  readonly #objects: readonly string[];
  readonly #receiver: BlobReceiver;
  #index = 0;
  #header = '';
  /** Bytes of the current blob that are still to come; undefined while a header is read. */
  #left: number | undefined;
  #hash: Hash | undefined;

  constructor(head: Head, objects: readonly string[], receiver: BlobReceiver) {
    this.#head = head;
    this.#objects = objects;
    this.#receiver = receiver;
  }

  get complete(): boolean {
    return this.#index === this.#objects.length && this.#left === undefined;
  }

  async add(chunk: Uint8Array): Promise<void> {
    let rest = chunk;
    while (rest.length > 0) {
      if (this.#left === undefined) {
        const end = rest.indexOf(0x0a);
        this.#header += decode(end < 0 ? rest : rest.subarray(0, end));
        if (end < 0) return;
        rest = rest.subarray(end + 1);
        await this.#start();
      } else if (this.#left > 0) {
        const part = rest.subarray(0, this.#left);
        rest = rest.subarray(part.length);
        this.#left -= part.length;
        this.#hash?.update(part);
        await this.#receiver.data(part);
      } else {
        // The line feed after the contents.
        rest = rest.subarray(1);
        await this.#end();
      }
    }
  }

  async #start(): Promise<void> {
    const [object, type, size] = this.#header.split(' ');
    const wanted = this.#objects[this.#index];
    if (object !== wanted || type !== 'blob' || size === undefined) {
      throw new PrimitiveError('git-object-missing', `Git cannot give the file content ${wanted}.`, {
        why: `git says: ${this.#header}`,
        suggestions: ['git fsck --connectivity-only', 'git fetch --refetch, in a partial clone'],
        exit: 3,
      });
    }
    this.#header = '';
    this.#left = Number(size);
    this.#hash = createHash(this.#head.objectFormat).update(`blob ${size}\0`);
    await this.#receiver.start(this.#index, this.#left);
  }

  async #end(): Promise<void> {
    const wanted = this.#objects[this.#index];
    if (this.#hash?.digest('hex') !== wanted) {
      throw new PrimitiveError(
        'git-object-corrupt',
        `The content of git object ${wanted} is not what its id says.`,
        {
          why: 'the object store of this clone is damaged or was tampered with',
          suggestions: ['git fsck', 'Clone the repository again.'],
          exit: 3,
        },
      );
    }
    this.#index += 1;
    this.#left = undefined;
    await this.#receiver.end();
  }
}

async function readFilters(git: Git, paths: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  if (paths.length === 0) return found;
  const result = await git.expect(['check-attr', '--cached', '-z', '--stdin', 'filter'], {
    input: paths.map((path) => `${path}\0`).join(''),
  });
  const fields = text(result).split('\0');
  for (let i = 0; i + 2 < fields.length; i += 3) {
    const [path = '', , value = ''] = fields.slice(i, i + 3);
    if (value !== 'unspecified' && value !== 'unset') found.set(path, value);
  }
  return found;
}

async function isAncestor(git: Git, ancestor: string, descendant: string): Promise<'yes' | 'no' | 'unknown'> {
  // They may come from a registry: nothing but an id becomes an argument.
  if (!OBJECT_ID.test(ancestor) || !OBJECT_ID.test(descendant)) return 'unknown';
  const { exitCode } = await git.run(['merge-base', '--is-ancestor', ancestor, descendant]);
  if (exitCode === 0) return 'yes';
  // Where the history is cut off, no path found proves nothing.
  return exitCode === 1 && !(await isShallow(git)) ? 'no' : 'unknown';
}

async function isShallow(git: Git): Promise<boolean> {
  return text(await git.expect(['rev-parse', '--is-shallow-repository'])).trim() === 'true';
}

async function deepen(git: Git): Promise<void> {
  if (!(await isShallow(git))) return;
  const remote = (await remotes(git))[0];
  const result =
    remote === undefined
      ? undefined
      : await git.run([
          'fetch',
          '--unshallow',
          '--filter=tree:0',
          '--no-tags',
          '--no-recurse-submodules',
          '--no-write-fetch-head',
          '--no-auto-maintenance',
          '--quiet',
          '--end-of-options',
          remote.name,
        ]);
  if (result?.exitCode === 0) return;
  throw new PrimitiveError(
    'git-deepen-failed',
    'The history that this shallow clone lacks could not be fetched.',
    {
      why: result === undefined ? 'the repository has no remote' : gitWords(result),
      suggestions: [
        'Check the whole history out: actions/checkout with `fetch-depth: 0` (and `filter: tree:0` to keep it small).',
        'Or let the checkout keep its credentials: `persist-credentials: true`.',
      ],
      exit: 3,
      retryable: true,
    },
  );
}

/** Origin first, then by name; as configured, since `git remote get-url` would put in what `insteadOf` hides. */
async function remotes(git: Git): Promise<readonly { name: string; url: string }[]> {
  const result = await git.run(['config', '--null', '--get-regexp', String.raw`^remote\..+\.url$`]);
  const found = text(result)
    .split('\0')
    .filter((record) => record.includes('\n'))
    .map((record) => ({
      name: record.slice('remote.'.length, record.indexOf('\n') - '.url'.length),
      url: record.slice(record.indexOf('\n') + 1),
    }));
  const rank = (name: string) => (name === 'origin' ? '' : name);
  return found.sort((a, b) => (rank(a.name) < rank(b.name) ? -1 : 1));
}

async function remoteUrl(git: Git): Promise<string | undefined> {
  const [first, ...others] = await remotes(git);
  if (first === undefined || (first.name !== 'origin' && others.length > 0)) return undefined;
  return publicUrl(first.url);
}

/** `git@host:a/b.git`, `ssh://git@host:22/a/b`, `https://token@host/a/b.git` -> `https://host/a/b`. */
function publicUrl(remote: string): string | undefined {
  const scp = /^(?:[^@/:]+@)?([A-Za-z0-9][A-Za-z0-9.-]+):(?!\/\/|:)\/?(.+)$/.exec(remote);
  const url = URL.parse(scp === null ? remote : `ssh://${scp[1]}/${scp[2]}`);
  if (url === null || url.hostname === '' || !/^(?:https?|ssh|git):$/.test(url.protocol)) return undefined;
  // A port of ssh says nothing about the web address.
  const host = url.protocol.startsWith('http') ? url.host : url.hostname;
  const scheme = url.protocol === 'http:' ? 'http' : 'https';
  return `${scheme}://${host}${url.pathname.replace(/\/+$/, '').replace(/\.git$/, '')}`;
}

function bareRepository(folder: string): PrimitiveError {
  return new PrimitiveError('git-bare-repository', `${folder} has no work tree.`, {
    why: 'it is a bare repository or the inside of a .git folder',
    suggestions: ['git worktree add ../work HEAD && cd ../work'],
  });
}

function noCommit(folder: string, result: RunResult): PrimitiveError {
  if (!/unknown revision|ambiguous argument|bad revision/.test(result.stderr))
    return failed(['rev-parse'], result);
  return new PrimitiveError('git-no-commit', `The repository of ${folder} has no commit yet.`, {
    why: 'what is published is what was committed',
    suggestions: ['git add . && git commit'],
  });
}

function notOpened(folder: string, result: RunResult): PrimitiveError {
  if (/dubious ownership/.test(result.stderr)) {
    return new PrimitiveError('git-unsafe-folder', `Git refuses to read ${folder}.`, {
      why: 'the folder belongs to another user, as in a container with a mounted checkout',
      suggestions: [`git config --global --add safe.directory '${folder}'`],
    });
  }
  if (/not a git repository/.test(result.stderr)) {
    return new PrimitiveError('git-not-a-repository', `${folder} is in no git repository.`, {
      why: 'what is published is what was committed: names of files, their content and the commit come from git',
      suggestions: ['git init && git add . && git commit'],
    });
  }
  return failed(['rev-parse'], result);
}

function failed(args: readonly string[], result: RunResult): PrimitiveError {
  return new PrimitiveError('git-failed', `git ${args[0]} failed with exit code ${result.exitCode}.`, {
    why: gitWords(result),
    suggestions: ['Run `git --version`: 2.31 or newer is needed.'],
    exit: 3,
  });
}

/** The last lines that git wrote, without credentials in addresses. */
function gitWords(result: RunResult): string {
  const lines = result.stderr.trim().split('\n').slice(-5).join('; ');
  return lines === '' ? 'git said nothing' : lines.replace(/:\/\/[^@/\s]*@/g, '://');
}

function text(result: RunResult): string {
  return decode(result.stdout);
}

function decode(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}
