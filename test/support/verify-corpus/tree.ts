import type { WorkTree } from '../../../src/features/verify/work-tree.ts';

/** Files by path: their text or bytes, where a symbolic link leads, or why they cannot be read. */
export type Files = Readonly<
  Record<string, string | Uint8Array | { readonly link: string } | { readonly error: string }>
>;

const COMMIT = '0123456789abcdef0123456789abcdef01234567';
const MAX_BYTES = 64 * 1024 * 1024;

/** A work tree that is only in memory. */
export function memoryTree(files: Files): WorkTree {
  const unreadable = new Map<string, string>();
  const links = new Set<string>();
  return {
    root: '/repository',
    list: async () => Object.keys(files).sort(),
    repositories: async () => [],
    closed: async () => new Map(),
    unreadable,
    links,
    read: async (path) => {
      const file = files[path];
      const bytes = typeof file === 'string' ? new TextEncoder().encode(file) : file;
      if (bytes === undefined) return undefined;
      if ('link' in bytes) links.add(path);
      else if ('error' in bytes) unreadable.set(path, bytes.error);
      else if (bytes.length > MAX_BYTES) unreadable.set(path, `it has more than ${MAX_BYTES} bytes`);
      else return bytes;
      return undefined;
    },
    readLink: async (path) => {
      const file = files[path];
      return typeof file === 'object' && 'link' in file ? file.link : undefined;
    },
    stored: async () => new Map(),
    stamp: () => undefined,
    stamps: async () => new Map(Object.entries(files).map(([path, file]) => [path, String(file)])),
    changedSince: async () => [],
    at: async () => ({ ...memoryTree(files), commit: COMMIT }),
    before: async () => ({ ...memoryTree(files), commit: COMMIT }),
  };
}
