import { createHash } from 'node:crypto';
import type { CommitTree, FolderEntry, Head } from '../../src/repository/source-tree.ts';

/** A commit in memory, its work tree clean: `{ 'app/Dockerfile': 'FROM scratch\n' }`. Equal folders have equal ids, as in git. */
export function createMemoryTree(
  files: Readonly<Record<string, string>>,
  { commit, branch }: Pick<Head, 'commit' | 'branch'>,
): CommitTree {
  const blobs = new Map<string, Uint8Array>();
  const folders = new Map<string, readonly FolderEntry[]>();
  const find = <T>(objects: ReadonlyMap<string, T>, object: string): T => {
    const found = objects.get(object);
    if (found === undefined) throw new Error(`no object ${object}`);
    return found;
  };

  function storeFolder(prefix: string): string {
    const below = Object.keys(files).filter((path) => path.startsWith(prefix));
    const names = [...new Set(below.map((path) => path.slice(prefix.length).split('/')[0] ?? ''))].sort();
    const entries = names.map((name): FolderEntry => {
      const content = files[prefix + name];
      return content === undefined
        ? { name, mode: '040000', object: storeFolder(`${prefix}${name}/`) }
        : { name, mode: '100644', object: storeBlob(content) };
    });
    const object = createHash('sha1').update(JSON.stringify(entries)).digest('hex');
    folders.set(object, entries);
    return object;
  }

  function storeBlob(content: string): string {
    const bytes = Buffer.from(content);
    const object = createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
    blobs.set(object, bytes);
    return object;
  }

  return {
    root: '/repository',
    head: {
      commit,
      tree: storeFolder(''),
      objectFormat: 'sha1',
      shallow: false,
      ...(branch ? { branch } : {}),
    },
    readFolders: async (objects) => objects.map((object) => find(folders, object)),
    readWhole: async (objects) => objects.map((object) => find(blobs, object)),
    changes: async () => [],
    filters: async () => new Map(),
    async readBlobs(objects, receiver) {
      for (const [index, object] of objects.entries()) {
        const bytes = find(blobs, object);
        await receiver.start(index, bytes.length);
        await receiver.data(bytes);
        await receiver.end();
      }
    },
  };
}
