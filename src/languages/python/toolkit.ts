import type { Toolkit } from '../toolkit.ts';
import { basedpyright, ruff } from './checkers.ts';
import { parsePython } from './imports.ts';
import { otherManagers, pip, pipDev, uv } from './lock.ts';
import { pythonPackages } from './projects.ts';
import { pytest } from './pytest.ts';
import { pythonTests } from './tests.ts';

export const pythonToolkit: Toolkit<'pytest' | 'basedpyright' | 'ruff', 'python' | 'uv'> = {
  parse: (_, text) => parsePython(text),
  packages: pythonPackages,
  tests: pythonTests,
  runners: { pytest, basedpyright: { run: basedpyright }, ruff: { run: ruff } },
  managers: [uv, pipDev, pip, ...otherManagers],
  standardManager: pip,
};
