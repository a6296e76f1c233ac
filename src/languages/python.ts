import type { Language } from './language.ts';

export const python = {
  code: /\.pyi?$/,
  // What pytest collects and loads, and the folder that its documentation puts tests and their helpers into.
  tests: /(?:^|\/)(?:test_[^/]*|[^/]*_test|conftest)\.pyi?$|(?:^|\/)tests\//,
  installed: /(?:^|\/)(?:\.venv|site-packages)(?:\/|$)/,
} satisfies Language;
