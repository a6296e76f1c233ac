import { secretRule } from '../secrets/rule.ts';

export const rule = secretRule(
  'SEC-001',
  'private-key',
  'Private key',
  (name) => `Private key in the file (${name}).`,
);
