import { secretRule } from '../secrets/rule.ts';

export const rule = secretRule(
  'SEC-005',
  'manifest',
  'Value in a Secret of Kubernetes',
  (name) => `Value of ${JSON.stringify(name)} is in a Secret of Kubernetes.`,
);
