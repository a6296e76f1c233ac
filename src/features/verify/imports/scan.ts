import { languageOf, mayBeScript } from '../../../languages/all.ts';
import type { Scan } from '../rule.ts';
import { parseSource } from './parse.ts';

/** Reads the imports of every source file. */
export const sourceScan: Scan<'source'> = {
  subject: 'source',
  version: 7,
  applies: (path) => languageOf(path) !== undefined || mayBeScript(path),
  async scan({ path, text }) {
    const source = await parseSource(path, text);
    return source === undefined ? [] : [source];
  },
};
