import type { SuiteToolkit } from '../toolkit.ts';
import { cargoLock } from './lock.ts';
import { cargoTest } from './test.ts';

export const rustToolkit: SuiteToolkit<'cargo-test', 'cargo'> = {
  runners: { 'cargo-test': { run: cargoTest } },
  managers: [cargoLock],
  standardManager: cargoLock,
};
