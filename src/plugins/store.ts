import { randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { messageOf, PrimitiveError } from '../core/errors.ts';
import { errnoOf, explained, isMissing } from '../repository/file-errors.ts';
import { isAlive } from '../repository/staging.ts';
import type { PluginManifest } from './manifest.ts';

/** A plugin of this machine, as it was when it was installed: what is read of it when a command starts. */
export interface InstalledPlugin extends PluginManifest {
  /** The requested spec: `@acme/rust@^1`; the folder of one that is linked. */
  readonly spec: string;
  /** Of the package, as npm's lock file has it; null for one that is linked. */
  readonly integrity: string | null;
  /** URL that it came from; null for one that is linked, or where npm does not say. */
  readonly resolved: string | null;
  /** SHA-256 of the lock file that it was installed by, with all that it depends on; null if npm chose. */
  readonly locked: string | null;
  readonly linked: boolean;
  /** The package, absolute. */
  readonly folder: string;
}

/** A record of a plugin that cannot be read. */
export interface BrokenEntry {
  readonly name: string;
  readonly why: string;
}

const FORMAT = 'primitive.installed-plugin/v1';
const NEW = '.new-';

/**
 * Reads what is installed, sorted by name. `store` is the folder of plugins of this user; without it there are none.
 *
 * Each plugin has a record `<name>.json`, which appears by one rename, and a folder of its own that nobody writes to after
 * that: two processes that install at the same time do not meet.
 */
export function readInstalled(store: string): {
  readonly plugins: readonly InstalledPlugin[];
  readonly broken: readonly BrokenEntry[];
} {
  const plugins: InstalledPlugin[] = [];
  const broken: BrokenEntry[] = [];
  for (const file of namesIn(store)
    .filter((name) => name.endsWith('.json'))
    .sort()) {
    const name = decodeURIComponent(basename(file, '.json'));
    try {
      plugins.push(readRecord(store, file, name));
    } catch (error) {
      if (!isMissing(error)) broken.push({ name, why: messageOf(error) });
    }
  }
  return { plugins, broken };
}

function readRecord(store: string, file: string, name: string): InstalledPlugin {
  const { format, ...plugin } = JSON.parse(readFileSync(join(store, file), 'utf8'));
  if (format !== FORMAT || plugin.name !== name || typeof plugin.folder !== 'string')
    throw new Error(`${join(store, file)} is not a record of this version`);
  const folder = plugin.linked ? plugin.folder : join(store, plugin.folder);
  if (!existsSync(join(folder, 'package.json'))) throw new Error(`${folder} is not there`);
  return { ...plugin, folder };
}

/** An empty folder for an install that has not ended; disposing of it removes it. Throws `not-writable`, `disk-full`. */
export function openNew(store: string): { readonly folder: string } & Disposable {
  sweep(store);
  const folder = join(store, `${NEW}${process.pid}-${randomBytes(4).toString('hex')}`);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw explained(cause, `write to ${store}`);
  }
  return {
    folder,
    [Symbol.dispose]() {
      rmSync(folder, { recursive: true, force: true });
      removeIfEmpty(store);
    },
  };
}

/** Puts what was installed into an {@link openNew} folder in force, in place of the one of that name. */
export function keep(store: string, made: string, plugin: Omit<InstalledPlugin, 'folder'>): InstalledPlugin {
  const { name, version } = plugin;
  // The process is in the name: until the record is there, only a process that runs may own it.
  const place = `${encodeURIComponent(name)}@${version}-${process.pid}-${randomBytes(4).toString('hex')}`;
  const folder = join(place, 'node_modules', name);
  renameSync(made, join(store, place));
  writeRecord(store, { ...plugin, folder });
  sweep(store);
  return { ...plugin, folder: join(store, folder) };
}

/** Puts a folder of a developer in force. */
export function link(store: string, plugin: InstalledPlugin): void {
  try {
    mkdirSync(store, { recursive: true, mode: 0o700 });
    writeRecord(store, plugin);
  } catch (cause) {
    throw explained(cause, `write to ${store}`);
  }
  sweep(store);
}

/** Removes a plugin and all that was installed with it; a linked folder stays. False if there is none of that name. */
export function remove(store: string, name: string): boolean {
  const record = recordOf(store, name);
  const there = existsSync(record);
  rmSync(record, { force: true });
  sweep(store);
  removeIfEmpty(store);
  return there;
}

function writeRecord(store: string, plugin: InstalledPlugin): void {
  const temporary = join(store, `${NEW}${process.pid}-${randomBytes(4).toString('hex')}`);
  writeFileSync(temporary, `${JSON.stringify({ format: FORMAT, ...plugin }, null, 2)}\n`, {
    flag: 'wx',
    mode: 0o600,
  });
  renameSync(temporary, recordOf(store, plugin.name));
}

function recordOf(store: string, name: string): string {
  return join(store, `${encodeURIComponent(name)}.json`);
}

/** Removes what killed processes left, and folders that no record names any more. */
function sweep(store: string): void {
  const names = namesIn(store);
  const used = new Set(
    names.flatMap((name) => {
      if (!name.endsWith('.json')) return [];
      try {
        const { folder } = JSON.parse(readFileSync(join(store, name), 'utf8'));
        return typeof folder === 'string' ? [folder.split(/[/\\]/)[0]] : [];
      } catch {
        return [];
      }
    }),
  );
  for (const name of names) {
    if (name.endsWith('.json') || used.has(name)) continue;
    const [, owner] = /(?:^\.new|@[^@]+)-(\d+)-[0-9a-f]{8}$/.exec(name) ?? [];
    if (owner === undefined || (Number(owner) !== process.pid && isAlive(Number(owner)))) continue;
    if (name.startsWith(`${NEW}${process.pid}-`)) continue;
    try {
      rmSync(join(store, name), { recursive: true, force: true });
    } catch {
      // The next install tries again.
    }
  }
}

function namesIn(store: string): readonly string[] {
  try {
    return readdirSync(store);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw new PrimitiveError('plugins-unreadable', `Cannot read the plugins in ${store}.`, {
      why: messageOf(error),
      exit: 3,
      cause: error,
    });
  }
}

/** The folder, and that of this program around it. */
function removeIfEmpty(store: string): void {
  for (const folder of [store, dirname(store)]) {
    try {
      rmdirSync(folder);
    } catch {
      return;
    }
  }
}
