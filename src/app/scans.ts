import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { BaselineFile } from '../features/verify/baseline.ts';
import type { ScanStore, ScanThreads } from '../features/verify/scan.ts';
import type { AppContext } from './context.ts';
import { cacheFolder } from './environment.ts';

/** Cache and threads of file scans. */
export interface ScanAdapters {
  /** Results of scans from one run to the next, in CI of this run alone; `name` is that of a file. */
  scanStore(name: string): Promise<ScanStore>;
  /** `module` is the URL of what threads run. */
  scanThreads(module: string): Promise<ScanThreads>;
  /** The names in a folder; none if it cannot be listed. */
  listFolder(path: string): Promise<readonly string[]>;
  /** A path for a folder of this run among the last ones of that name. */
  runFolder(name: string): Promise<string>;
  /** The file of a baseline, as the user named it. */
  openBaseline(shown: string): Promise<BaselineFile>;
}

export function scanAdapters(context: AppContext): ScanAdapters {
  const { version, temporary, cwd } = context;
  return {
    scanStore: async (name) => {
      const { openScanStore, scanStoreOfRun } = await import('../adapters/scan-store.ts');
      // The code of a pull request may have run on this machine, and have written there what it likes.
      if (context.ci) return scanStoreOfRun();
      return openScanStore(join(cacheFolder(context), 'verify', `${name}.json`), version);
    },
    scanThreads: async (module) => (await import('../adapters/scan-threads.ts')).scanThreads(module),
    openBaseline: async (shown) => (await import('../adapters/baseline-file.ts')).openBaseline(shown, cwd),
    listFolder: (path) => readdir(path).catch(() => []),
    runFolder: async (name) => (await import('../adapters/run-folders.ts')).runFolder(temporary, name),
  };
}
