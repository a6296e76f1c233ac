/** A thread whose scan for secrets finds no end in some files, and one for markers. */
import { writeFileSync } from 'node:fs';
import type { AnyScan } from '../../src/features/verify/rule.ts';
import { answerTasks } from '../../src/features/verify/scan-answer.ts';

/** The second line of a file is a path that is written when its scan for secrets begins. */
export const endlessScans: readonly AnyScan[] = [
  {
    subject: 'secret',
    version: 1,
    applies: () => true,
    scan: ({ text = '' }) => {
      if (text === 'memory')
        throw Object.assign(new Error('out of memory'), { code: 'ERR_WORKER_OUT_OF_MEMORY' });
      const [, begun] = text.split('\n');
      if (begun !== undefined) writeFileSync(begun, '');
      return /^(?:[\w-]+: .*\s+)*$/.test(text)
        ? [{ kind: 'token', name: text, line: 1, column: 1, key: '' }]
        : [];
    },
  },
  {
    subject: 'marker',
    version: 1,
    applies: () => true,
    scan: ({ text = '' }) => [{ line: 1, column: 1, text }],
  },
];

answerTasks(endlessScans);
