import { formed, strictObject } from '../core/schema.ts';
import { type Language, NO_FLAGS, reservedWords } from './language.ts';

export const python = {
  code: /\.pyi?$/,
  // Files that pytest collects and loads, and the folder that its documentation recommends for tests and helpers.
  tests: /(?:^|\/)(?:test_[^/]*|[^/]*_test|conftest)\.pyi?$|(?:^|\/)tests\//,
  installed: /(?:^|\/)(?:\.venv|site-packages)(?:\/|$)/,
  manifest: 'pyproject.toml',
  entry: strictObject({
    prefix: formed(
      /^[A-Za-z][A-Za-z0-9_]*$/,
      'an identifier such as acme_apps',
      'Prefix of Python packages.',
    ),
  }),
  sdk: ['Python packages', 'Module name'],
  runners: {
    pytest: {
      flags:
        /^(?:-[qvx]+|-m=.*|--(?:strict-markers|strict-config|import-mode=(?:importlib|prepend|append)))$/s,
    },
    basedpyright: { checks: true, flags: NO_FLAGS },
    ruff: { checks: true, flags: NO_FLAGS },
  },
  testCommand: 'uv run --locked pytest',
  guessEntry: ({ identifier }) => ({ prefix: identifier }),
  packageNames: ({ prefix }: { readonly prefix: string }, { kind, name }) => ({
    /** As imported. */
    package: `${prefix}_${kind}_${name.replaceAll('-', '_')}`,
    /** As installed. */
    distribution: `${prefix.replaceAll('_', '-')}-${kind}-${name}`,
  }),
  nameFault: reservedWords(
    'python',
    `and as assert async await break class continue def del elif else except finally for from global if import in is
    lambda nonlocal not or pass raise return try while with yield`,
  ),
} satisfies Language;
