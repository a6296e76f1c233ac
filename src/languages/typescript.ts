import type { Language } from './language.ts';

/** TypeScript and JavaScript. */
export const typescript = {
  code: /\.[cm]?[jt]sx?$/,
  // What Vitest and Jest take for tests, and the folder of `node --test`; but what is below `src` is bundled.
  tests: /\.(?:test|spec)\.[cm]?[jt]sx?$|(?:^|\/)__tests__\/|^(?:(?!src\/)[^/]*\/)*tests?\//,
  installed: /(?:^|\/)node_modules(?:\/|$)/,
} satisfies Language;
