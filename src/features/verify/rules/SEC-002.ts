import { secretRule } from '../secrets/rule.ts';

export const rule = secretRule(
  'SEC-002',
  'token',
  'Token or key of a service',
  (name) => `Credential in the file (${name}).`,
);
