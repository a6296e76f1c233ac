import type { TreeEntry } from './source-tree.ts';

/** The files of a tree, found by folder or path without looking at all of them. */
export class Listing<E extends { readonly path: string } = TreeEntry> {
  /** Sorted by code unit of the path. */
  readonly entries: readonly E[];

  constructor(entries: readonly E[]) {
    this.entries = entries;
  }

  /** Positions of all files below a folder, first and past the last; '' is the root. */
  range(folder: string): readonly [start: number, end: number] {
    // '0' follows '/': no path that begins with `folder/` sorts after it.
    return folder === '' ? [0, this.entries.length] : [this.#from(`${folder}/`), this.#from(`${folder}0`)];
  }

  /** Position of a file in the list. */
  position(path: string): number | undefined {
    const position = this.#from(path);
    return this.entries[position]?.path === path ? position : undefined;
  }

  hasFolder(folder: string): boolean {
    const [start, end] = this.range(folder);
    return end > start;
  }

  /** Position of the first path that is not before `path`. */
  #from(path: string): number {
    let low = 0;
    let high = this.entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.entries[middle]?.path ?? path) < path) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
