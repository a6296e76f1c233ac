import { appendFile } from 'node:fs/promises';
import { githubOutput } from '../render/github.ts';
import { mask } from '../render/text.ts';
import type { Environment } from './environment.ts';
import type { Outcome } from './outcome.ts';

/** Appends a command's outputs and summary to the files that the runner reads after the step. */
export async function writeGithubFiles(
  { variables, secrets }: Environment,
  { outputs = {}, summary }: NonNullable<Outcome['github']>,
): Promise<void> {
  const { GITHUB_OUTPUT, GITHUB_STEP_SUMMARY } = variables;
  if (GITHUB_OUTPUT) {
    const entries = Object.entries(outputs).map(([name, value]) =>
      githubOutput(name, value, `end_${crypto.randomUUID()}`),
    );
    await appendFile(GITHUB_OUTPUT, mask(entries.join(''), secrets));
  }
  if (GITHUB_STEP_SUMMARY && summary) await appendFile(GITHUB_STEP_SUMMARY, mask(`${summary()}\n`, secrets));
}
