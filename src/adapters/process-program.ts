import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { PrimitiveError } from '../core/errors.ts';
import { allowHint, explainSkipped, locate } from '../toolchain/find.ts';
import { checkoutOf, type FolderRules, type SkippedFolder } from '../toolchain/folders.ts';
import { installHints, type ProgramName, programs } from '../toolchain/programs.ts';

export interface RunSettings {
  /** Redacted in what is reported of every run, as {@link RunOptions.secrets} are in one. */
  readonly secrets?: readonly string[];
  /** Folders that were left out of PATH, for errors. */
  readonly skipped?: readonly SkippedFolder[];
  /** Folders that no program is started from. */
  readonly folders?: FolderRules;
}

/**
 * The file to start: never of the current folder, where Windows looks first. Undefined if PATH has none.
 * Throws `tool-in-repository`.
 */
export async function resolveProgram(
  program: string,
  path: string | undefined,
  { folders }: RunSettings,
): Promise<string | undefined> {
  const isPath = /[/\\]/.test(program);
  const file = isPath ? program : await locate(program, { path, platform: process.platform });
  const checkout = file && folders && checkoutOf(file, folders);
  if (!file || !checkout) return file;
  throw new PrimitiveError('tool-in-repository', `Cannot start ${file}: it is in the repository`, {
    why: `it is in ${checkout}, and any commit could change what runs`,
    suggestions: [allowHint(dirname(file))],
    exit: 3,
  });
}

/** Why a program was not started. The system says ENOENT for a missing program and for a missing folder alike. */
export async function startError(
  program: string,
  { skipped = [] }: RunSettings,
  cwd: string | undefined,
  code: string | undefined,
  cause: unknown,
): Promise<PrimitiveError> {
  const folderThere =
    cwd === undefined ||
    (await stat(cwd).then(
      (found) => found.isDirectory(),
      () => false,
    ));
  if (!folderThere) {
    return new PrimitiveError('tool-not-started', `Cannot start ${program} in ${cwd}`, {
      why: 'the folder does not exist',
      exit: 3,
      cause,
    });
  }
  if (code === 'ENOENT') {
    const passedOver = await explainSkipped([program], { skipped, platform: process.platform });
    return new PrimitiveError('tool-not-found', `${program} not found`, {
      why: /[/\\]/.test(program) ? 'the file does not exist' : `it is not on PATH${passedOver.why}`,
      suggestions: [
        ...(Object.hasOwn(programs, program)
          ? installHints(program as ProgramName, process.platform)
          : [`Install ${program} and add it to PATH.`]),
        ...passedOver.suggestions,
      ],
      exit: 3,
      cause,
    });
  }
  return new PrimitiveError('tool-not-started', `Cannot start ${program}`, {
    why: code === undefined ? 'the system refused to start it' : `the system refused to start it: ${code}`,
    exit: 3,
    cause,
  });
}
