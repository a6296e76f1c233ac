import { posix } from 'node:path';
import { messageOf } from '../core/errors.ts';
import type { Processes } from '../core/process.ts';
import type { WorkTree } from '../features/verify/work-tree.ts';
import { isInstalled } from '../languages/all.ts';
import { localGit, openGit, text } from './git-command.ts';
import { ObjectReader } from './git-objects.ts';
import { changedSince, MAX_BYTES, openWorkTree, TOO_LARGE } from './work-tree.ts';

/** An entry of the index: `100644 <object> <stage><tab>path`. */
interface Entry {
  readonly mode: string;
  readonly object: string;
}

/**
 * The files of the index, as the next commit would have them, in place of those of the work tree. Only what package managers
 * install is read from disk. Throws as {@link openWorkTree}.
 */
export async function openStagedTree(
  processes: Processes,
  folder: string,
  signal?: AbortSignal,
): Promise<WorkTree> {
  const work = await openWorkTree(processes, folder, signal);
  const git = localGit(processes, work.root, signal);
  const entries = new Map<string, Entry>();
  for (const line of text(await git.expect(['ls-files', '--stage', '-z'])).split('\0')) {
    const [mode = '', object = ''] = line.split(/[ \t]/, 2);
    if (line !== '') entries.set(line.slice(line.indexOf('\t') + 1), { mode, object });
  }
  const first = entries.values().next().value;
  const reader = new ObjectReader(git, { objectFormat: first?.object.length === 64 ? 'sha256' : 'sha1' });
  const unreadable = new Map<string, string>();
  const links = new Set<string>();
  const isLink = ({ mode }: Entry) => mode === '120000';
  const isRepository = ({ mode }: Entry) => mode === '160000';
  const content = async ({ object }: Entry) => {
    const limit = { maxBytes: MAX_BYTES, tooLarge: () => new Error(TOO_LARGE) };
    return (await reader.read('blob', [object], limit))[0];
  };
  const listed = [...entries]
    .filter(([, entry]) => !isRepository(entry))
    .map(([path]) => path)
    .sort();
  return {
    root: work.root,
    list: async () => listed,
    repositories: async () =>
      [...entries]
        .filter(([, one]) => isRepository(one))
        .map(([path]) => path)
        .sort(),
    closed: async () => new Map(),
    unreadable,
    links,
    // What is read here is what git stores.
    stored: async () => new Map(),
    read: async (path) => {
      const entry = entries.get(posix.normalize(path));
      if (entry === undefined) return isInstalled(path) ? work.read(path) : undefined;
      if (isRepository(entry)) return undefined;
      if (isLink(entry)) {
        links.add(path);
        return undefined;
      }
      try {
        return await content(entry);
      } catch (error) {
        signal?.throwIfAborted();
        unreadable.set(path, messageOf(error));
        return undefined;
      }
    },
    readLink: async (path) => {
      const entry = entries.get(path);
      return entry && isLink(entry) ? new TextDecoder().decode(await content(entry)) : undefined;
    },
    at: work.at,
    before: work.before,
    stamp: () => undefined,
    stamps: async () => new Map([...entries].map(([path, { object }]) => [path, object])),
    changedSince: async (revision) =>
      changedSince(await openGit(processes, work.root, signal), revision, { staged: true }),
  };
}
