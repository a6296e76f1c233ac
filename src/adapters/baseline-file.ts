import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { messageOf, PrimitiveError } from '../core/errors.ts';
import type { BaselineFile } from '../features/verify/baseline.ts';

/** The file of a baseline. `read` and `write` throw `baseline-unreadable` and `baseline-not-written` (exit 2). */
export function openBaseline(shown: string, cwd: string): BaselineFile {
  const path = resolve(cwd, shown);
  return {
    shown,
    read: () =>
      readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
        if (cause.code === 'ENOENT') return undefined;
        throw new PrimitiveError('baseline-unreadable', `Cannot read the baseline ${shown}.`, reason(cause));
      }),
    write: async (text) => {
      // Whoever reads it meanwhile has the one or the other.
      const beside = `${path}.${randomUUID()}`;
      try {
        await writeFile(beside, text, { flag: 'wx' });
        await rename(beside, path);
      } catch (cause) {
        await rm(beside, { force: true });
        throw new PrimitiveError(
          'baseline-not-written',
          `Cannot write the baseline ${shown}.`,
          reason(cause),
        );
      }
    },
  };
}

function reason(cause: unknown) {
  return { why: messageOf(cause), cause };
}
