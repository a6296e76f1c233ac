import { hash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { AnyScan, Scan } from './rule.ts';
import type { Fact, InFile } from './subjects.ts';
import type { WorkTree } from './work-tree.ts';

/** Results of scans for one file, by scan: `marker@1`. */
export type ScanResults = Readonly<Record<string, readonly object[]>>;

/** Results of an earlier run for one file. */
interface Kept {
  /** Of its bytes. */
  readonly digest: string;
  /** Of the file when it was read; undefined if it had just been written. */
  readonly stamp: string | undefined;
  readonly results: ScanResults;
}

/** Results of earlier runs by path. */
export type ScanCache = ReadonlyMap<string, Kept>;

/** Where results are kept between runs: best effort, nothing is lost with it. */
export interface ScanStore {
  read(): Promise<ScanCache>;
  write(cache: ScanCache): Promise<void>;
}

/** A file to scan, and the names of the scans. */
export type ScanTask = readonly [path: string, bytes: Uint8Array, scans: readonly string[]];

/**
 * Other threads that scan; each is started by the first files that it is given. This one stays free for signals, and can
 * end a scan that finds no end: a file of the repository says how long a scan takes.
 */
export interface ScanThreads {
  readonly count: number;
  open(signal: AbortSignal): ScanThread & AsyncDisposable;
}
export interface ScanThread {
  /** Outcome of each file, in their order. */
  readonly scan: (files: readonly ScanTask[]) => Promise<readonly ScanOutcome[]>;
}

export interface ScanOutcome {
  readonly results: ScanResults;
  /** Scans that were ended, by name, with the reason: `it took longer than 5 s`. */
  readonly ended: Readonly<Record<string, string>>;
}

/** Files in the first batch: enough for most repositories, so that no second thread starts. */
const FIRST = 250;
/** Files in later batches, and bytes after which a batch is full. */
const FILES = 32;
const BYTES = 1024 * 1024;
/** Milliseconds of reading after which a signal and the display get their turn. */
const TURN = 20;

/** A scan of a file that was ended before it had found all. */
export interface EndedScan {
  readonly path: string;
  readonly scan: AnyScan;
  /** Half a sentence. */
  readonly why: string;
}

/** Results of scans, and the scans that read each file to its end. */
export interface Scanned {
  readonly facts: readonly Fact[];
  readonly ended: readonly EndedScan[];
  readonly read: ReadonlyMap<string, readonly AnyScan[]>;
}

/** Bytes to scan, and the key of what was found in them. */
interface Bytes {
  readonly path: string;
  readonly key: string;
  readonly stamp: () => string | undefined;
  readonly read: () => Promise<Uint8Array | undefined>;
}

/** Suffix of the key for bytes in git that differ from the work tree; no path contains it. */
const STORED = '\0stored';

/**
 * Scans files; what was scanned before with the same content and version of the scan is taken from `store`. A file that has
 * not been written since is not read again.
 */
export async function scanFiles(
  paths: readonly string[],
  scans: readonly AnyScan[],
  {
    tree,
    store,
    threads,
    inFile,
    signal,
  }: {
    readonly tree: WorkTree;
    readonly store: ScanStore;
    readonly threads: ScanThreads;
    readonly signal: AbortSignal;
    readonly inFile: (path: string) => Omit<InFile, 'path'>;
  },
): Promise<Scanned> {
  const before = await store.read();
  const [listed, stored] = await Promise.all([tree.list().then((list) => new Set(list)), tree.stored()]);
  const sources = paths.flatMap((path): Bytes[] => {
    const read = stored.get(path);
    const own = { path, key: path, stamp: () => tree.stamp(path), read: () => tree.read(path) };
    return read === undefined
      ? [own]
      : [own, { path, key: `${path}${STORED}`, stamp: () => undefined, read }];
  });
  const after = new Map(before);
  for (const key of before.keys())
    if (!listed.has(key.endsWith(STORED) ? key.slice(0, -STORED.length) : key)) after.delete(key);
  /** By position in `sources`. */
  const found: ScanResults[] = [];

  const ended: EndedScan[] = [];
  let isNew = after.size < before.size;
  const keep = (key: string, kept: Kept) => {
    isNew = true;
    after.set(key, kept);
  };
  const keepStamp = (key: string, kept: Kept) => {
    if (kept.stamp !== undefined) keep(key, kept);
  };
  const batches = unscanned(sources, scans, { before, found, keepStamp, signal });
  const work = async () => {
    await using thread = threads.open(signal);
    for await (const batch of batches) {
      const outcomes = await thread.scan(batch.map(({ task }) => task));
      for (const [i, { index, task, key, ...read }] of batch.entries()) {
        const outcome = outcomes[i];
        const all = { ...found[index], ...outcome?.results };
        found[index] = all;
        keep(key, { ...read, results: all });
        for (const scan of scans) {
          const why = outcome?.ended[nameOf(scan)];
          if (why !== undefined) ended.push({ path: task[0], scan, why });
        }
      }
    }
  };
  await Promise.all(Array.from({ length: threads.count }, work));
  if (isNew) await store.write(after);
  return { facts: factsOf(sources, scans, found, inFile), ended, read: readBy(sources, scans, found) };
}

/**
 * Reads files and puts what is known of them into `found`, by position in `sources`; yields those that have to be
 * scanned, some at a time.
 */
async function* unscanned(
  sources: readonly Bytes[],
  scans: readonly AnyScan[],
  {
    before,
    found,
    keepStamp,
    signal,
  }: {
    readonly before: ScanCache;
    readonly found: ScanResults[];
    /** For a file that was written with the same bytes. */
    readonly keepStamp: (key: string, kept: Kept) => void;
    readonly signal: AbortSignal;
  },
) {
  const named = scans.map((scan) => ({ scan, name: nameOf(scan) }));
  let batch: (Omit<Kept, 'results'> & { index: number; key: string; task: ScanTask })[] = [];
  let limit = FIRST;
  let size = 0;
  let turn = performance.now();
  for (const [index, source] of sources.entries()) {
    if (performance.now() - turn > TURN) {
      await setImmediate(undefined, { signal });
      turn = performance.now();
    }
    const { path, key } = source;
    const wanted = named.filter(({ scan }) => scan.applies(path)).map(({ name }) => name);
    if (wanted.length === 0) continue;
    const missingIn = (results: ScanResults) => wanted.filter((name) => !Object.hasOwn(results, name));
    const known = before.get(key);
    // Before it is read: what is written meanwhile has another one.
    const stamp = source.stamp();
    if (stamp !== undefined && known?.stamp === stamp && missingIn(known.results).length === 0) {
      found[index] = known.results;
      continue;
    }
    const bytes = await source.read();
    if (bytes === undefined) continue;
    const digest = hash('sha256', bytes, 'base64url');
    const earlier = known?.digest === digest ? known.results : {};
    found[index] = earlier;
    const missing = missingIn(earlier);
    if (missing.length === 0) {
      keepStamp(key, { digest, stamp, results: earlier });
      continue;
    }
    batch.push({ index, key, digest, stamp, task: [path, bytes, missing] });
    size += bytes.length;
    if (batch.length < limit && size < BYTES) continue;
    yield batch;
    batch = [];
    limit = FILES;
    size = 0;
  }
  if (batch.length > 0) yield batch;
}

function factsOf(
  sources: readonly Bytes[],
  scans: readonly AnyScan[],
  found: readonly ScanResults[],
  inFile: (path: string) => Omit<InFile, 'path'>,
): readonly Fact[] {
  const named = scans.map((scan) => ({ subject: scan.subject, name: nameOf(scan) }));
  const facts: Fact[] = [];
  for (const [index, { path, key }] of sources.entries()) {
    const { primitive, shippedBy } = inFile(path);
    for (const { subject, name } of named) {
      const results = found[index]?.[name] ?? [];
      // The bytes in git mostly have the same facts.
      if (key !== path && isDeepStrictEqual(results, found[index - 1]?.[name])) continue;
      for (const one of results)
        facts.push({ subject, value: { ...one, path, primitive, shippedBy } } as Fact);
    }
  }
  return facts;
}

/** The scans that read each file to its end; of a file that git holds in other bytes, those of both. */
function readBy(
  sources: readonly Bytes[],
  scans: readonly AnyScan[],
  found: readonly ScanResults[],
): Scanned['read'] {
  const named = scans.map((scan) => ({ scan, name: nameOf(scan) }));
  /** Most files are read by the same few scans: one list for all of them. */
  const lists = new Map<string, readonly AnyScan[]>();
  const listOf = (isIn: (one: (typeof named)[number]) => boolean) => {
    const own = named.filter(isIn);
    const id = own.map(({ name }) => name).join();
    const list = lists.get(id) ?? own.map(({ scan }) => scan);
    lists.set(id, list);
    return list;
  };
  const read = new Map<string, readonly AnyScan[]>();
  for (const [index, { path, key }] of sources.entries()) {
    const results = found[index] ?? {};
    const before = key === path ? undefined : (read.get(path) ?? []);
    const own = listOf(
      ({ scan, name }) => Object.hasOwn(results, name) && (before === undefined || before.includes(scan)),
    );
    read.set(path, own);
  }
  return read;
}

/** Runs the named scans on each file; `begin` is called before each scan of each file, in their order. */
export async function scanTasks(
  files: readonly ScanTask[],
  scans: readonly AnyScan[],
  begin: () => void = () => {},
): Promise<readonly ScanResults[]> {
  const byName = new Map(scans.map((scan) => [nameOf(scan), scan]));
  const all: ScanResults[] = [];
  for (const [path, bytes, names] of files) {
    const file = { path, bytes, text: decode(bytes) };
    const results: Record<string, readonly object[]> = {};
    for (const name of names) {
      begin();
      results[name] = (await byName.get(name)?.scan(file)) ?? [];
    }
    all.push(results);
  }
  return all;
}

/** The name that results of a scan are kept by: `marker@1`. */
function nameOf({ subject, version }: Scan): string {
  return `${subject}@${version}`;
}

/** Text as people see it, also in the UTF-16 of Windows; a file with a NUL in its first part is binary, as for git. */
export function decode(bytes: Uint8Array): string | undefined {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return new TextDecoder('utf-16le').decode(bytes);
  if (first === 0xfe && second === 0xff) return new TextDecoder('utf-16be').decode(bytes);
  const start = bytes.subarray(0, 8000);
  if (!start.includes(0)) return new TextDecoder().decode(bytes);
  const encoding = wideEncoding(start);
  return encoding && new TextDecoder(encoding).decode(bytes);
}

/** UTF-16 without a byte order mark: almost every other byte is NUL, and the others are not. */
function wideEncoding(start: Uint8Array): 'utf-16le' | 'utf-16be' | undefined {
  const zeros = [0, 0];
  for (const [i, byte] of start.entries()) if (byte === 0) zeros[i % 2] = (zeros[i % 2] ?? 0) + 1;
  const [even = 0, odd = 0] = zeros.map((count) => count / Math.max(1, start.length / 2));
  if (odd > 0.8 && even < 0.05) return 'utf-16le';
  return even > 0.8 && odd < 0.05 ? 'utf-16be' : undefined;
}
