import type { Reach, TestCode } from '../../../languages/runner.ts';
import type { Primitive, TestFile } from '../subjects.ts';

/** The tests of a primitive that no suite ran: files that none has loaded, and cases that those which did left out. */
export function unreached(
  primitive: Primitive,
  code: TestCode,
  reaches: readonly (Pick<Reach, 'files'> & Partial<Reach>)[],
): readonly TestFile[] {
  const loaded = new Set(reaches.flatMap(({ files }) => [...files]));
  const ran = new Set(reaches.flatMap((reach) => [...(reach.ran ?? [])]));
  const left = new Map(reaches.flatMap((reach) => reach.left ?? []).map((one) => [one.key, one]));
  return [
    ...[...code.keys()].filter((path) => !loaded.has(path)).map((path) => ({ path, primitive })),
    ...[...left.values()]
      .filter(({ key }) => !ran.has(key))
      .map(({ id, path, line }) => ({ path, primitive, left: { id, line } })),
  ];
}
