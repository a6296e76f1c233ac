import { formed, strictObject } from '../core/schema.ts';
import { type Language, NO_FLAGS, reservedWords } from './language.ts';

/** TypeScript and JavaScript. */
export const typescript = {
  code: /\.[cm]?[jt]sx?$/,
  // Tests by the conventions of Vitest, Jest and `node --test`; but files below `src` are bundled.
  tests: /\.(?:test|spec)\.[cm]?[jt]sx?$|(?:^|\/)__tests__\/|^(?:(?!src\/)[^/]*\/)*tests?\//,
  installed: /(?:^|\/)node_modules(?:\/|$)/,
  manifest: 'package.json',
  entry: strictObject({
    scope: formed(/^@[a-z0-9_~-][a-z0-9._~-]*$/, 'a scope such as "@acme"', 'npm scope: @acme'),
  }),
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
} satisfies Language;
