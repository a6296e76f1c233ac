/** Whether a file holds tests, by the conventions of Go, Python and TypeScript. */
export function isTest(path: string): boolean {
  return /(?:^|\/)(?:tests?|__tests__|testdata)\/|_test\.(?:go|py)$|(?:^|\/)test_[^/]*\.py$|\.(?:test|spec)\.[cm]?[jt]sx?$/.test(
    path,
  );
}
