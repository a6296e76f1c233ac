import { scanThreads } from '../../src/adapters/scan-threads.ts';
import { type ScanTask, type ScanThreads, scanTasks } from '../../src/features/verify/scan.ts';
import { SCANS } from '../../src/features/verify/scans.ts';

/** Scans in the thread of the test: as quick as it can be for few files. Of those in `endless`, no scan finds an end. */
export function scansHere(endless: readonly string[] = []): ScanThreads {
  const scans = SCANS.map(({ scan }) => scan);
  return {
    count: 1,
    open: () => ({
      scan: async (files) => {
        const all = files.map(
          ([path, bytes, names]): ScanTask => [path, bytes, endless.includes(path) ? [] : names],
        );
        return (await scanTasks(all, scans)).map((results, i) => {
          const [path = '', , names = []] = files[i] ?? [];
          const ended = endless.includes(path) ? names : [];
          return {
            results,
            ended: Object.fromEntries(ended.map((name) => [name, 'it took longer than 5 s'])),
          };
        });
      },
      [Symbol.asyncDispose]: async () => {},
    }),
  };
}

/** Threads for scans, as the CLI opens them. */
export const threads = scanThreads(new URL('../../src/features/verify/scan-thread.ts', import.meta.url).href);
