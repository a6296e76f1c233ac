import { parentPort } from 'node:worker_threads';
import type { AnyScan } from './rule.ts';
import { type ScanTask, scanTasks } from './scan.ts';

/** What a thread is sent: files, and one number for how many of their scans have begun, which others can see. */
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
