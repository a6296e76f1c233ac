import { isUtf8 } from 'node:buffer';
import type { RunResult } from '../core/process.ts';
import type { DirtyFile, FolderEntry, FolderEntryMode, Head } from '../repository/source-tree.ts';
import { corrupt, decode, type Git, text } from './git-command.ts';

/**
 * The names in a tree object: `MODE SP NAME NUL ID` each, the mode in octal digits, the id as bytes (gitformat-pack and
 * git's own `decode_tree_entry`). Throws `git-object-corrupt` (exit 3) for anything else.
 */
export function parseTree(bytes: Uint8Array, head: Head): readonly FolderEntry[] {
  const tree = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const idLength = head.objectFormat === 'sha256' ? 32 : 20;
  const entries: FolderEntry[] = [];
  for (let start = 0; start < tree.length; ) {
    const space = tree.indexOf(0x20, start);
    const zero = tree.indexOf(0, space);
    const end = zero + 1 + idLength;
    if (space < 0 || zero < 0 || end > tree.length)
      throw corrupt('Cannot read a git tree: its format is wrong');
    entries.push({
      ...nameOf(tree, space + 1, zero),
      mode: modeOf(Number.parseInt(tree.toString('latin1', start, space), 8)),
      object: tree.toString('hex', zero + 1, end),
    });
    start = end;
  }
  return entries;
}

/** The type is what counts, and of a file whether its owner may run it: old trees have modes such as 100664. */
function modeOf(mode: number): FolderEntryMode {
  const type = mode & 0o170000;
  if (type === 0o040000) return '040000';
  if (type === 0o100000) return (mode & 0o100) === 0 ? '100644' : '100755';
  return type === 0o120000 ? '120000' : '160000';
}

function nameOf(tree: Buffer, start: number, end: number): Pick<FolderEntry, 'name' | 'undecodable'> {
  const name = tree.toString('utf8', start, end);
  if (!name.includes('\ufffd') || isUtf8(tree.subarray(start, end))) return { name };
  const shown = tree
    .toString('latin1', start, end)
    .replace(/[\x80-\xff]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16)}`);
  return { name: shown, undecodable: true };
}

/** See `SourceTree.changes`. Lists tracked and untracked files at the same time: each walks all folders. */
export async function listChanges(git: Git): Promise<readonly DirtyFile[]> {
  const [tracked, untracked] = await Promise.all([
    git.expect([
      'status',
      '--porcelain=v1',
      '-z',
      '--untracked-files=no',
      '--no-renames',
      // A submodule counts if it is at another commit; its own files do not: it is refused as an input.
      '--ignore-submodules=dirty',
    ]),
    git.expect(['ls-files', '--others', '--exclude-standard', '-z']),
  ]);
  return [
    ...records(tracked).map((record) => ({ path: record.slice(3), state: changeState(record.slice(0, 2)) })),
    ...records(untracked).map((path) => ({ path, state: 'untracked' as const })),
  ].sort((a, b) => (a.path < b.path ? -1 : 1));
}

function records(result: RunResult): readonly string[] {
  return decode(result.stdout)
    .split('\0')
    .filter((record) => record !== '');
}

/** Git-status, "Short Format": the letters of index and work tree. */
function changeState(letters: string): DirtyFile['state'] {
  if (letters.includes('U') || letters === 'AA' || letters === 'DD') return 'conflicted';
  if (letters.includes('D')) return 'deleted';
  return letters.includes('A') ? 'added' : 'modified';
}

/** See `SourceTree.filters`. */
export async function readFilters(git: Git, paths: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  if (paths.length === 0) return found;
  const result = await git.expect(['check-attr', '--cached', '-z', '--stdin', 'filter'], {
    input: paths.map((path) => `${path}\0`).join(''),
  });
  const fields = text(result).split('\0');
  for (let i = 0; i + 2 < fields.length; i += 3) {
    const [path = '', , value = ''] = fields.slice(i, i + 3);
    if (value !== 'unspecified' && value !== 'unset') found.set(path, value);
  }
  return found;
}
