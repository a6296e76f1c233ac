import { MARKER } from '../markers.ts';
import type { Rule } from '../rule.ts';

/** Outside of primitives nothing is scaffolded. */
export const rule: Rule<'marker'> = {
  id: 'MARK-001',
  level: 'error',
  title: 'Scaffold stub is not implemented',
  subject: 'marker',
  check: ({ line, column, text, primitive }) => {
    if (primitive === undefined) return [];
    const red = (primitive.kind?.suites ?? []).flatMap(({ id, cases = [] }) =>
      cases.filter(({ state }) => state === 'red').map((one) => `${id}: ${one.id}`),
    );
    return [
      {
        message: text === MARKER ? `${MARKER} is left.` : `${text}.`,
        line,
        column,
        fix: { kind: 'text', text: 'Implement what the stub stands for, and remove it.' },
        related: red.map((message) => ({ message })),
      },
    ];
  },
};
