import type { WorkTree } from '../../../src/features/verify/work-tree.ts';

/** Files by path: their text or bytes, where a symbolic link leads, or why they cannot be read. */
export type Files = Readonly<
  Record<string, string | Uint8Array | { readonly link: string } | { readonly error: string }>
>;

/** A work tree that is only in memory. */
export function memoryTree(files: Files): WorkTree {
  return {
    root: '/repository',
    list: async () => Object.keys(files).sort(),
    read: async (path) => {
      const file = files[path];
      if (typeof file === 'object' && 'error' in file) throw new Error(String(file.error));
      if (typeof file === 'string') return new TextEncoder().encode(file);
      return file instanceof Uint8Array ? file : undefined;
    },
    readLink: async (path) => {
      const file = files[path];
      return typeof file === 'object' && 'link' in file ? file.link : undefined;
    },
    stamps: async () => new Map(Object.entries(files).map(([path, file]) => [path, String(file)])),
    changedSince: async () => [],
  };
}
