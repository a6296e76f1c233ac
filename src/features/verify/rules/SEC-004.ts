import { secretRule } from '../secrets/rule.ts';

export const rule = secretRule(
  'SEC-004',
  'assignment',
  'Value of a credential',
  (name) => `Value of ${JSON.stringify(name)} looks like a credential.`,
);
