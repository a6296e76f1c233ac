import { defineConfig } from 'vitest/config';
import { LongestFirst } from './.ci/longest-first.ts';

export default defineConfig({
  test: {
    include: ['test/{unit,contract,integration,e2e}/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Tests wait for processes and services as often as they compute.
    maxWorkers: '100%',
    globalSetup: 'test/support/shared-folder.ts',
    sequence: { sequencer: LongestFirst },
    // Most programs in Go that tests start end within a second: little of their garbage is worth collecting.
    env: { GOGC: '400' },
  },
});
