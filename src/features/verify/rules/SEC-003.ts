import { secretRule } from '../secrets/rule.ts';

export const rule = secretRule(
  'SEC-003',
  'url',
  'Password in an address',
  (name) => `Password in an address (${name}).`,
);
