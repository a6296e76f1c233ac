import { languageOf } from '../../../languages/all.ts';
import type { Scan } from '../rule.ts';
import { parseSource } from './parse.ts';

/** Reads the imports of every source file. */
export const sourceScan: Scan<'source'> = {
  subject: 'source',
  version: 6,
  applies: (path) => languageOf(path) !== undefined,
  async scan({ path, text }) {
    const source = await parseSource(path, text);
    return source === undefined ? [] : [source];
  },
};
