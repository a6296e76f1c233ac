import { link, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PrimitiveError } from '../core/errors.ts';
import type { Journal, JournalEntry } from '../features/gitops-scaffold/journal.ts';

/** Milliseconds after which an entry is of no use: GitHub keeps logs for 90 days, and a request is followed for hours. */
const KEPT = 30 * 24 * 3_600_000;

/**
 * Keeps requests as files of a folder, for its user alone. A file is written beside its place and then moved there: a
 * reader sees a whole entry or none. Throws `gitops-journal-unwritable` (exit 3).
 */
export function openJournal(folder: string): Journal {
  const pathOf = (key: string) => join(folder, `${key}.json`);

  async function write(
    key: string,
    entry: JournalEntry,
    place: (temporary: string) => Promise<void>,
  ): Promise<void> {
    const temporary = join(folder, `.${key}.${crypto.randomUUID()}`);
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await writeFile(temporary, `${JSON.stringify(entry)}\n`, { flag: 'wx', mode: 0o600 });
      await place(temporary);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'EEXIST') throw cause;
      throw unwritable(folder, cause);
    } finally {
      // Its folder may not even exist; the error above says why.
      await rm(temporary, { force: true }).catch(() => {});
    }
  }

  async function readAt(path: string): Promise<JournalEntry | undefined> {
    try {
      const entry: JournalEntry = JSON.parse(await readFile(path, 'utf8'));
      return entry.schema === 'primitive.gitops-journal/v1' ? entry : undefined;
    } catch {
      return undefined;
    }
  }

  const read = (key: string) => readAt(pathOf(key));

  /** The first entry that is written to a path. */
  async function createAt(path: string, key: string, entry: JournalEntry): Promise<JournalEntry> {
    try {
      // A link fails where the file exists.
      await write(key, entry, (temporary) => link(temporary, path));
      return entry;
    } catch (error) {
      if (error instanceof PrimitiveError) throw error;
    }
    const kept = await readAt(path);
    if (kept !== undefined) return kept;
    // Unreadable: of a newer version, or damaged.
    await write(key, entry, (temporary) => rename(temporary, path));
    return entry;
  }

  const keys = async () =>
    (await readdir(folder).catch(() => [])).flatMap((file) => /^([0-9a-f]{32})\.json$/.exec(file)?.[1] ?? []);

  return {
    read,

    async create(key, entry, ended) {
      await sweep(folder);
      if (ended === undefined) return createAt(pathOf(key), key, entry);
      // Of two that saw it end, the first names what comes after it.
      const kept = await createAt(join(folder, `.${key}.after-${ended.id}`), key, entry);
      const now = await read(key);
      // By now it may be known by its run.
      if (now?.id === kept.id) return now;
      if (now?.id === ended.id) await write(key, kept, (temporary) => rename(temporary, pathOf(key)));
      return kept;
    },

    replace: (key, entry) => write(key, entry, (temporary) => rename(temporary, pathOf(key))),

    remove: (key) => rm(pathOf(key), { force: true }),

    async list() {
      const found = await Promise.all(
        (await keys()).map(async (key) => {
          const [entry, file] = await Promise.all([read(key), stat(pathOf(key)).catch(() => undefined)]);
          return entry && file ? [{ entry, written: file.mtimeMs }] : [];
        }),
      );
      return found
        .flat()
        .sort((a, b) => b.written - a.written)
        .map(({ entry }) => entry);
    },
  };
}

/** Removes what is old, also what a killed process left. */
async function sweep(folder: string): Promise<void> {
  for (const file of await readdir(folder).catch(() => [])) {
    const path = join(folder, file);
    const found = await stat(path).catch(() => undefined);
    if (found && Date.now() - found.mtimeMs > KEPT) await rm(path, { force: true });
  }
}

function unwritable(folder: string, cause: unknown): PrimitiveError {
  return new PrimitiveError('gitops-journal-unwritable', `Cannot write to ${folder}.`, {
    why: `${cause instanceof Error ? cause.message : cause}. Without the journal a request that is interrupted could be made twice.`,
    suggestions: ['Set XDG_STATE_HOME to a folder that can be written.'],
    exit: 3,
    cause,
  });
}
