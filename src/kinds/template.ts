import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PrimitiveError } from '../core/errors.ts';
import { parseYaml } from '../yaml/read.ts';
import { Bases } from './bases-schema.ts';

/** One file that a kind writes. */
export interface TemplateFile {
  /** Relative to `files/`, with forward slashes, suffix and placeholders as they are. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** Template files of a kind; sorted by path. */
export type Template = readonly TemplateFile[];

/**
 * Reads all files of some folders, such as a kind's `files/`; synchronously, since some forty small ones take a fraction
 * of the time so. Throws `kind-template-invalid` (exit 2) for what is neither a file nor a folder: a link could lead
 * anywhere.
 */
export function readTemplate(folders: readonly string[]): Template {
  const files = folders.flatMap((folder) => {
    if (!lstatSync(folder).isDirectory()) throw notPlain(folder);
    return readBelow(folder, '');
  });
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function readBelow(folder: string, prefix: string): TemplateFile[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = `${prefix}${entry.name}`;
    const absolute = join(folder, entry.name);
    if (entry.isDirectory()) return readBelow(absolute, `${path}/`);
    if (!entry.isFile()) throw notPlain(absolute);
    return [{ path, bytes: readFileSync(absolute) }];
  });
}

function notPlain(path: string): PrimitiveError {
  return new PrimitiveError('kind-template-invalid', `${path} is neither a file nor a folder.`, {
    why: 'files of a kind must not be links',
  });
}

/** Reads `templates/bases.yaml`. Throws `kind-invalid` and its kin (exit 2) for a reference without tag or digest. */
export async function readBases(file: string): Promise<Bases> {
  const text = await readFile(file, 'utf8');
  return (await parseYaml({ text, shown: 'templates/bases.yaml', subject: 'kind' }, Bases)).value;
}
