import { realpath, stat } from 'node:fs/promises';
import type { RealFile } from '../features/publish/secrets.ts';

/** What a path leads to, links followed; undefined where that is nothing. */
export async function realFile(path: string): Promise<RealFile | undefined> {
  try {
    const [real, { dev, ino }] = await Promise.all([realpath(path), stat(path, { bigint: true })]);
    return { path: real, id: `${dev}:${ino}` };
  } catch {
    return undefined;
  }
}
