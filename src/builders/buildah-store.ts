import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readdir, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { exists } from '../core/exists.ts';
import { rootsOf } from './buildah-bases.ts';
import { type BuildahSetup, type RunBuildah, runIn, type StoreOptions } from './buildah-run.ts';

const CLEANUP_MS = 60_000;
/** Folder of the cache mounts, beside the stores. */
const CACHE = 'cache';
/** Folder of the pulled bases, beside the stores. */
const BASES = 'bases';

/** A store of images and containers for one build of one platform at a time; disposing of it removes all that is in it. */
export interface Store extends AsyncDisposable {
  /** Name for the image of this one build: a killed one may still be at work, and its image must not be taken for it. */
  readonly image: string;
  /** Folder of the bases that all builds of the namespace read. */
  readonly bases: string;
  readonly run: RunBuildah;
}

/**
 * Opens a store of this cache namespace; what a killed build left in it is removed first.
 *
 * Stores and cache mounts start empty each month, and those of the month before last are removed: no more is kept than
 * what the builds of two months pulled and cached.
 */
export async function openStore(
  setup: BuildahSetup,
  options: StoreOptions,
  cacheNamespace: string,
  now = new Date(),
): Promise<Store> {
  const namespace = join(setup.storage, shortHash(cacheNamespace));
  const wanted = join(namespace, monthOf(now, 0));
  await mkdir(join(wanted, CACHE), { recursive: true, mode: 0o700 });
  await removeOld(setup, options, namespace, now);
  // Locks and leftovers are identified by path, so the path must be unique.
  const current = await realpath(wanted);
  const { lock, slot } = await takeSlot(current);
  const folder = join(current, String(slot));
  const temporary = join(folder, 'tmp');
  const marker = join(folder, 'in-use');
  const bases = join(current, BASES);
  const runStore = runIn(setup, options, folder);
  /** `whole`: also what a build leaves that did not end by itself. */
  const clean = async (whole: boolean) => {
    // Layers of the store may stand on any of them.
    const below = await rootsOf(bases);
    if (whole) {
      await endSteps(setup, options.runtime, temporary);
      await runStore(['rm', '--all'], { timeout: CLEANUP_MS }, below);
    }
    await runStore(['rmi', '--all', '--force'], { timeout: CLEANUP_MS }, below);
    // Of the links to the cache mounts only the links.
    await rm(temporary, { recursive: true, force: true });
    await rm(marker, { force: true });
  };
  let unfinished = 0;
  const run: RunBuildah = async (...call) => {
    unfinished += 1;
    const result = await runStore(...call);
    if (result.exitCode === 0) unfinished -= 1;
    return result;
  };
  try {
    if (await exists(marker)) await clean(true);
    await mkdir(temporary, { recursive: true, mode: 0o700 });
    await shareCacheMounts(join(current, CACHE), temporary);
    await writeFile(marker, '');
  } catch (error) {
    lock.close();
    throw error;
  }
  return {
    image: `localhost/primitive-${randomBytes(8).toString('hex')}`,
    bases,
    run,
    async [Symbol.asyncDispose]() {
      // A folder that cannot be removed now does not change the image: the marker stays, and the next build tries again.
      await clean(unfinished > 0).catch(() => {});
      lock.close();
    },
  };
}

/** buildah keeps cache mounts below TMPDIR, since 1.30 by user: links make them those of all builds of the namespace. */
async function shareCacheMounts(cache: string, temporary: string): Promise<void> {
  for (const name of ['buildah-cache', `buildah-cache-${process.getuid?.() ?? 0}`])
    await symlink(cache, join(temporary, name));
}

/** `2026-11`, of the month that is so many before. */
function monthOf(now: Date, before: number): string {
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - before)).toISOString().slice(0, 7);
}

/** Removes what no build can use any more; that of last month may still be in use. */
async function removeOld(
  setup: BuildahSetup,
  options: StoreOptions,
  namespace: string,
  now: Date,
): Promise<void> {
  const kept = [monthOf(now, 0), monthOf(now, 1)];
  for (const month of await readdir(namespace)) {
    if (kept.includes(month)) continue;
    const folder = join(namespace, month);
    const slots = (await readdir(folder)).filter((name) => name !== CACHE && name !== BASES);
    const bases = await readdir(join(folder, BASES)).catch(() => []);
    for (const store of [...slots, ...bases.map((base) => join(BASES, base))]) {
      const run = runIn(setup, options, join(folder, store));
      // buildah unmounts, and without root may remove what other user ids own.
      await run(['rm', '--all'], { timeout: CLEANUP_MS });
      await run(['rmi', '--all', '--force'], { timeout: CLEANUP_MS });
    }
    // A folder that cannot be removed costs only space; the next build tries again.
    await rm(folder, { recursive: true, force: true }).catch(() => {});
  }
}

/**
 * Ends containers of steps that their buildah could not end itself: it was killed, or the abort came while the container
 * was being created. They are found by their bundles, which are in the store's temporary folder.
 */
async function endSteps(
  { processes }: BuildahSetup,
  runtime: string | undefined,
  temporary: string,
): Promise<void> {
  if (runtime === undefined) return;
  const list = await processes.run(runtime, ['list', '--format=json'], { timeout: CLEANUP_MS });
  const containers = JSON.parse(Buffer.from(list.stdout).toString() || 'null') as
    | readonly { readonly id: string; readonly bundle: string }[]
    | null;
  for (const { id, bundle } of containers ?? []) {
    if (!bundle.startsWith(join(temporary, '/'))) continue;
    await processes.run(runtime, ['delete', '--force', id], { timeout: CLEANUP_MS });
  }
}

/**
 * The first store of the namespace that no process uses. The lock is a name in Linux's abstract
 * socket namespace: the kernel gives it to one process and frees it however that one ends.
 */
async function takeSlot(namespace: string): Promise<{ lock: Server; slot: number }> {
  for (let slot = 0; ; slot++) {
    const lock = await listen(`\0primitive-buildah-${shortHash(namespace)}-${slot}`);
    if (lock) return { lock, slot };
  }
}

function listen(path: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen({ path }, () => resolve(server.unref()));
  });
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
