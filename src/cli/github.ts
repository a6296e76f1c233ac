import { appendFile } from 'node:fs/promises';
import type { Environment } from '../app/environment.ts';
import { PrimitiveError } from '../core/errors.ts';
import { annotations, githubOutput } from '../render/github.ts';
import type { Outcome } from '../render/outcome.ts';

/**
 * Writes annotations to the log of the step, outputs and summary to the files that the runner reads after it. Throws
 * `report-unwritable` (exit 3).
 */
export async function writeGithub(
  log: { write(text: string): unknown },
  { variables }: Pick<Environment, 'variables'>,
  { findings = [], outputs = {}, summary }: NonNullable<Outcome['github']>,
): Promise<void> {
  log.write(annotations(findings));
  const { GITHUB_OUTPUT, GITHUB_STEP_SUMMARY } = variables;
  if (GITHUB_OUTPUT) {
    const entries = Object.entries(outputs).map(([name, value]) =>
      githubOutput(name, value, `end_${crypto.randomUUID()}`),
    );
    await append(GITHUB_OUTPUT, 'GITHUB_OUTPUT', entries.join(''));
  }
  if (GITHUB_STEP_SUMMARY && summary)
    await append(GITHUB_STEP_SUMMARY, 'GITHUB_STEP_SUMMARY', `${summary().trimEnd()}\n`);
}

async function append(path: string, variable: string, text: string): Promise<void> {
  await appendFile(path, text).catch((cause: NodeJS.ErrnoException) => {
    throw new PrimitiveError('report-unwritable', `Cannot write the file of ${variable}.`, {
      why: `${path}: ${cause.code}. The command itself is done.`,
      suggestions: [`In a container, mount the folder of ${path}, or unset ${variable}.`],
      exit: 3,
      cause,
    });
  });
}
