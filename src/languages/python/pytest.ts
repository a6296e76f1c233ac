import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { junitRunner } from '../junit-runner.ts';
import { filesNamed, type SuiteRunner } from '../runner.ts';
import { venvPython } from './lock.ts';
import { PYTEST_MODULE, PYTEST_PLUGIN } from './pytest-evidence.ts';

export const pytest: SuiteRunner = {
  run: junitRunner('pytest', async ({ report, evidence, args, tree, tools }) => {
    await writeFile(join(dirname(evidence), `${PYTEST_MODULE}.py`), PYTEST_PLUGIN);
    const junit = ['-o', 'junit_family=xunit1', `--junit-xml=${report}`];
    return {
      program: join(tree.root, venvPython(tools.lock)),
      args: ['-m', 'pytest', '-p', 'no:cacheprovider', '-p', PYTEST_MODULE, ...junit, ...args],
      env: { PRIMITIVE_EVIDENCE: evidence, PYTHONPATH: dirname(evidence), PYTHONDONTWRITEBYTECODE: '1' },
    };
  }),
  files: async (primitive, suite, _, { code }) =>
    filesNamed(primitive, suite, code, (argument) => {
      const [folder = ''] = argument.split('::');
      return (path) => path === folder || folder === '.' || path.startsWith(`${folder.replace(/\/$/, '')}/`);
    }),
};
