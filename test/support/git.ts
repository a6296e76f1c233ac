import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** Nothing of this machine's configuration, and the same ids for the same content wherever it runs. */
export const gitEnvironment: NodeJS.ProcessEnv = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_'))),
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_SYSTEM: '/dev/null',
  GIT_AUTHOR_NAME: 'A U Thor',
  GIT_AUTHOR_EMAIL: 'author@example.com',
  GIT_AUTHOR_DATE: '2026-01-02T03:04:05+0000',
  GIT_COMMITTER_NAME: 'C O Mitter',
  GIT_COMMITTER_EMAIL: 'committer@example.com',
  GIT_COMMITTER_DATE: '2026-01-02T03:04:05+0000',
  GIT_TERMINAL_PROMPT: '0',
  // Clones of clones by path: what a test does with its own folders.
  GIT_CONFIG_COUNT: '1',
  GIT_CONFIG_KEY_0: 'protocol.file.allow',
  GIT_CONFIG_VALUE_0: 'always',
};

/** A folder under the system's temporary one, gone at the end of the test. */
export async function temporaryFolder(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await realpath(await mkdtemp(join(tmpdir(), 'primitive-test-')));
  return {
    path,
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 3 }),
  };
}

/** Text, bytes, or `{ link }` for a symbolic link. */
export type FileContent = string | Uint8Array | { readonly link: string };

/** A real repository. Use with `await using`. */
export interface TestRepository extends AsyncDisposable {
  /** The work tree, absolute. */
  readonly root: string;
  /** Runs git there and returns what it wrote, without the last line feed. */
  git(...args: string[]): string;
  /** As `git`, with bytes for its stdin. */
  gitWithInput(input: string | Uint8Array, ...args: string[]): string;
  /** Writes files (relative paths) without committing them. */
  write(files: Readonly<Record<string, FileContent>>): Promise<void>;
  read(path: string): Promise<string>;
  /** Writes files, adds everything and commits; the commit id. */
  commit(files: Readonly<Record<string, FileContent>>, message?: string): Promise<string>;
}

/** A new repository on branch `main`, with `files` in its first commit where any are given. */
export async function gitRepo(
  files: Readonly<Record<string, FileContent>> = {},
  options: { readonly objectFormat?: 'sha1' | 'sha256' } = {},
): Promise<TestRepository> {
  const folder = await temporaryFolder();
  const repo = openTestRepository(join(folder.path, 'repo'), () => folder[Symbol.asyncDispose]());
  await mkdir(repo.root);
  repo.git('init', '--quiet', '--initial-branch=main', `--object-format=${options.objectFormat ?? 'sha1'}`);
  if (Object.keys(files).length > 0) await repo.commit(files);
  return repo;
}

/** A clone in a folder of its own: `clone(repo.root, '--depth=1')`; the origin is named as `file://`. */
export async function clone(origin: string, ...options: string[]): Promise<TestRepository> {
  const folder = await temporaryFolder();
  const root = join(folder.path, 'clone');
  run(folder.path, undefined, ['clone', '--quiet', ...options, `file://${origin}`, root]);
  return openTestRepository(root, () => folder[Symbol.asyncDispose]());
}

/** A repository that is there already, such as a linked worktree. */
export function openTestRepository(
  root: string,
  dispose: () => PromiseLike<void> = async () => {},
): TestRepository {
  const write = async (files: Readonly<Record<string, FileContent>>) => {
    for (const [path, content] of Object.entries(files)) {
      const absolute = join(root, path);
      await mkdir(dirname(absolute), { recursive: true });
      if (typeof content === 'object' && 'link' in content) await symlink(content.link, absolute);
      else await writeFile(absolute, content);
    }
  };
  const git = (...args: string[]) => run(root, undefined, args);
  return {
    root,
    git,
    gitWithInput: (input, ...args) => run(root, input, args),
    write,
    read: (path) => readFile(join(root, path), 'utf8'),
    commit: async (files, message = 'A change') => {
      await write(files);
      git('add', '--all');
      git('commit', '--quiet', '--allow-empty', '--no-verify', `--message=${message}`);
      return git('rev-parse', 'HEAD');
    },
    [Symbol.asyncDispose]: dispose,
  };
}

function run(cwd: string, input: string | Uint8Array | undefined, args: readonly string[]): string {
  return execFileSync('git', [...args], {
    cwd,
    env: gitEnvironment,
    ...(input === undefined ? {} : { input }),
    stdio: ['pipe', 'pipe', 'pipe'],
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
  }).replace(/\n$/, '');
}
