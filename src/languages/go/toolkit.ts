import type { Toolkit } from '../toolkit.ts';
import { parseGo } from './imports.ts';
import { goSum } from './lock.ts';
import { goPackages } from './modules.ts';
import { goTest } from './test.ts';
import { goTests } from './tests.ts';
import { goVet } from './vet.ts';

export const goToolkit: Toolkit<'go-test' | 'go-vet', 'go'> = {
  parse: (_, text) => parseGo(text),
  packages: goPackages,
  tests: goTests,
  runners: { 'go-test': goTest, 'go-vet': { run: goVet } },
  managers: [],
  standardManager: goSum,
};
