import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './.ci/longest-first.ts';

/** Needs Node and git alone, and is done within a minute: `npm run test:fast`. */
const FAST = [
  'test/unit/**/*.test.ts',
  'test/contract/*-memory.test.ts',
  'test/integration/publish/{promises,races}.test.ts',
];

/** Needs a program that takes as long to build as all the others: it runs each night, or where `PRIMITIVE_KYVERNO` has it. */
const NIGHTLY = process.env.PRIMITIVE_KYVERNO ? [] : ['test/integration/gitops/admission-webhooks.test.ts'];

export default defineConfig({
  test: {
    // A limit is there to end what hangs. A cold compiler or a busy machine takes minutes for what usually takes seconds.
    testTimeout: 300_000,
    hookTimeout: 600_000,
    // Tests wait for processes and services as often as they compute: more of them than processors.
    maxWorkers: Math.ceil(1.5 * availableParallelism()),
    sequence: { sequencer: LongestFirst },
    // Most programs in Go that tests start end within a second: little of their garbage is worth collecting.
    env: { GOGC: '400' },
    projects: [
      // These files change nothing that others see, and share what they load.
      { extends: true, test: { name: 'fast', include: FAST, isolate: false, testTimeout: 120_000 } },
      {
        extends: true,
        test: {
          name: 'full',
          include: ['test/{contract,integration,e2e}/**/*.test.ts'],
          exclude: [...FAST, ...NIGHTLY],
          globalSetup: 'test/support/shared-folder.ts',
        },
      },
    ],
  },
});
