import { join } from 'node:path';
import { type Dependencies, differs, type PackageManager } from '../package-manager.ts';
import { GO_ENVIRONMENT, missingModule } from './environment.ts';

/** Checks that go.mod and go.sum have all imports of packages and tests; asks no server. */
const compare: Dependencies['compare'] = async (primitive, lock, { processes, tree, signal, limit }, go) => {
  const cwd = join(tree.root, primitive.path);
  const { exitCode, stderr } = await processes.run(go, ['list', '-deps', '-test', './...'], {
    cwd,
    env: GO_ENVIRONMENT,
    signal,
    timeout: limit,
    stdout: () => {},
  });
  const [line] = stderr
    .split('\n')
    .filter((text) =>
      /missing go\.sum entry|updates to go\.(?:mod|sum) needed|-mod=readonly|go mod tidy/.test(text),
    );
  // Modules that are not in the cache are the suites' to report, and so is code that does not compile.
  if (exitCode === 0 || line === undefined || missingModule(stderr) !== undefined) return undefined;
  const why = line.replace(/^(?:go: )?|;? to add:$/g, '').trim();
  return differs(primitive, lock, { manifest: 'go.mod', why, fix: 'go mod tidy' });
};

/** Each module has a go.sum of its own. */
export const goSum: PackageManager<'go'> = {
  name: 'go',
  lock: 'go.sum',
  hasWorkspaces: false,
  program: 'go',
  dependencies: {
    installs: () => [['go', 'mod', 'download']],
    compare,
    // Go checks its own when it compiles the tests.
    fault: async () => undefined,
  },
};
