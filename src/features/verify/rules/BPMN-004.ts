import { MESSAGE_CODES, modelRule } from '../model.ts';

export const rule = modelRule('BPMN-004', 'Message cannot be correlated', (code) => MESSAGE_CODES.test(code));
