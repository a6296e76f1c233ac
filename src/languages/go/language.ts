import { formed, strictObject } from '../../core/schema.ts';
import { type Language, reservedWords } from '../language.ts';
import { infrastructure } from './infrastructure.ts';

const keywordFault = reservedWords(
  'go',
  `break case chan const continue default defer else fallthrough for func go goto if import interface map package range
  return select struct switch type var internal main testdata vendor`,
);

export const go = {
  code: /\.go$/,
  embedding: /\.(?:c|cc|cpp|cxx|m|mm|h|hh|hpp|hxx|f|for|f90|s|S|swig|swigcxx|syso|a|o|so)$/,
  // `go test` compiles `*_test.go` alone; in `testdata` the go tool looks for no packages.
  tests: /_test\.go$|(?:^|\/)testdata\//,
  installed: /\.go$(?<=(?:^|\/)vendor\/.*)/,
  manifest: 'go.mod',
  entry: strictObject({
    module: formed(
      /^\w[\w.~-]*(\/[\w~-][\w.~-]*)*$/,
      'a module path such as github.com/acme/app',
      'Go module path that scaffolds start from.',
    ),
  }),
  generated: /(?:\.pb|\.connect|\.pb\.gw|_grpc\.pb)\.go$/,
  separator: '/',
  importsFolders: true,
  infrastructure,
  sdk: ['Go packages', 'Import path'],
  runners: {
    'go-test': {
      flags:
        /^--?(?:(?:tags|run|skip|parallel|p|cpu|shuffle|covermode)=.*|(?:race|short|failfast|cover|v)(?:=(?:true|false))?)$/s,
    },
    'go-vet': { checks: true, flags: /^--?tags=.*$/s },
  },
  programs: {
    go: {
      purpose: 'test Go code',
      calls: [['go']],
      probe: ['version'],
      pattern: /^go version go(\d+(?:\.\d+)+)/m,
      // From 1.24 on `go test -json` reports what does not compile.
      minimum: '1.24.0',
      install: {
        darwin: ['brew install go'],
        linux: ['https://go.dev/dl'],
        other: ['https://go.dev/dl'],
      },
    },
  },
  testCommand: 'go test ./...',
  guessEntry: ({ repository }, goMod = '') => ({
    module: /^module\s+"?([^\s"]+)"?\s*$/m.exec(goMod)?.[1] ?? repository,
  }),
  packageNames: ({ module }: { readonly module: string }, { kind, name }) => ({
    /** Path of the primitive's own module. */
    module: `${module}/primitives/${kind}/${name}`,
  }),
  nameFault: (name) =>
    keywordFault(name) ??
    (/^v[0-9]+$/.test(name) ? 'is a major version to Go, at the end of a module path' : undefined),
  toolkit: async () => (await import('./toolkit.ts')).goToolkit,
} satisfies Language;
