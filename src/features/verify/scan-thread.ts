/** What a thread for scans runs: it answers files with what scans find in them. */
import { parentPort } from 'node:worker_threads';
import { type ScanTask, scanTasks } from './scan.ts';
import { SCANS } from './scans.ts';

const scans = SCANS.map(({ scan }) => scan);
parentPort?.on('message', async (files: readonly ScanTask[]) => {
  parentPort?.postMessage(await scanTasks(files, scans));
});
