import { mkdtempSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { gitEnvironment } from '../../git.ts';
import { attempt } from '../run.ts';
import type { DoubleRun, RunScript } from './runs.ts';
import { DoubleSettings } from './settings.ts';

/** A pull request; `head` is a branch whose commit is read from the repository, so that a push moves it. */
export interface DoublePull {
  readonly number: number;
  title: string;
  body: string;
  state: 'open' | 'closed';
  merged: boolean;
  readonly head: { readonly repository: string; readonly branch: string };
  readonly base: string;
  labels: string[];
  readonly author: string;
  /** ISO 8601. */
  readonly created: string;
  closed: string | null;
  /** Lists that do not show it yet. */
  hidden: number;
}

/** A workflow as GitHub has indexed it: its file has to be on the default branch. */
export interface DoubleWorkflow {
  readonly id: number;
  readonly path: string;
  readonly name: string;
  readonly state: 'active' | 'disabled_manually' | 'disabled_inactivity';
}

/** What a workflow file says of `workflow_dispatch`; undefined where it does not have it, or is no YAML. */
export type DispatchTrigger = Readonly<
  Record<string, { type?: string; required?: boolean; default?: unknown; options?: unknown[] }>
>;

const WORKFLOWS = '.github/workflows';

/**
 * A repository: a bare git repository on disk, with pull requests and runs. Files and branches are what git has, so
 * that a `git push` is seen at once.
 */
export class DoubleRepository {
  /** `acme/gitops`. */
  readonly name: string;
  readonly id: number;
  /** The bare repository, absolute. */
  readonly folder: string;
  readonly defaultBranch: string;
  readonly pulls: DoublePull[] = [];
  readonly runs: DoubleRun[] = [];
  /** What a dispatched run does; the default succeeds at once and opens nothing. */
  script: (run: DoubleRun) => RunScript = () => ({});
  /** `false`: Actions are disabled in its settings. */
  actions = true;
  archived = false;
  /** States of workflows other than active, by file name. */
  readonly workflowStates = new Map<string, DoubleWorkflow['state']>();
  readonly settings = new DoubleSettings();
  /** Commits that GitHub has made itself, and so signed. */
  readonly signed = new Set<string>();
  /** The repository that this one is a fork of. */
  readonly parent: string | undefined;

  readonly #files = new Map<string, Promise<string | undefined>>();
  readonly #workflowPaths = new Map<string, Promise<readonly string[]>>();

  private constructor(name: string, id: number, defaultBranch: string, parent?: string) {
    this.name = name;
    this.id = id;
    this.defaultBranch = defaultBranch;
    this.parent = parent;
    this.folder = join(mkdtempSync(join(tmpdir(), 'primitive-github-')), `${name.replace('/', '-')}.git`);
  }

  /** A new repository with `files` in the first commit of its default branch. */
  static async create(
    name: string,
    id: number,
    options: {
      files?: Readonly<Record<string, string>>;
      defaultBranch?: string;
      parent?: DoubleRepository;
    } = {},
  ): Promise<DoubleRepository> {
    const {
      files = { 'README.md': `# ${name}\n` },
      parent,
      defaultBranch = parent?.defaultBranch ?? 'main',
    } = options;
    const made = new DoubleRepository(name, id, defaultBranch, parent?.name);
    if (parent) await git(['clone', '--quiet', '--bare', parent.folder, made.folder]);
    else {
      await git(['init', '--quiet', '--bare', `--initial-branch=${defaultBranch}`, made.folder]);
      await made.commit(defaultBranch, files);
    }
    await made.git('config', 'http.receivepack', 'true');
    await made.git('config', 'uploadpack.allowAnySHA1InWant', 'true');
    return made;
  }

  /** Runs git in the repository and returns its output without the last line feed; undefined where it fails. */
  async tryGit(...args: string[]): Promise<string | undefined> {
    const { code, stdout } = await attempt('git', ['-C', this.folder, ...args], {
      env: gitEnvironment as Record<string, string>,
    });
    return code === 0 ? stdout.replace(/\n$/, '') : undefined;
  }

  async git(...args: string[]): Promise<string> {
    return git(['-C', this.folder, ...args]);
  }

  /** The commit of a branch or tag (short or full name); undefined where it has none. */
  async commitOf(ref: string): Promise<string | undefined> {
    const names = ref.startsWith('refs/') ? [ref] : [`refs/heads/${ref}`, `refs/tags/${ref}`];
    for (const name of names) {
      // Most branches are files; the rest git knows: packed refs, tags that point to a tag.
      const loose = await readFile(join(this.folder, name), 'utf8').catch(() => '');
      if (name.startsWith('refs/heads/') && /^[0-9a-f]{40}\n$/.test(loose)) return loose.trim();
      const found = await this.tryGit('rev-parse', '--verify', '--quiet', `${name}^{commit}`);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** The text of a file; undefined where there is none. `ref`: a branch, a tag or a commit. */
  async file(path: string, ref: string = this.defaultBranch): Promise<string | undefined> {
    const commit = /^[0-9a-f]{40}$/.test(ref) ? ref : ((await this.commitOf(ref)) ?? ref);
    const object = `${commit}:${path}`;
    const known = this.#files.get(object) ?? this.#show(object);
    // What a commit holds never changes.
    this.#files.set(object, known);
    return known;
  }

  async #show(object: string): Promise<string | undefined> {
    const { code, stdout } = await attempt('git', ['-C', this.folder, 'show', object]);
    return code === 0 ? stdout : undefined;
  }

  /** Commits files to a branch, which begins at `from` where it does not exist; `null` removes a file. The commit id. */
  async commit(
    branch: string,
    files: Readonly<Record<string, string | null>>,
    { from = this.defaultBranch, message = `Change ${branch}` }: { from?: string; message?: string } = {},
  ): Promise<string> {
    const parent = (await this.commitOf(branch)) ?? (await this.commitOf(from));
    const index = join(this.folder, `index-${crypto.randomUUID()}`);
    const env = { GIT_INDEX_FILE: index };
    try {
      if (parent) await git(['-C', this.folder, 'read-tree', parent], env);
      for (const [path, text] of Object.entries(files)) {
        if (text === null) {
          // The only removal that needs no work tree: mode 0.
          const line = `0 ${'0'.repeat(40)}\t${path}\n`;
          await git(['-C', this.folder, 'update-index', '--index-info'], env, line);
          continue;
        }
        const blob = await git(['-C', this.folder, 'hash-object', '-w', '--stdin'], env, text);
        await git(['-C', this.folder, 'update-index', '--add', '--cacheinfo', `100644,${blob},${path}`], env);
      }
      const tree = await git(['-C', this.folder, 'write-tree'], env);
      const parents = parent ? ['-p', parent] : [];
      const commit = await git(['-C', this.folder, 'commit-tree', tree, ...parents, '-m', message], env);
      await this.git('update-ref', `refs/heads/${branch}`, commit);
      return commit;
    } finally {
      await rm(index, { force: true });
    }
  }

  /** A tree with files on top of another one; its id. */
  async writeTree(
    base: string,
    files: readonly { readonly path: string; readonly mode?: string; readonly content?: string }[],
  ): Promise<string> {
    const index = join(this.folder, `index-${crypto.randomUUID()}`);
    const env = { GIT_INDEX_FILE: index };
    try {
      await git(['-C', this.folder, 'read-tree', base], env);
      for (const { path, mode = '100644', content } of files) {
        if (content === undefined) {
          await git(['-C', this.folder, 'update-index', '--force-remove', path], env);
          continue;
        }
        const blob = await git(['-C', this.folder, 'hash-object', '-w', '--stdin'], env, content);
        await git(
          ['-C', this.folder, 'update-index', '--add', '--cacheinfo', `${mode},${blob},${path}`],
          env,
        );
      }
      return await git(['-C', this.folder, 'write-tree'], env);
    } finally {
      await rm(index, { force: true });
    }
  }

  /** A commit that no branch has yet; its id. */
  async writeCommit(
    tree: string,
    parents: readonly string[],
    message: string,
    author: string,
  ): Promise<string> {
    const who = { GIT_AUTHOR_NAME: author, GIT_COMMITTER_NAME: 'GitHub' };
    const args = parents.flatMap((parent) => ['-p', parent]);
    return git(['-C', this.folder, 'commit-tree', tree, ...args, '-m', message], who);
  }

  /** The workflows of the default branch, as GitHub indexes them; ids follow from the path. */
  async workflows(): Promise<readonly DoubleWorkflow[]> {
    const commit = (await this.commitOf(this.defaultBranch)) ?? '';
    const listed =
      this.#workflowPaths.get(commit) ??
      this.tryGit('ls-tree', '--name-only', commit, `${WORKFLOWS}/`).then((text = '') =>
        text.split('\n').filter((path) => /\.ya?ml$/.test(path)),
      );
    this.#workflowPaths.set(commit, listed);
    const paths = await listed;
    return Promise.all(
      paths.map(async (path) => {
        const name = field(readYaml((await this.file(path, commit)) ?? ''), 'name');
        const state = this.workflowStates.get(path.slice(WORKFLOWS.length + 1)) ?? 'active';
        return { id: idOf(path), path, name: typeof name === 'string' ? name : path, state };
      }),
    );
  }

  /** A workflow by file name or id. */
  async workflow(key: string): Promise<DoubleWorkflow | undefined> {
    return (await this.workflows()).find(({ id, path }) => `${id}` === key || path === `${WORKFLOWS}/${key}`);
  }

  /** The inputs of a workflow at a commit, and its `run-name`; undefined without `workflow_dispatch`. */
  async trigger(
    path: string,
    commit: string,
  ): Promise<{ inputs: DispatchTrigger; runName?: string } | undefined> {
    const text = await this.file(path, commit);
    const content = text === undefined ? undefined : readYaml(text);
    const on = field(content, 'on');
    const events = typeof on === 'string' ? [on] : Array.isArray(on) ? on : Object.keys((on ?? {}) as object);
    if (!events.includes('workflow_dispatch')) return undefined;
    const inputs = field(field(on, 'workflow_dispatch'), 'inputs');
    const runName = field(content, 'run-name');
    return {
      inputs: (inputs ?? {}) as DispatchTrigger,
      ...(typeof runName === 'string' ? { runName } : {}),
    };
  }

  /** Merges a pull request by a merge commit, as a person would. */
  async merge(number: number): Promise<void> {
    const pull = this.pull(number);
    const [base, head] = await Promise.all([this.commitOf(pull.base), this.commitOf(pull.head.branch)]);
    if (!base || !head) throw new Error(`pull request #${number} has no commits`);
    const tree = (await this.git('merge-tree', '--write-tree', base, head)).split('\n')[0] ?? '';
    const message = `Merge pull request #${number}`;
    const commit = await this.git('commit-tree', tree, '-p', base, '-p', head, '-m', message);
    await this.git('update-ref', `refs/heads/${pull.base}`, commit);
    Object.assign(pull, { state: 'closed', merged: true, closed: new Date().toISOString() });
  }

  /** Closes a pull request without merging it. */
  close(number: number): void {
    Object.assign(this.pull(number), { state: 'closed', closed: new Date().toISOString() });
  }

  pull(number: number): DoublePull {
    const found = this.pulls.find((pull) => pull.number === number);
    if (!found) throw new Error(`${this.name} has no pull request #${number}`);
    return found;
  }

  /** Opens a pull request for a branch that exists. */
  open(
    branch: string,
    more: Partial<Pick<DoublePull, 'title' | 'body' | 'labels' | 'author' | 'created' | 'base'>> & {
      from?: string;
    } = {},
  ): DoublePull {
    const {
      from = this.name,
      title = branch,
      body = '',
      labels = [],
      author = 'octocat',
      base = this.defaultBranch,
      created,
    } = more;
    const pull: DoublePull = {
      number: this.pulls.length + 1,
      title,
      body,
      state: 'open',
      merged: false,
      head: { repository: from, branch },
      base,
      labels: [...labels],
      author,
      created: created ?? new Date().toISOString(),
      closed: null,
      hidden: 0,
    };
    this.pulls.push(pull);
    return pull;
  }

  async remove(): Promise<void> {
    await rm(join(this.folder, '..'), { recursive: true, force: true, maxRetries: 5 });
  }
}

async function git(
  args: readonly string[],
  env: Record<string, string> = {},
  input?: string,
): Promise<string> {
  const { code, stdout, stderr } = await attempt('git', args, {
    env: { ...(gitEnvironment as Record<string, string>), ...env },
    ...(input === undefined ? {} : { input }),
  });
  if (code !== 0) throw new Error(`git ${args.join(' ')}\n${stderr}`);
  return stdout.replace(/\n$/, '');
}

function readYaml(text: string): unknown {
  try {
    return parse(text);
  } catch {
    return undefined;
  }
}

function field(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
}

/** A stable positive id for a path. */
function idOf(path: string): number {
  let hash = 7;
  for (const character of path) hash = (hash * 31 + character.charCodeAt(0)) % 1_000_003;
  return 1000 + hash;
}
