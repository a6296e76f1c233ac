import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { AnyScan, Scan } from './rule.ts';
import type { Fact, Primitive } from './subjects.ts';
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

/** Scans files; what was scanned before with the same content and version of the scan is taken from `store`. */
export async function scanFiles(
  paths: readonly string[],
  scans: readonly AnyScan[],
  {
    tree,
    store,
    ownerOf,
    signal,
  }: {
    readonly tree: WorkTree;
    readonly store: ScanStore;
    readonly signal: AbortSignal;
    /** The primitive that a file belongs to. */
    readonly ownerOf: (path: string) => Primitive | undefined;
  },
): Promise<readonly Fact[]> {
  const before = await store.read();
  const listed = new Set(await tree.list());
  const after = new Map([...before].filter(([path]) => listed.has(path)));
  let changed = after.size < before.size;
  const facts: Fact[] = [];
  for (const path of paths) {
    // Nothing below waits for anything: here a signal and the display get their turn.
    await setImmediate(undefined, { signal });
    const wanted = scans.filter((scan) => scan.applies(path));
    if (wanted.length === 0) continue;
    const bytes = await tree.read(path);
    if (bytes === undefined) continue;
    const digest = createHash('sha256').update(bytes).digest('base64url');
    const known = before.get(path);
    const earlier = known?.digest === digest ? known.results : {};
    const results = await scanBytes(path, bytes, wanted, earlier);
    if (results !== earlier) after.set(path, { digest, results });
    changed ||= results !== earlier;
    const primitive = ownerOf(path);
    for (const scan of wanted) {
      for (const found of results[nameOf(scan)] ?? []) {
        facts.push({ subject: scan.subject, value: { ...found, path, primitive } } as Fact);
      }
    }
  }
  if (changed) await store.write(after);
  return facts;
}

/** The results of all scans that are wanted; `earlier` itself where it has them. */
async function scanBytes(
  path: string,
  bytes: Uint8Array,
  wanted: readonly AnyScan[],
  earlier: ScanResults,
): Promise<ScanResults> {
  const missing = wanted.filter((scan) => !Object.hasOwn(earlier, nameOf(scan)));
  if (missing.length === 0) return earlier;
  const file = { path, bytes, text: decode(bytes) };
  const results: Record<string, readonly object[]> = { ...earlier };
  for (const scan of missing) results[nameOf(scan)] = await scan.scan(file);
  return results;
}

function nameOf({ subject, version }: Scan): string {
  return `${subject}@${version}`;
}

/** Text as people see it, also in the UTF-16 of Windows; a file with a NUL in its first part is binary, as for git. */
function decode(bytes: Uint8Array): string | undefined {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return new TextDecoder('utf-16le').decode(bytes);
  if (first === 0xfe && second === 0xff) return new TextDecoder('utf-16be').decode(bytes);
  if (bytes.subarray(0, 8000).includes(0)) return undefined;
  return new TextDecoder().decode(bytes);
}
