import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf } from '../../core/digest.ts';
import { PrimitiveError } from '../../core/errors.ts';
import { byKey } from '../../core/order.ts';
import { pathFault } from '../../core/path-fault.ts';
import { type Installed, installedSchema } from '../../gitops/kit-document.ts';
import { lookBelow } from '../../repository/safe-path.ts';
import { applyChanges, type FileChange } from '../../repository/transaction.ts';
import { schemaFaults } from '../../yaml/schema-faults.ts';
import type { KitChange } from './plan.ts';
import { type FileTexts, PRIMITIVE_FOLDER } from './render.ts';

/** The record of what is installed. It holds the texts: a clone may be shallow, and what was committed may be edited. */
export const RECORD_FILE = `${PRIMITIVE_FOLDER}/installed.json`;

/** The record; undefined if no kit is installed. Throws `kit-record-invalid` (exit 2). */
export async function readRecord(root: string): Promise<Installed | undefined> {
  const text = (await readFiles(root, [RECORD_FILE])).get(RECORD_FILE);
  if (text === undefined) return undefined;
  try {
    const record: Installed = JSON.parse(text);
    const fault = schemaFaults(installedSchema, record)[0]?.message ?? (await recordFault(record));
    if (fault === undefined) return record;
    throw new Error(fault);
  } catch (cause) {
    throw new PrimitiveError('kit-record-invalid', `Cannot read ${RECORD_FILE}.`, {
      why: `${cause instanceof Error ? cause.message : cause}; an update needs it`,
      suggestions: fromHistory(RECORD_FILE),
      cause,
    });
  }
}

/** How a file that is damaged or missing comes back, even if HEAD has it so. */
export function fromHistory(path: string): readonly string[] {
  return [
    `Find the last commit that has it whole: git log --oneline --diff-filter=AM -- ${path}`,
    `Take it from there: git checkout COMMIT -- ${path}`,
  ];
}

/** Checks beyond the schema. A record comes with a clone: its paths must not lead out of it. */
async function recordFault({ version, files }: Installed): Promise<string | undefined> {
  const { valid } = await import('semver');
  if (valid(version) === null) return `\`version\` is not a version: ${JSON.stringify(version)}`;
  for (const path of Object.keys(files)) {
    const fault = pathFault(path);
    if (fault !== undefined) return `\`files\` has ${JSON.stringify(path)}: ${fault}`;
  }
  return undefined;
}

export function recordText(version: string, files: FileTexts): string {
  const record: Installed = {
    schema: 'primitive.kit-installed/v1',
    version,
    files: Object.fromEntries([...files].sort(byKey)),
  };
  return `${JSON.stringify(record, null, 2)}\n`;
}

/** The texts of those paths that are files. Throws `kit-path-blocked` (exit 2) for a link, or a folder in a file's place. */
export async function readFiles(root: string, paths: Iterable<string>): Promise<FileTexts> {
  const files = new Map<string, string>();
  for (const path of paths) {
    const found = await lookBelow(root, path);
    if (found.type === 'missing') continue;
    if (found.type !== 'file') throw blocked(found.type === 'blocked' ? found.by : path);
    files.set(path, textOf(readFileSync(join(root, path))));
  }
  return files;
}

/**
 * Writes and deletes files, all of them or, after an error, none. What is there must be what was planned for.
 *
 * Throws `kit-path-blocked` (exit 2), and what {@link applyChanges} throws.
 */
export async function writeChanges(root: string, changes: readonly KitChange[]): Promise<void> {
  const files: FileChange[] = [];
  for (const { path, before, after } of changes) {
    const found = await lookBelow(root, path);
    const bytes = found.type === 'file' ? readFileSync(join(root, path)) : undefined;
    // Line endings are not a change of the text, so the bytes of now are what has to be there.
    const isPlanned = bytes !== undefined && textOf(bytes) === before;
    const state = isPlanned ? digestOf(bytes) : before === undefined ? undefined : digestOf(before);
    files.push({ path, before: state, after: after === undefined ? 'delete' : { bytes: after } });
  }
  const staging = join(root, '.primitive.init');
  await applyChanges({ root, changes: files, staging, what: 'write the kit', code: 'kit' });
}

/** With line feeds alone: on Windows git may have made pairs of them, which would make each line a change. */
function textOf(content: Buffer): string {
  return content.toString().replaceAll('\r\n', '\n');
}

function blocked(path: string): PrimitiveError {
  return new PrimitiveError('kit-path-blocked', `${path} is not a plain file.`, {
    why: 'the kit has a file there, and does not write through links',
    suggestions: [`Move it: mv ${path} ELSEWHERE`],
  });
}
