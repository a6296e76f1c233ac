import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ScanCache, ScanStore } from '../features/verify/scan.ts';

/**
 * Keeps the results of scans in one file, read once and replaced in one step: two runs at once do not disturb each other.
 * A file that cannot be read, or is of another version of this program, counts as empty; one that cannot be written is not kept.
 */
export function openScanStore(path: string, version: string): ScanStore {
  const readKept = async (): Promise<ScanCache> => {
    try {
      const kept: { version?: unknown; files?: unknown } = JSON.parse(await readFile(path, 'utf8'));
      if (kept.version !== version) return new Map();
      return new Map(Object.entries(kept.files as Parameters<typeof Object.fromEntries>[0])) as ScanCache;
    } catch {
      return new Map();
    }
  };
  let kept: Promise<ScanCache> | undefined;
  return {
    read: () => {
      kept ??= readKept();
      return kept;
    },
    write: async (cache) => {
      kept = Promise.resolve(cache);
      const temporary = `${path}.${crypto.randomUUID()}`;
      try {
        await mkdir(dirname(path), { recursive: true, mode: 0o700 });
        await writeFile(temporary, JSON.stringify({ version, files: Object.fromEntries(cache) }), {
          mode: 0o600,
        });
        await rename(temporary, path);
      } catch {
        // The folder may be none, and then removing fails too.
        await rm(temporary, { force: true }).catch(() => {});
      }
    },
  };
}

/** Keeps the results of scans for this run alone. */
export function scanStoreOfRun(): ScanStore {
  let kept: ScanCache = new Map();
  return {
    read: async () => kept,
    write: async (cache) => {
      kept = cache;
    },
  };
}
