import type { Rule } from '../rule.ts';

export const rule: Rule<'lockFault'> = {
  id: 'TEST-011',
  level: 'error',
  title: 'Lock file does not match its manifest',
  subject: 'lockFault',
  blocks: true,
  check: ({ message, fix }) => [{ message, fix }],
};
