import type { Toolkit } from '../toolkit.ts';
import { parseTypeScript } from './imports.ts';
import { npm, otherManagers, shrinkwrap } from './lock.ts';
import { npmPackages } from './npm-packages.ts';
import { nodeTest, vitest } from './test-runners.ts';
import { typescriptTests } from './tests.ts';
import { tsc } from './tsc.ts';

export const typescriptToolkit: Toolkit<'node-test' | 'vitest' | 'tsc', 'node'> = {
  parse: parseTypeScript,
  packages: npmPackages,
  tests: typescriptTests,
  runners: { 'node-test': nodeTest, vitest, tsc: { run: tsc } },
  managers: [shrinkwrap, npm, ...otherManagers],
  standardManager: npm,
};
