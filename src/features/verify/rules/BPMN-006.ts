import { modelRule, UNKNOWN_CODES } from '../model.ts';

export const rule = modelRule('BPMN-006', 'Element or attribute is unknown', (code) =>
  UNKNOWN_CODES.test(code),
);
