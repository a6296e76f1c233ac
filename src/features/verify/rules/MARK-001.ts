import { MARKER } from '../../../core/marker.ts';
import { optional } from '../../../core/object.ts';
import { isTest } from '../../../languages/all.ts';
import type { Context, Related, Rule } from '../rule.ts';
import type { Marker, Primitive } from '../subjects.ts';

/** Outside of primitives nothing is scaffolded. */
export const rule: Rule<'marker'> = {
  id: 'MARK-001',
  level: 'error',
  title: 'Scaffold stub is not implemented',
  subject: 'marker',
  within: 'image',
  check: ({ primitive, path, shippedBy, ...marker }, context) => {
    if (isTest(primitive === undefined ? path : path.slice(primitive.path.length + 1))) return [];
    const into = primitive === undefined ? `, in the image of ${shippedBy.join(', ')}` : '';
    return [
      {
        message: `${marker.text === MARKER ? `${MARKER} is left` : marker.text}${into}.`,
        line: marker.line,
        column: marker.column,
        fix: { kind: 'text', text: 'Replace the stub by its implementation.' },
        related: primitive === undefined ? [] : redCases(primitive, marker, context),
      },
    ];
  },
};

/** The cases that failed with the marker in this run; those that the kind lists if no suite was run. */
function redCases({ id, kind }: Primitive, { text }: Marker, { runs }: Context): readonly Related[] {
  const own = runs.filter(({ primitive }) => primitive.id === id);
  if (own.length > 0) {
    return own.flatMap(({ suite, cases }) =>
      cases
        .filter(({ outcome, output }) => outcome === 'scaffold' && output.includes(text))
        .map((one) => ({
          message: `${suite}: ${one.id}`,
          ...optional('path', one.path),
        })),
    );
  }
  return (kind?.suites ?? []).flatMap((suite) =>
    (suite.cases ?? [])
      .filter(({ state }) => state === 'red')
      .map((one) => ({ message: `${suite.id}: ${one.id}` })),
  );
}
