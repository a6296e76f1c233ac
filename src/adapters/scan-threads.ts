import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { ScanOutcome, ScanResults, ScanTask, ScanThreads } from '../features/verify/scan.ts';
import type { ScanMessage } from '../features/verify/scan-answer.ts';
import { errnoOf } from '../repository/file-errors.ts';

/** One thread reads files for all others, and each takes some hundred MiB of memory. */
const MAX = 8;

/** Milliseconds between two looks at a thread. */
const LOOK = 250;
/** How much longer than its limit a scan may take on a busy machine. */
const PATIENCE = 10;

/** Milliseconds that one scan of one file may take: so many, and more for each MiB. Most take less than ten. */
const LIMIT = { base: 5_000, perMebibyte: 1_000 };

/** As many threads as there are processors; `module` is the URL of what they run. */
export function scanThreads(module: string, limit = LIMIT): ScanThreads {
  return {
    count: Math.min(availableParallelism(), MAX),
    open: (signal) => {
      let worker: Worker | undefined;
      return {
        scan: async (files) => {
          const ended = files.map((): Record<string, string> => ({}));
          for (let left = files; ; ) {
            worker ??= new Worker(new URL(module));
            const answer = await ask(worker, left, { limit, signal });
            if ('results' in answer)
              return answer.results.map((results, i): ScanOutcome => ({ results, ended: ended[i] ?? {} }));
            await worker.terminate();
            worker = undefined;
            const { file, name } = scanAt(left, answer.begun);
            Object.assign(ended[file] ?? {}, { [name]: answer.why });
            left = left.map(([path, bytes, names], i) =>
              i === file ? [path, bytes, names.filter((one) => one !== name)] : [path, bytes, names],
            );
          }
        },
        [Symbol.asyncDispose]: async () => {
          await worker?.terminate();
        },
      };
    },
  };
}

type Answer =
  | { readonly results: readonly ScanResults[] }
  /** How many scans had begun when the last of them had to be ended. */
  | { readonly begun: number; readonly why: string };

/** The answer of a thread, or why it must be ended. Throws what it throws, and the reason of the signal. */
async function ask(
  worker: Worker,
  files: readonly ScanTask[],
  { limit, signal }: { readonly limit: typeof LIMIT; readonly signal: AbortSignal },
): Promise<Answer> {
  const begun = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  let last = 0;
  let waited = 0;
  let cpu = process.cpuUsage();
  const look = setInterval(() => {
    const now = Atomics.load(begun, 0);
    const { user, system } = process.cpuUsage(cpu);
    cpu = process.cpuUsage();
    // Time of the processor, at most that of one thread. Looks are counted, so that a machine that sleeps ends nothing.
    const took = Math.max(Math.min((user + system) / 1000, LOOK), LOOK / PATIENCE);
    waited = now === last ? waited + took : 0;
    last = now;
    if (now === 0) return;
    const size = files[scanAt(files, now).file]?.[1].length ?? 0;
    const longest = limit.base + (limit.perMebibyte * size) / 2 ** 20;
    if (waited >= longest)
      resolve({ begun: now, why: `it took longer than ${Math.round(longest / 1000)} s` });
  }, LOOK);
  const onMessage = (results: readonly ScanResults[]) => resolve({ results });
  const onError = (error: unknown) => {
    const now = Atomics.load(begun, 0);
    if (errnoOf(error) === 'ERR_WORKER_OUT_OF_MEMORY' && now > 0)
      resolve({ begun: now, why: 'it needed more memory than there is' });
    else reject(error);
  };
  const onAbort = () => reject(signal.reason);
  worker.once('message', onMessage).once('error', onError);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  else worker.postMessage({ files, begun } satisfies ScanMessage);
  try {
    return await promise;
  } finally {
    clearInterval(look);
    signal.removeEventListener('abort', onAbort);
    worker.off('message', onMessage).off('error', onError);
  }
}

/** The file and the name of a scan, by how many had begun with it. */
function scanAt(files: readonly ScanTask[], begun: number): { readonly file: number; readonly name: string } {
  let rest = begun;
  for (const [file, [, , names]] of files.entries()) {
    const name = names[rest - 1];
    if (name !== undefined) return { file, name };
    rest -= names.length;
  }
  throw new RangeError(`No scan ${begun}`);
}
