import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { messageOf, PrimitiveError } from '../core/errors.ts';
import type { Processes } from '../core/process.ts';
import type { GitopsRepository, GitopsTree } from '../gitops/tree.ts';
import { lookBelow } from '../repository/safe-path.ts';
import { decode, findCommit, type Git, localGit, text } from './git-command.ts';
import { ObjectReader } from './git-objects.ts';

/** A values file is small; what is larger is none. */
const MAX_BYTES = 4 * 1024 * 1024;

/** The repository whose root is a folder. Throws `git-failed` (exit 3), and what {@link Processes} throws. */
export async function openGitopsRepository(
  processes: Processes,
  root: string,
  signal?: AbortSignal,
): Promise<GitopsRepository> {
  const git = localGit(processes, root, signal);
  const format = text(await git.expect(['rev-parse', '--show-object-format'])).trim();
  const reader = new ObjectReader(git, { objectFormat: format === 'sha256' ? 'sha256' : 'sha1' });
  const readObjects = async (objects: readonly string[]) =>
    (await reader.read('blob', objects, { maxBytes: MAX_BYTES, tooLarge })).map(decode);
  return {
    root,
    workTree: workTreeOf(git, root),
    commit: (revision, needs) => commitOf(git, revision, needs),
    at: (commit) => commitTree(git, commit, readObjects),
    mergeBase: (a, b) => mergeBase(git, a, b),
    pastTexts: async (commit, path) => readObjects(await pastObjects(git, commit, path)),
  };
}

function workTreeOf(git: Git, root: string): GitopsTree {
  return {
    list: async () => {
      const listed = await git.expect(['ls-files', '--cached', '--others', '--exclude-standard', '-z']);
      return [...new Set(split(text(listed)))].sort();
    },
    read: async (paths) => {
      const texts = new Map<string, string>();
      for (const path of paths) {
        const found = await lookBelow(root, path);
        if (found.type !== 'file') continue;
        if (found.stats.size > MAX_BYTES) throw tooLarge(path, found.stats.size);
        texts.set(path, readFileSync(join(root, path), 'utf8'));
      }
      return texts;
    },
  };
}

function commitTree(
  git: Git,
  commit: string,
  readObjects: (objects: readonly string[]) => Promise<readonly string[]>,
): GitopsTree {
  let entries: Promise<ReadonlyMap<string, string>> | undefined;
  const listed = () => {
    entries ??= listCommit(git, commit);
    return entries;
  };
  return {
    list: async () => [...(await listed()).keys()].sort(),
    read: async (paths) => {
      const objects = await listed();
      const found = paths.flatMap((path) => {
        const object = objects.get(path);
        return object === undefined ? [] : [{ path, object }];
      });
      const texts = await readObjects(found.map(({ object }) => object));
      return new Map(found.map(({ path }, i) => [path, texts[i] ?? '']));
    },
  };
}

/** Path -> object of each plain file. */
async function listCommit(git: Git, commit: string): Promise<ReadonlyMap<string, string>> {
  const listed = await git.expect(['ls-tree', '-r', '-z', '--full-tree', commit]);
  const files = split(text(listed)).flatMap((entry) => {
    const [, mode = '', object = '', path = ''] = /^(\d+) blob ([0-9a-f]+)\t(.*)$/s.exec(entry) ?? [];
    return mode.startsWith('100') ? [[path, object] as const] : [];
  });
  return new Map(files);
}

async function commitOf(git: Git, revision: string, needs: 'history' | undefined): Promise<string> {
  const commit = await findCommit(git, revision);
  if (commit === undefined) {
    throw new PrimitiveError('revision-unknown', `Revision ${JSON.stringify(revision)} not found.`, {
      why: 'Git knows no commit of that name; a clone may lack it.',
      suggestions: ['In GitHub Actions: actions/checkout with `fetch-depth: 0`', 'git fetch origin main'],
    });
  }
  const shallow = await git.expect(['rev-parse', '--is-shallow-repository']);
  if (needs === 'history' && text(shallow).trim() === 'true') {
    throw new PrimitiveError('revision-shallow', 'Cannot read what lanes have held: the clone is shallow.', {
      why: 'A reference is promoted only if the history of the lane before has it.',
      suggestions: ['In GitHub Actions: actions/checkout with `fetch-depth: 0`', 'git fetch --unshallow'],
    });
  }
  return commit;
}

async function mergeBase(git: Git, a: string, b: string): Promise<string> {
  const found = await git.run(['merge-base', a, b]);
  if (found.exitCode === 0) return text(found).trim();
  throw new PrimitiveError('revision-unrelated', `Commits ${a} and ${b} have no common commit.`, {
    why: 'The clone is shallow, or the histories are unrelated.',
    suggestions: ['git fetch --unshallow'],
  });
}

/** See `GitopsRepository.pastTexts`. Renames are not followed: another file's past is not that of this lane. */
async function pastObjects(git: Git, commit: string, path: string): Promise<readonly string[]> {
  const log = await git.expect([
    'log',
    '--first-parent',
    '-m',
    '--format=',
    '--raw',
    '--no-abbrev',
    '--no-renames',
    '--no-ext-diff',
    '--no-textconv',
    '-z',
    '--end-of-options',
    commit,
    '--',
    path,
  ]);
  // git-diff, "Raw output format": `:100644 100644 OLD NEW M`, then the path.
  const states = split(text(log)).flatMap((part) => {
    const [, mode = '', , object = ''] = part.startsWith(':') ? part.slice(1).split(' ') : [];
    return mode.startsWith('100') ? [object] : [];
  });
  return [...new Set(states)];
}

function split(listing: string): readonly string[] {
  return listing.split('\0').filter((part) => part !== '');
}

function tooLarge(name: string, size: number): PrimitiveError {
  return new PrimitiveError('gitops-file-too-large', `${name} is too large to be a values file.`, {
    why: `It has ${size} bytes, and ${MAX_BYTES} are allowed.`,
    suggestions: ['Remove it, or move it out of sources/values and environments.'],
  });
}

/** Texts of the YAML files below a folder, by path relative to the root; links are not followed. Throws `rendered-missing` (exit 2). */
export async function yamlBelow(root: string, folder: string): Promise<ReadonlyMap<string, string>> {
  const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true }).catch(
    (cause) => {
      throw new PrimitiveError('rendered-missing', `Cannot read the folder ${folder}.`, {
        why: messageOf(cause),
        suggestions: ['node .github/primitive/render.mjs rendered'],
        cause,
      });
    },
  );
  const paths = entries
    .filter((entry) => entry.isFile() && /\.ya?ml$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort();
  return new Map(paths.map((path) => [path, readFileSync(join(root, path), 'utf8')]));
}
