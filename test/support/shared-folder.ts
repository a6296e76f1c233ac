import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** What is made once in a test run, by the first who needs it, and which no test changes. */
    readonly sharedFolder: string;
  }
}

/** Makes the folder before the first test file and removes it after the last one. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'primitive-tests-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  // Whoever watches has changed a source.
  project.onTestsRerun(remove);
  project.provide('sharedFolder', folder);
  return remove;
}
