import { modelRule } from '../model.ts';

export const rule = modelRule(
  'BPMN-007',
  'Zeebe ignores or computes what the model says',
  () => true,
  'warning',
);
