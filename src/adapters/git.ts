import { readdir, realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { PrimitiveError } from '../core/errors.ts';
import { once } from '../core/once.ts';
import type { Processes, RunResult } from '../core/process.ts';
import type { FileHistory, History } from '../repository/history.ts';
import type { CommitTree, FolderEntry, Head } from '../repository/source-tree.ts';
import { bareRepository, localGit, notOpened, openGit, text } from './git-command.ts';
import { deepen, isAncestor, pastObjects } from './git-history.ts';
import { ObjectReader, streamBlobs } from './git-objects.ts';
import { fetchMissing, remotesOf, remoteUrl } from './git-remotes.ts';
import { listChanges, parseTree, readFilters } from './git-tree.ts';

export type GitRepository = CommitTree & History & FileHistory;

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
  const { root, head, packs } = await locate(processes, folder, signal);
  const local = localGit(processes, root, signal);
  const configuration = once(() => local.configuration());
  const guarded = once(async () => local.overriding(await configuration()));
  const remotes = async () => remotesOf(await configuration());
  const partial = await hasPromisorPack(packs);
  // Reading from a partial clone may fetch.
  const git = partial ? await guarded() : local;
  const reader = new ObjectReader(git, head);
  const complete = async (objects: readonly string[]) => {
    if (partial) await fetchMissing(git, await remotes(), head.commit, objects);
  };
  return {
    root,
    head,
    readFolders: folderReader(reader, head),
    readWhole: async (objects, maxBytes = MAX_TEXT) => {
      await complete(objects);
      return reader.read('blob', objects, {
        maxBytes,
        tooLarge: (object, size) => tooLarge(object, size, maxBytes),
      });
    },
    changes: once(async () => listChanges(await guarded())),
    readBlobs: async (objects, receiver) => {
      if (objects.length === 0) return;
      await complete(objects);
      await streamBlobs(git, head, objects, receiver);
    },
    filters: (paths) => readFilters(git, paths),
    isAncestor: async (ancestor, descendant) => isAncestor(await guarded(), ancestor, descendant),
    pastObjects: async (path) => pastObjects(await guarded(), path),
    deepen: async () => deepen(await guarded(), await remotes()),
    remoteUrl: async () => remoteUrl(await remotes()),
  };
}

/** A file larger than this is no text that a person wrote for us to read. */
const MAX_TEXT = 4 * 1024 * 1024;
/** A folder of a million names. */
const MAX_FOLDER = 128 * 1024 * 1024;

/** See `CommitTree.readFolders`. */
function folderReader(reader: ObjectReader, head: Head): CommitTree['readFolders'] {
  const known = new Map<string, readonly FolderEntry[]>();
  return async (objects) => {
    const unknown = [...new Set(objects)].filter((object) => !known.has(object));
    const contents = await reader.read('tree', unknown, {
      maxBytes: MAX_FOLDER,
      tooLarge: (object, size) => tooLarge(object, size, MAX_FOLDER),
    });
    for (const [i, object] of unknown.entries()) known.set(object, parseTree(contents[i] ?? NOTHING, head));
    return objects.map((object) => known.get(object) ?? []);
  };
}

const NOTHING = new Uint8Array();

function tooLarge(object: string, size: number, limit: number): PrimitiveError {
  return new PrimitiveError('git-file-too-large', `Git object ${object} is too large`, {
    why: `it has ${size} bytes, and ${limit} are allowed for files such as primitive.yaml or the target of a link`,
    suggestions: [`git log --oneline --find-object=${object}`],
  });
}

/** Whether the clone is one from which something can be left out (git's partial-clone documentation, `.promisor`). */
async function hasPromisorPack(packs: string): Promise<boolean> {
  const names = await readdir(packs).catch(() => []);
  return names.some((name) => name.endsWith('.promisor'));
}

interface Location {
  readonly root: string;
  readonly head: Head;
  /** The folder of the clone's packs. */
  readonly packs: string;
}

async function locate(processes: Processes, folder: string, signal?: AbortSignal): Promise<Location> {
  const questions = [
    'rev-parse',
    '--is-bare-repository',
    '--is-shallow-repository',
    '--show-object-format',
    'HEAD',
    'HEAD^{tree}',
    // Paths can contain line feeds; the commit between the two separates them.
    '--show-toplevel',
    'HEAD',
    '--git-path',
    'objects/pack',
    '--symbolic-full-name',
    'HEAD',
  ];
  const local = await localGit(processes, folder, signal).run(questions);
  // A treeless clone may have to fetch the root tree.
  const facts =
    local.exitCode === 0 ? local : await (await openGit(processes, folder, signal)).run(questions);
  // What was asked before the part that failed is answered.
  const [bare, shallow, objectFormat, commit, tree, ...paths] = text(facts).replace(/\n$/, '').split('\n');
  const ref = paths.pop();
  if (bare === undefined || bare === '') throw notOpened(folder, facts);
  if (bare === 'true') throw bareRepository(folder);
  if (facts.exitCode !== 0 || commit === undefined || tree === undefined || ref === undefined)
    throw noCommit(folder, facts);
  const [toplevel = '', packs = ''] = paths.join('\n').split(`\n${commit}\n`);
  return {
    root: await realpath(toplevel),
    packs: resolve(folder, packs),
    head: {
      commit,
      tree,
      ...(ref.startsWith('refs/heads/') ? { branch: ref.slice('refs/heads/'.length) } : {}),
      objectFormat: objectFormat === 'sha256' ? 'sha256' : 'sha1',
      shallow: shallow === 'true',
    },
  };
}

function noCommit(folder: string, result: RunResult): PrimitiveError {
  if (!/unknown revision|ambiguous argument|bad revision/.test(result.stderr))
    return notOpened(folder, result);
  return new PrimitiveError('git-no-commit', `The repository of ${folder} has no commit`, {
    why: 'publish builds committed files only',
    suggestions: ['git add . && git commit'],
  });
}
