import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { globMatcher } from '../../core/glob.ts';
import { junitRunner } from '../junit-runner.ts';
import { filesNamed, type SuiteRunner } from '../runner.ts';
import { NODE_REPORTER } from './node-evidence.ts';
import { nodeProgram, notInstalled } from './programs.ts';

export const nodeTest: SuiteRunner = {
  run: junitRunner('node --test', async ({ report, evidence, args, tools }) => {
    const reporter = join(dirname(evidence), 'reporter.mjs');
    await writeFile(reporter, NODE_REPORTER);
    const reporters = [
      ['junit', report],
      [pathToFileURL(reporter).href, evidence],
    ].flatMap(([name, to]) => [`--test-reporter=${name}`, `--test-reporter-destination=${to}`]);
    return { program: tools.tool, args: ['--test', ...reporters, ...args] };
  }),
  files: async (primitive, suite, _, { code }) => filesNamed(primitive, suite, code, globMatcher),
};

export const vitest: SuiteRunner = {
  run: junitRunner('vitest', async ({ report, args, primitive, tree, tools }) => {
    const program = await nodeProgram('vitest', 'vitest', primitive, tree);
    if (program === undefined) return notInstalled(primitive, 'vitest');
    // The default reporter says on stderr what belongs to no case. `test.only` would leave out the rest.
    const fixed = [
      'run',
      '--allowOnly=false',
      '--dangerouslyIgnoreUnhandledErrors=false',
      '--reporter=default',
      '--reporter=junit',
    ];
    return {
      program: tools.tool,
      args: [join(tree.root, program), ...fixed, `--outputFile.junit=${report}`, ...args],
    };
  }),
  files: async (primitive, suite, _, { code }) =>
    filesNamed(primitive, suite, code, (argument) => (path) => path.includes(argument)),
};
