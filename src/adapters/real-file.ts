import { realpath, stat } from 'node:fs/promises';
import type { RealFile } from '../features/publish/secrets.ts';

/** The target of a path, links followed; undefined if there is none. */
export async function realFile(path: string): Promise<RealFile | undefined> {
  try {
    const [real, { dev, ino }] = await Promise.all([realpath(path), stat(path, { bigint: true })]);
    return { path: real, id: `${dev}:${ino}` };
  } catch {
    return undefined;
  }
}
