import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PrimitiveError } from '../core/errors.ts';
import { parseYaml } from '../yaml/read.ts';
import { Bases } from './bases-schema.ts';

/** One file that a kind writes, as it stands below its `files/`. */
export interface TemplateFile {
  /** Relative to `files/`, with forward slashes, suffix and placeholders as they stand. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** What a kind writes, before anything is filled in; sorted by path. */
export type Template = readonly TemplateFile[];

/**
 * Reads all files of a folder, such as a kind's `files/`: some forty small ones, which takes a fraction of the time where
 * each is read at once.
 *
 * Throws `kind-template-invalid` (exit 2) for what is neither a file nor a folder: a link could lead anywhere.
 */
export async function readTemplate(folder: string): Promise<Template> {
  return readBelow(folder, '').sort((a, b) => (a.path < b.path ? -1 : 1));
}

function readBelow(folder: string, prefix: string): TemplateFile[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = `${prefix}${entry.name}`;
    const absolute = join(folder, entry.name);
    if (entry.isDirectory()) return readBelow(absolute, `${path}/`);
    if (!entry.isFile()) {
      throw new PrimitiveError('kind-template-invalid', `${absolute} is neither a file nor a folder.`);
    }
    return [{ path, bytes: readFileSync(absolute) }];
  });
}

/** Reads `templates/bases.yaml`. Throws `kind-invalid` and its kin (exit 2) for a reference without tag or digest. */
export async function readBases(file: string): Promise<Bases> {
  const text = await readFile(file, 'utf8');
  return (await parseYaml({ text, shown: 'templates/bases.yaml', subject: 'kind' }, Bases)).value;
}
