/**
 * A reporter of `node --test` that writes a line of JSON for each suite without cases: in JUnit it looks like a case that
 * passed.
 */
export const NODE_REPORTER = `export default async function* (events) {
  const counts = new Map();
  for await (const { type, data } of events) {
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    const { name, file, nesting, details } = data;
    const own = file + ' ' + (nesting + 1);
    const inner = counts.get(own) ?? 0;
    counts.set(own, 0);
    if (details?.type === 'suite' && inner === 0) {
      yield JSON.stringify({ name, file }) + '\\n';
      continue;
    }
    const outer = file + ' ' + nesting;
    counts.set(outer, (counts.get(outer) ?? 0) + 1);
  }
}
`;
