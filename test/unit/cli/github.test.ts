import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Environment } from '../../../src/app/environment.ts';
import { writeGithub } from '../../../src/cli/github.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'github-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const write = (variables: Environment['variables']) =>
  writeGithub(
    { write: () => true },
    { variables },
    { outputs: { refs: 'one\ntwo=2' }, summary: () => '# Done' },
  );

test('values of several lines are kept apart, and what is there is kept', async () => {
  const [output, summary] = [join(folder, 'output'), join(folder, 'summary')];
  const variables = { GITHUB_OUTPUT: output, GITHUB_STEP_SUMMARY: summary };
  await write(variables);
  await write(variables);
  const entry = /refs<<(end_[0-9a-f-]{36})\none\ntwo=2\n\1\n/;
  expect(readFileSync(output, 'utf8')).toMatch(
    new RegExp(`^${entry.source}${entry.source.replace('\\1', '\\2')}$`),
  );
  expect(readFileSync(summary, 'utf8')).toBe('# Done\n# Done\n');
});

test.each(['GITHUB_OUTPUT', 'GITHUB_STEP_SUMMARY'])(
  'a file of %s that cannot be written is told',
  async (name) => {
    const path = join(folder, 'missing/file');
    const error = await write({ [name]: path }).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'report-unwritable', exit: 3 });
    expect((error as Error).message).toContain(name);
  },
);
