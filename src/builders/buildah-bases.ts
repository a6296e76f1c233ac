import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exists } from '../core/exists.ts';
import type { RunBuildah, StorageDriver } from './buildah-run.ts';

/** In the folder of a base, where buildah is run. */
const IMAGE = 'root';
const LAYERS = 'layers';

/** A base as it is pulled: by digest, and of one platform. */
export interface Base {
  readonly reference: string;
  /** `linux/amd64` */
  readonly platform: string;
}

/** A pulled base, as the roots of two stores to read: with its image, and with nothing but its layers. */
export interface PulledBase {
  readonly image: string;
  readonly layers: string;
}

/**
 * Pulled bases, each for one platform in a store of its own that builds read and none writes: a name in such a store is one
 * image, and a base is pulled once, by however many builds it is needed.
 */
export interface PulledBases {
  /**
   * Pulls a base into a folder of bases unless it is there, by `pull`, which runs buildah and throws what it complains
   * about.
   */
  get(folder: string, base: Base, pull: PullBase): Promise<PulledBase>;
}

/** Runs buildah with these arguments, on the store that `run` is for. */
type PullBase = (run: RunBuildah, args: readonly string[]) => Promise<unknown>;

/** `runIn` gives a function that runs buildah on the store in a folder. */
export function createBases(
  driver: StorageDriver['name'],
  runIn: (folder: string) => RunBuildah,
): PulledBases {
  const pulling = new Map<string, Promise<void>>();

  /** Pulls beside the place, so that what is there is whole. What a killed one leaves goes with the month. */
  const pullTo = async (folder: string, store: string, { platform, reference }: Base, pull: PullBase) => {
    if (await exists(store)) return;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const partial = await mkdtemp(join(folder, '.pulling-'));
    const run = runIn(partial);
    try {
      await mkdir(join(partial, 'tmp'));
      await pull(run, ['pull', `--platform=${platform}`, reference]);
      await linkLayers(partial, driver);
      await rename(partial, store);
    } catch (error) {
      await run(['rmi', '--all', '--force']).catch(() => undefined);
      await rm(partial, { recursive: true, force: true });
      // Another process may have been faster.
      if (!(await exists(store))) throw error;
    }
  };

  return {
    async get(folder, base, pull) {
      const store = join(folder, nameOf(base));
      let work = pulling.get(store);
      if (!work) {
        work = pullTo(folder, store, base, pull).finally(() => pulling.delete(store));
        pulling.set(store, work);
      }
      await work;
      return { image: join(store, IMAGE), layers: join(store, LAYERS) };
    },
  };
}

/** Makes the second store: the layers of the first without its image (containers/storage, `images.json`). */
async function linkLayers(store: string, driver: string): Promise<void> {
  const images = join(store, LAYERS, `${driver}-images`);
  await mkdir(images, { recursive: true });
  for (const name of [driver, `${driver}-layers`])
    await symlink(join('..', IMAGE, name), join(store, LAYERS, name));
  await writeFile(join(images, 'images.json'), '[]');
  await writeFile(join(images, 'images.lock'), '');
}

export async function rootsOf(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => !name.startsWith('.')).map((name) => join(folder, name, IMAGE));
}

function nameOf({ reference, platform }: Base): string {
  return createHash('sha256').update(`${platform} ${reference}`).digest('hex').slice(0, 32);
}
