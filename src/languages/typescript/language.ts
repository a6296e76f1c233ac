import { isBuiltin } from 'node:module';
import { formed, strictObject } from '../../core/schema.ts';
import { type Language, NO_FLAGS, reservedWords } from '../language.ts';
import { infrastructure } from './infrastructure.ts';

export const typescript = {
  code: /\.[cm]?[jt]sx?$/,
  embedding: /\.(?:vue|svelte|astro|mdx|node|wasm)$/,
  // Tests by the conventions of Vitest, Jest and `node --test`; but files below `src` are bundled.
  tests: /\.(?:test|spec)\.[cm]?[jt]sx?$|(?:^|\/)__tests__\/|^(?:(?!src\/)[^/]*\/)*tests?\//,
  installed: /(?:^|\/)node_modules(?:\/|$)/,
  manifest: 'package.json',
  entry: strictObject({
    scope: formed(/^@[a-z0-9_~-][a-z0-9._~-]*$/, 'a scope such as "@acme"', 'npm scope: @acme'),
  }),
  generated: /_(?:pb|connect|grpc_pb|connectweb)(?:\.d)?(?:\.[cm]?[jt]s)?$/,
  separator: '/',
  protoFiles: /\.proto$/,
  canonical: (module) =>
    // A module of Node.js has two names: `http` is `node:http`.
    isBuiltin(module) && !module.startsWith('node:') ? `node:${module}` : module,
  infrastructure,
  sdk: ['npm packages', 'Package name'],
  runners: {
    'node-test': {
      flags:
        /^--(?:test-(?:name-pattern|skip-pattern|concurrency|timeout)=.*|test-only|test-force-exit|(?:experimental|no)-strip-types|experimental-transform-types)$/s,
    },
    vitest: {
      flags:
        /^--(?:(?:project|testNamePattern|testTimeout|hookTimeout|retry|maxWorkers)=.*|passWithNoTests=false|bail=\d+)$/s,
    },
    tsc: { checks: true, flags: NO_FLAGS },
  },
  programs: {
    node: {
      purpose: 'test TypeScript code',
      calls: [['node']],
      probe: ['--version'],
      pattern: /^v(\d+(?:\.\d+)+)/m,
      // From 22.18 on TypeScript runs as it is.
      minimum: '22.18.0',
      install: {
        darwin: ['brew install node'],
        linux: ['https://nodejs.org/en/download'],
        other: ['https://nodejs.org/en/download'],
      },
    },
  },
  testCommand: 'npm ci && npm test',
  guessEntry: ({ name }, packageJson = '') => ({
    scope: /"name"\s*:\s*"(@[a-z0-9][a-z0-9._-]*)\//.exec(packageJson)?.[1] ?? `@${name}`,
  }),
  packageNames: ({ scope }: { readonly scope: string }, { kind, name }) => ({
    package: `${scope}/${kind}-${name}`,
  }),
  nameFault: reservedWords(
    'ts',
    `break case catch class const continue debugger default delete do else enum export extends false finally for function
    if import in instanceof new null return super switch this throw true try typeof var void while with yield let static
    implements interface package private protected public await`,
  ),
  toolkit: async () => (await import('./toolkit.ts')).typescriptToolkit,
} satisfies Language;
