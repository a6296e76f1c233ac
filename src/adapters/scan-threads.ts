import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { ScanResults, ScanThreads } from '../features/verify/scan.ts';

/** One thread reads files for all others, and each takes some hundred MiB of memory. */
const MAX = 8;

/** As many threads as there are processors; `module` is the URL of what they run. */
export function scanThreads(module: string): ScanThreads {
  return {
    count: Math.min(availableParallelism(), MAX),
    open: (signal) => {
      let worker: Worker | undefined;
      return {
        scan: async (files) => {
          worker ??= new Worker(new URL(module));
          worker.postMessage(files);
          const [results] = await once(worker, 'message', { signal });
          return results as readonly ScanResults[];
        },
        [Symbol.asyncDispose]: async () => {
          await worker?.terminate();
        },
      };
    },
  };
}
