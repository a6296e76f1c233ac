import type { Component } from './component.ts';
import { listFiles } from './folders.ts';
import type { ComponentInputs } from './inputs.ts';
import type { CommitTree, TreeEntry } from './source-tree.ts';

export interface BuildContext {
  readonly component: Component;
  /** Paths relative to the context, sorted by code unit. */
  readonly entries: readonly TreeEntry[];
}

/** The files of a component's build context: paths relative to it, sorted by code unit. */
export async function contextEntries(
  tree: CommitTree,
  { files }: Pick<ComponentInputs, 'files'>,
): Promise<readonly TreeEntry[]> {
  return 'entries' in files ? files.entries : listFiles(tree, [{ path: '', object: files.folder }]);
}
