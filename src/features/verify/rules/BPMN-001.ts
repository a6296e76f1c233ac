import { ID_CODES, MESSAGE_CODES, modelRule, UNKNOWN_CODES } from '../model.ts';

export const rule = modelRule(
  'BPMN-001',
  'Process model is invalid',
  (code) => ![ID_CODES, MESSAGE_CODES, UNKNOWN_CODES].some((codes) => codes.test(code)),
);
