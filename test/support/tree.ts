import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';

/** All files below a folder, sorted: path -> `x` for programs, and the text. Empty folders end in a slash. */
export async function contentOf(
  root: string,
  without: readonly string[] = [],
): Promise<Record<string, string>> {
  const content: Record<string, string> = {};
  const visit = async (path: string): Promise<void> => {
    const absolute = join(root, path);
    const found = await lstat(absolute);
    if (found.isSymbolicLink()) content[path] = `link ${await readlink(absolute)}`;
    else if (found.isFile()) {
      const mode = found.mode & 0o100 ? 'x' : '-';
      content[path] = `${mode} ${await readFile(absolute, 'utf8')}`;
    } else {
      const names = (await readdir(absolute)).filter((name) => !without.includes(name)).sort();
      if (names.length === 0) content[`${path}/`] = 'empty folder';
      for (const name of names) await visit(path === '' ? name : `${path}/${name}`);
    }
  };
  await visit('');
  return content;
}
