import { appendFile } from 'node:fs/promises';
import { PrimitiveError } from '../core/errors.ts';
import { githubOutput } from '../render/github.ts';
import type { Outcome } from '../render/outcome.ts';
import { mask } from '../render/text.ts';
import type { Environment } from './environment.ts';

/** Appends a command's outputs and summary to the files that the runner reads after the step. Throws `report-unwritable` (exit 3). */
export async function writeGithubFiles(
  { variables, secrets }: Environment,
  { outputs = {}, summary }: NonNullable<Outcome['github']>,
): Promise<void> {
  const { GITHUB_OUTPUT, GITHUB_STEP_SUMMARY } = variables;
  if (GITHUB_OUTPUT) {
    const entries = Object.entries(outputs).map(([name, value]) =>
      githubOutput(name, value, `end_${crypto.randomUUID()}`),
    );
    await append(GITHUB_OUTPUT, 'GITHUB_OUTPUT', mask(entries.join(''), secrets));
  }
  if (GITHUB_STEP_SUMMARY && summary)
    await append(GITHUB_STEP_SUMMARY, 'GITHUB_STEP_SUMMARY', mask(`${summary()}\n`, secrets));
}

async function append(path: string, variable: string, text: string): Promise<void> {
  await appendFile(path, text).catch((cause: NodeJS.ErrnoException) => {
    throw new PrimitiveError('report-unwritable', `The file that ${variable} names cannot be written.`, {
      why: `${path}: ${cause.code}. The command itself came to its end.`,
      suggestions: [`In a container of your own, mount the folder of ${path}, or unset ${variable}.`],
      exit: 3,
      cause,
    });
  });
}
