import type { Rule } from '../rule.ts';

export const rule: Rule<'model'> = {
  id: 'BPMN-002',
  level: 'error',
  title: 'Job type has no handler',
  subject: 'model',
  check: ({ model, handlers }) =>
    (model?.jobs ?? [])
      .filter(({ identifier }) => !handlers.some(({ name }) => name === identifier))
      .map(({ type, identifier, elements }) => ({
        message: `Job type ${type} of ${elements.join(', ')} has no handler ${identifier}.`,
        fix: {
          kind: 'edit',
          text: `func (h *Handlers) ${identifier}(ctx context.Context, job engine.Job) (engine.Completion, error)`,
        },
      })),
};
