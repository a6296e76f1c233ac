import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf } from '../../../core/digest.ts';
import { type JunitSuite, junitXml } from '../../../render/junit.ts';
import type { VerifyDocument } from '../document.ts';
import type { SuiteRun } from '../subjects.ts';

/** A run as JUnit has it. */
export function junitSuite({ primitive, suite, cases }: SuiteRun): JunitSuite {
  return {
    name: `${primitive.id} ${suite}`,
    cases: cases.map(({ id, group, outcome, output }) => {
      if (outcome === 'passed' || outcome === 'skipped') return { name: id, group, status: outcome };
      const isFailed = outcome === 'assertion' || outcome === 'scaffold';
      return { name: id, group, status: isFailed ? 'failed' : 'error', type: outcome, text: output };
    }),
  };
}

/** Writes the JUnit of each run; returns the files with their digests. */
export async function writeEvidence(
  runs: readonly SuiteRun[],
  folder: string,
): Promise<VerifyDocument['run']['evidence']> {
  return Promise.all(
    runs.map(async (run) => {
      const own = join(folder, run.primitive.id, run.suite);
      const file = join(own, 'junit.xml');
      const xml = Buffer.from(junitXml([junitSuite(run)]));
      await mkdir(own, { recursive: true, mode: 0o700 });
      await writeFile(file, xml);
      return { primitive: run.primitive.id, suite: run.suite, file, digest: digestOf(xml) };
    }),
  );
}
