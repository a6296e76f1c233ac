import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { type Digest, digestOf } from '../../core/digest.ts';
import { pathBelow } from '../../repository/discovery.ts';
import type { FileHistory } from '../../repository/history.ts';
import { mergeTexts, withLineFeeds } from '../../repository/merge.ts';
import type { CommitTree } from '../../repository/source-tree.ts';

/** The texts of a file that a person and the template changed. */
export interface EditedFile {
  readonly text: string;
  /** Undefined if neither git's history nor the recorded version of the template has it. */
  readonly base: string | undefined;
}

/** The parts of a repository by which edited files are merged. */
export type PastFiles = FileHistory & Pick<CommitTree, 'root' | 'readWhole' | 'changes'>;

/** The text that a recorded version of the template makes of a file, if it has the digest; undefined if none has. */
export type PastRendering = (path: string, digest: Digest) => Promise<string | undefined>;

export interface EditedRecord {
  /** As it was scaffolded. */
  readonly written: Digest;
  /** Output of the template at each merge, oldest first. */
  readonly merged: readonly Digest[];
}

/**
 * The text of each of some edited files, empty for one that was deleted, and what the template last made of it: from the history of git, else from the
 * recorded version of the template. Files that are no UTF-8 text are left out. `folder` is relative to `root`.
 */
export async function readEdited(
  { root, folder }: { readonly root: string; readonly folder: string },
  recorded: ReadonlyMap<string, EditedRecord>,
  past: PastFiles,
  rendered: PastRendering,
): Promise<ReadonlyMap<string, EditedFile>> {
  const base = pathBelow(past.root, root) ?? '';
  const edited = new Map<string, EditedFile>();
  for (const [path, record] of recorded) {
    const text = existsSync(join(root, folder, path)) ? textOf(await readFile(join(root, folder, path))) : '';
    if (text === undefined) continue;
    const objects = await past.pastObjects(posix.join(base, folder, path));
    const versions = (await past.readWhole(objects)).flatMap((bytes) => {
      const version = textOf(bytes);
      return version === undefined ? [] : [withLineFeeds(version)];
    });
    const began = baseOf(versions, record) ?? (await rendered(path, record.merged.at(-1) ?? record.written));
    edited.set(path, { text, base: began });
  }
  return edited;
}

/**
 * What the template last made of a file. What it was scaffolded with was committed. What was merged later was not, but
 * the commit of the merge has what it changed: put onto the base before, that is the new one if the digest says so.
 */
function baseOf(versions: readonly string[], { written, merged }: EditedRecord): string | undefined {
  const isOf = (digest: Digest) => (text: string) => digestOf(new TextEncoder().encode(text)) === digest;
  let base = versions.find(isOf(written));
  for (const digest of merged) {
    const ours = base;
    if (ours === undefined) return undefined;
    const found = versions.slice(0, -1).flatMap((theirs, i) => {
      const { text, conflicts } = mergeTexts({ base: versions[i + 1] ?? '', ours, theirs }, NO_LABELS);
      return conflicts.length === 0 ? [text] : [];
    });
    // Edited in the same commit: from the older base the merge may ask about lines that it need not ask about.
    base = found.find(isOf(digest)) ?? ours;
  }
  return base;
}

const NO_LABELS = { ours: '', base: '', theirs: '' };

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
