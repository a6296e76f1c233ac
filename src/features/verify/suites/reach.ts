import { join, posix, relative, sep } from 'node:path';
import { globMatcher } from '../../../repository/globs.ts';
import type { SuitePorts } from '../ports.ts';
import type { Primitive, SuiteRun, TestFile } from '../subjects.ts';
import { listPackages } from './checkers.ts';
import type { LeftOut, Reach, Suite } from './start.ts';
import type { TestCode } from './test-code.ts';

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

/** The files that a suite would load if its service were there. */
export async function reachOf(
  primitive: Primitive,
  suite: Suite,
  { code, ports, tool }: { readonly code: TestCode; readonly ports: SuitePorts; readonly tool: string },
): Promise<Pick<Reach, 'files'>> {
  if (suite.runner === 'go-test') return { files: await goTestFiles(primitive, suite, ports, tool) };
  const paths = suite.args.filter((one) => !one.startsWith('-'));
  const matches = paths.map((one) => matcherOf(suite.runner, one));
  const isMeant = (path: string) =>
    paths.length === 0 || matches.some((match) => match(path.slice(primitive.path.length + 1)));
  return { files: new Set([...code.keys()].filter(isMeant)) };
}

function matcherOf(runner: Suite['runner'], text: string): (path: string) => boolean {
  if (runner === 'node-test') return globMatcher(text);
  if (runner === 'vitest') return (path) => path.includes(text);
  const [folder = ''] = text.split('::');
  return (path) => path === folder || folder === '.' || path.startsWith(`${folder.replace(/\/$/, '')}/`);
}

/** The files of tests in the packages that a suite names, with its build tags. */
export async function goTestFiles(
  { path }: Primitive,
  suite: Suite,
  ports: SuitePorts,
  go: string,
): Promise<ReadonlySet<string>> {
  const args = suite.args.filter((one) => !one.startsWith('-') || /^--?tags=/.test(one));
  const { root } = ports.tree;
  const packages = await listPackages(go, args, ports, { cwd: join(root, path) });
  const files = packages.flatMap(({ Dir, TestGoFiles, XTestGoFiles }) =>
    [TestGoFiles, XTestGoFiles]
      .flatMap((names) => (Array.isArray(names) ? names : []))
      .map((name) =>
        relative(root, join(String(Dir), String(name)))
          .split(sep)
          .join('/'),
      ),
  );
  return new Set(files);
}

/** Tests that `go test` ran, of those in the files that it compiled. */
export function goReach(
  files: ReadonlySet<string>,
  { path }: Primitive,
  code: TestCode,
  cases: SuiteRun['cases'],
): Reach {
  const ran = new Set(cases.map(({ group, id }) => keyOf(posix.join(path, group), id)));
  const left = [...code].flatMap(([file, tests]): readonly LeftOut[] =>
    files.has(file)
      ? tests.map(({ name, line }) => ({ key: keyOf(posix.dirname(file), name), id: name, path: file, line }))
      : [],
  );
  const isBroken = cases.some(({ outcome }) => ['compile', 'panic', 'timeout'].includes(outcome));
  return { files, ran, left: isBroken ? [] : left.filter(({ key }) => !ran.has(key)) };
}

/** Key of a case in all suites of a primitive. */
export function keyOf(place: string, id: string): string {
  return `${place} ${id}`;
}
