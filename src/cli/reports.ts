import { access, constants, lstat, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { messageOf, PrimitiveError } from '../core/errors.ts';
import { shellWord } from '../core/show-path.ts';
import type { ReportRequest } from './flags.ts';

/** A report file that can be written: format and absolute path. */
export interface ReportTarget {
  readonly format: string;
  readonly path: string;
}

/**
 * Checks, before any effect, that every report can be written: throws `report-invalid` for what is not FORMAT=FILE in
 * a known format, and `report-unwritable` if the parent folder is missing or read-only, the path is a folder, or two
 * share one.
 */
export async function checkReports(
  requests: readonly ReportRequest[],
  cwd: string,
): Promise<readonly ReportTarget[]> {
  const targets = requests.map((request) => parseRequest(request, cwd));
  const seen = new Set<string>();
  for (const { path } of targets) {
    const parent = await stat(dirname(path)).catch(() => undefined);
    if (!parent?.isDirectory())
      throw unwritable(
        path,
        `the folder ${dirname(path)} does not exist`,
        `mkdir -p ${shellWord(dirname(path))}`,
      );
    const own = await stat(path).catch(() => undefined);
    if (own?.isDirectory())
      throw unwritable(path, 'it is a folder', `--report FORMAT=${join(path, 'report')}`);
    const written = (await lstat(path).catch(() => undefined))?.isFile() === false ? path : dirname(path);
    await access(written, constants.W_OK).catch((error: NodeJS.ErrnoException) => {
      throw unwritable(path, `${written} is not writable (${error.code})`, 'Choose a writable path.');
    });
    if (seen.has(path))
      throw unwritable(path, 'two reports use this path', 'Use a different path for each report.');
    seen.add(path);
  }
  return targets;
}

function parseRequest({ text, formats }: ReportRequest, cwd: string): ReportTarget {
  const split = text.indexOf('=');
  const format = text.slice(0, split);
  const file = text.slice(split + 1);
  if (split > 0 && file !== '' && formats.includes(format)) return { format, path: resolve(cwd, file) };
  throw new PrimitiveError('report-invalid', `Invalid --report ${JSON.stringify(text)}.`, {
    why: `The value is FORMAT=FILE, and FORMAT is one of: ${formats.join(', ')}.`,
    suggestions: ['--report json=report.json'],
  });
}

/**
 * Writes a file in one step: a reader sees the old content or the new, never a part. What is no plain file (a link, a
 * pipe, `/dev/stderr`) is written to as a shell would: it must not be replaced by a file.
 */
export async function writeAtomically(path: string, content: string): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${crypto.randomUUID()}`);
  try {
    const there = await lstat(path).catch(() => undefined);
    if (there && !there.isFile()) return await writeFile(path, content);
    await writeFile(temporary, content, { flag: 'wx' });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw unwritable(path, messageOf(error), 'Choose a writable path.', 3);
  }
}

function unwritable(path: string, why: string, suggestion: string, exit: 2 | 3 = 2): PrimitiveError {
  return new PrimitiveError('report-unwritable', `Cannot write the report ${path}.`, {
    why: `${why[0]?.toUpperCase()}${why.slice(1)}.`,
    suggestions: [suggestion],
    exit,
  });
}
