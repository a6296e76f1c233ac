import { formed, strictObject } from '../../core/schema.ts';
import { type Language, NO_FLAGS, reservedWords } from '../language.ts';
import { infrastructure } from './infrastructure.ts';

export const python = {
  code: /\.py[iw]?$/,
  embedding: /\.(?:ipynb|pyx|pxd|pxi|pyc|pyo|pyd|pyz|whl|egg)$/,
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
  generated: /_pb2(?:_grpc)?(?:\.pyi?)?$/,
  separator: '.',
  infrastructure,
  sdk: ['Python packages', 'Module name'],
  runners: {
    pytest: {
      flags:
        /^(?:-[qvx]+|-m=.*|--(?:strict-markers|strict-config|import-mode=(?:importlib|prepend|append)))$/s,
    },
    basedpyright: { checks: true, flags: NO_FLAGS },
    ruff: { checks: true, flags: NO_FLAGS },
  },
  programs: {
    python: {
      purpose: 'test Python code',
      calls: [['python3']],
      probe: ['--version'],
      pattern: /^Python (\d+(?:\.\d+)+)/m,
      minimum: '3.11.0',
      install: {
        darwin: ['brew install python'],
        linux: ['sudo apt-get install python3 python3-venv', 'sudo dnf install python3'],
        other: ['https://www.python.org/downloads'],
      },
    },
    uv: {
      purpose: 'install what Python code needs',
      calls: [['uv']],
      probe: ['--version'],
      pattern: /^uv (\d+(?:\.\d+)+)/m,
      // From 0.8 on `uv sync --check` compares an environment with a lock file.
      minimum: '0.8.0',
      install: {
        darwin: ['brew install uv'],
        linux: ['pipx install uv', 'https://docs.astral.sh/uv/getting-started/installation'],
        other: ['https://docs.astral.sh/uv/getting-started/installation'],
      },
    },
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
  toolkit: async () => (await import('./toolkit.ts')).pythonToolkit,
} satisfies Language;
