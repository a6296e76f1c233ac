import type { Language } from './language.ts';

export const go = {
  code: /\.go$/,
  // `go test` compiles `*_test.go` alone; in `testdata` the go tool looks for no packages.
  tests: /_test\.go$|(?:^|\/)testdata\//,
  installed: /\.go$(?<=(?:^|\/)vendor\/.*)/,
} satisfies Language;
