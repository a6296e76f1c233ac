import { createHash } from 'node:crypto';
import pLimit from 'p-limit';
import type { AnyScan, Scan, ScannedFile } from './rule.ts';
import type { Fact, Obstacle, Primitive } from './subjects.ts';
import type { WorkTree } from './work-tree.ts';

/** What scans found in one file, by scan: `marker@1`. */
export type ScanResults = Readonly<Record<string, readonly object[]>>;

/** Results of earlier runs by path. */
export type ScanCache = ReadonlyMap<string, { readonly digest: string; readonly results: ScanResults }>;

/** Where results are kept between runs: best effort, nothing is lost with it. */
export interface ScanStore {
  read(): Promise<ScanCache>;
  write(cache: ScanCache): Promise<void>;
}

/** A larger file is written by no person, and is not read. */
const MAX_BYTES = 64 * 1024 * 1024;
/** Files that are read at the same time. */
const CONCURRENCY = 32;

/** Scans files; what was scanned before with the same content and version of the scan is taken from `store`. */
export async function scanFiles(
  paths: readonly string[],
  scans: readonly AnyScan[],
  {
    tree,
    store,
    ownerOf,
  }: {
    readonly tree: WorkTree;
    readonly store: ScanStore;
    /** The primitive that a file belongs to. */
    readonly ownerOf: (path: string) => Primitive | undefined;
  },
): Promise<readonly Fact[]> {
  const before = await store.read();
  const listed = new Set(await tree.list());
  const after = new Map([...before].filter(([path]) => listed.has(path)));
  let changed = after.size < before.size;
  const limit = pLimit(CONCURRENCY);
  const facts = await limit.map(paths, async (path): Promise<readonly Fact[]> => {
    const wanted = scans.filter((scan) => scan.applies(path));
    if (wanted.length === 0) return [];
    const bytes = await tree.read(path).catch((error: unknown) => unreadable(path, error));
    if (bytes === undefined) return [];
    if (!(bytes instanceof Uint8Array)) return [bytes];
    if (bytes.length > MAX_BYTES) return [unreadable(path, `it has more than ${MAX_BYTES} bytes`)];
    const digest = createHash('sha256').update(bytes).digest('base64url');
    const known = before.get(path);
    const results: Record<string, readonly object[]> = { ...(known?.digest === digest ? known.results : {}) };
    let file: ScannedFile | undefined;
    for (const scan of wanted) {
      const name = nameOf(scan);
      if (Object.hasOwn(results, name)) continue;
      file ??= { path, bytes, text: decode(bytes) };
      results[name] = await scan.scan(file);
    }
    if (file !== undefined) {
      after.set(path, { digest, results });
      changed = true;
    }
    const primitive = ownerOf(path);
    return wanted.flatMap((scan) =>
      (results[nameOf(scan)] ?? []).map(
        (found) => ({ subject: scan.subject, value: { ...found, path, primitive } }) as Fact,
      ),
    );
  });
  if (changed) await store.write(after);
  return facts.flat();
}

function nameOf({ subject, version }: Scan): string {
  return `${subject}@${version}`;
}

/** Text as people see it; a file with a NUL in its first part is binary, as for git. */
function decode(bytes: Uint8Array): string | undefined {
  if (bytes.subarray(0, 8000).includes(0)) return undefined;
  return new TextDecoder().decode(bytes);
}

function unreadable(path: string, error: unknown): Fact {
  const why = error instanceof Error ? error.message : String(error);
  const value: Obstacle = {
    cause: 'file-unreadable',
    families: ['IMP', 'MARK', 'SEC'],
    path,
    message: `${path} cannot be read: ${why}`,
  };
  return { subject: 'obstacle', value };
}
