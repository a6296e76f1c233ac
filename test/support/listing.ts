import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';

/** All of a folder as an image layer would hold it: `path -> type, mode, time, content`. Names are compared by bytes. */
export async function folderListing(root: string): Promise<Record<string, string>> {
  const listing: Record<string, string> = {};
  const visit = async (path: string) => {
    const absolute = join(root, path);
    const found = await lstat(absolute);
    const facts = `${(found.mode & 0o7777).toString(8)} ${new Date(found.mtimeMs).toISOString()}`;
    if (found.isSymbolicLink()) {
      // Linux gives links no modes of their own; others do.
      listing[path] = `link ${new Date(found.mtimeMs).toISOString()} ${await readlink(absolute)}`;
    } else if (found.isDirectory()) {
      listing[`${path}/`] = `folder ${facts}`;
      for (const name of (await readdir(absolute)).sort())
        await visit(path === '' ? name : `${path}/${name}`);
    } else {
      listing[path] = `file ${facts} ${(await readFile(absolute)).toString('base64')}`;
    }
  };
  await visit('');
  return listing;
}
