import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Folders of the same name that are kept. */
const KEPT = 10;

/**
 * A folder for what one run leaves to be read later, which does not exist yet: `<parent>/<name>-<time>-<random>`. Of
 * those of earlier runs, all but the newest are removed, best effort.
 */
export async function runFolder(parent: string, name: string): Promise<string> {
  const found = await readdir(parent).catch(() => []);
  const earlier = found.filter((one) => one.startsWith(`${name}-`)).sort();
  const old = earlier.slice(0, Math.max(0, earlier.length + 1 - KEPT));
  await Promise.all(
    old.map((one) => rm(join(parent, one), { recursive: true, force: true }).catch(() => {})),
  );
  return join(parent, `${name}-${Date.now()}-${crypto.randomUUID()}`);
}
