import type { Tested } from '../language.ts';

/** Code in Rust is tested; its imports are not read. */
export const rust = {
  runners: {
    'cargo-test': {
      flags: /^--(?:workspace|all-features|no-default-features|release|features=[\w,/-]+)$/,
    },
  },
  programs: {
    cargo: {
      purpose: 'test Rust code',
      calls: [['cargo']],
      probe: ['--version'],
      probeEnv: { RUSTUP_AUTO_INSTALL: '0' },
      probeBeside: true,
      pattern: /^cargo (\d+(?:\.\d+)+)/m,
      minimum: '1.60.0',
      install: {
        darwin: ['brew install rustup'],
        linux: ['https://rustup.rs'],
        other: ['https://rustup.rs'],
      },
    },
  },
  toolkit: async () => (await import('./toolkit.ts')).rustToolkit,
} satisfies Tested;
