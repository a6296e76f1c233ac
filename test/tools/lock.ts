import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Runs `work` while no other process does the same in `folder`.
 * The lock is SQLite's file lock: the kernel frees it when its holder dies, so it is never stale.
 */
export async function exclusively<T>(folder: string, onWait: () => void, work: () => Promise<T>): Promise<T> {
  mkdirSync(folder, { recursive: true });
  const database = new DatabaseSync(join(folder, 'lock.db'));
  try {
    let told = false;
    while (!locked(database)) {
      if (!told) onWait();
      told = true;
      await sleep(250);
    }
    return await work();
  } finally {
    database.close();
  }
}

function locked(database: DatabaseSync): boolean {
  try {
    database.exec('BEGIN EXCLUSIVE');
    return true;
  } catch (error) {
    if (error instanceof Error && /locked|busy/i.test(error.message)) return false;
    throw error;
  }
}
