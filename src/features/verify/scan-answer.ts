import { parentPort } from 'node:worker_threads';
import type { AnyScan } from './rule.ts';
import { type ScanTask, scanTasks } from './scan.ts';

/** Message to a thread: files, and a shared counter of scans that have begun. */
export interface ScanMessage {
  readonly files: readonly ScanTask[];
  readonly begun: Int32Array<SharedArrayBuffer>;
}

/** Answers each message that this thread gets with the results of its files. */
export function answerTasks(scans: readonly AnyScan[]): void {
  parentPort?.on('message', async ({ files, begun }: ScanMessage) => {
    parentPort?.postMessage(await scanTasks(files, scans, () => void Atomics.add(begun, 0, 1)));
  });
}
