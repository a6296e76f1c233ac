import { modelRule, WARNING_CODES } from '../model.ts';

export const rule = modelRule(
  'BPMN-007',
  'Zeebe ignores or computes what the model says',
  (code) => WARNING_CODES.test(code),
  'warning',
);
