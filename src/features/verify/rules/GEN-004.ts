import type { Rule } from '../rule.ts';

/** Faults of a process model have rules of their own. */
export const rule: Rule<'generated'> = {
  id: 'GEN-004',
  level: 'error',
  title: 'Generator refuses its input',
  subject: 'generated',
  blocks: true,
  check: ({ primitive, fault }) =>
    fault === undefined || fault.code.startsWith('bpmn-')
      ? []
      : [
          {
            message: fault.message,
            fix: { kind: 'command', text: `primitive generate ${primitive.id}` },
          },
        ],
};
