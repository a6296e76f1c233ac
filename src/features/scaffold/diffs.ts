import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { unifiedDiff } from '../../repository/unified-diff.ts';
import { type Contents, type PlannedFile, type ScaffoldPlan, WRITES } from './planned.ts';

/** A plan with the diff of each file that it writes, moves or deletes. `root` is the folder of the config. */
export async function withDiffs(
  plan: ScaffoldPlan,
  contents: Contents,
  { root }: { readonly root: string },
): Promise<ScaffoldPlan> {
  const files: PlannedFile[] = [];
  for (const file of plan.files) {
    // What was at the old path is shown as renamed.
    const isShownAsMove = file.action === 'delete' && file.reason === 'moved';
    const isChanged = [...WRITES, 'delete'].includes(file.action) && !isShownAsMove;
    files.push(isChanged ? { ...file, diff: await diffOf(file, plan.path, contents, root) } : file);
  }
  return { ...plan, files };
}

async function diffOf(
  { path, from = path, action, digest, merged = digest, mode, existing }: PlannedFile,
  folder: string,
  contents: Contents,
  root: string,
): Promise<string> {
  const oldFile = action === 'move' ? from : path;
  const isThere = action === 'move' || existing !== undefined;
  const [before, after] = [
    isThere ? await readFile(join(root, folder, oldFile)) : undefined,
    action === 'delete' ? undefined : contents.get(merged),
  ];
  const [old, now] = [before, after].map((bytes) => (bytes === undefined ? undefined : textOf(bytes)));
  const [oldPath, newPath] = [`${folder}/${oldFile}`, `${folder}/${path}`];
  if (old === null || now === null)
    return `diff --git a/${oldPath} b/${newPath}\nBinary files a/${oldPath} and b/${newPath} differ\n`;
  return unifiedDiff({ path: oldPath, text: old }, { path: newPath, text: now, mode });
}

/** null for what is no text. */
function textOf(bytes: Uint8Array): string | null {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return text.includes('\0') ? null : text;
  } catch {
    return null;
  }
}
