import { scanThreads } from '../../src/adapters/scan-threads.ts';

/** Threads for scans, as the CLI opens them. */
export const threads = scanThreads(new URL('../../src/features/verify/scan-thread.ts', import.meta.url).href);
