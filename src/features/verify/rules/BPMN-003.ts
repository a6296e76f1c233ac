import type { Rule } from '../rule.ts';

export const rule: Rule<'model'> = {
  id: 'BPMN-003',
  level: 'error',
  title: 'Handler has no job type',
  subject: 'model',
  check: ({ path, model, handlers }) =>
    // Handlers of computed job types are registered by hand.
    model === undefined || model.computed.length > 0
      ? []
      : handlers
          .filter(({ name }) => !model.jobs.some(({ identifier }) => identifier === name))
          .map((handler) => ({
            message: `Handler ${handler.name} does no job of ${path}.`,
            path: handler.path,
            line: handler.line,
            column: handler.column,
            fix: { kind: 'text', text: 'Remove the handler, or give an element of the model its job type.' },
          })),
};
