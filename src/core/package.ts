import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The name under which this program, with its kinds, is published. */
export const OWN_PACKAGE = '@ameide/primitive';

/** A file or folder that comes with this program, by its path in the package; found from the source as from the bundle. */
export function packagePath(path: string): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, path)) && folder !== dirname(folder)) folder = dirname(folder);
  return join(folder, path);
}
