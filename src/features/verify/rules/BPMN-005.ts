import { ID_CODES, modelRule } from '../model.ts';

export const rule = modelRule('BPMN-005', 'Id is not unique or refers to nothing', (code) =>
  ID_CODES.test(code),
);
