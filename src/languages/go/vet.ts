import { join, resolve } from 'node:path';
import { record } from '../../core/json.ts';
import { casesOf, crashed, type Diagnostic, list, type OwnPath, ownPath, placed } from '../diagnostics.ts';
import { grantedTo, type SuiteRunner, start } from '../runner.ts';
import { GO_ENVIRONMENT, missingModule } from './environment.ts';
import { ALL_FIELDS, listPackages, packageFiles, readObjects } from './packages.ts';

/** `go vet`, which compiles the packages and their tests. */
export const goVet: SuiteRunner['run'] = async (primitive, suite, ports, { tool: go }) => {
  const cwd = join(ports.tree.root, primitive.path);
  const own = ownPath(ports.tree);
  // With -trimpath Go would take what vet said in another folder, with its places, from the cache.
  const GOFLAGS = '-mod=readonly -buildvcs=false';
  const options = { cwd, env: { ...grantedTo(suite, ports), ...GO_ENVIRONMENT, GOFLAGS } };
  const packages = await listPackages(go, suite.args, ports, { cwd });
  const vet = await start(go, ['vet', '-json', ...suite.args], ports, options);
  const missing = missingModule(vet.stderr);
  if (missing !== undefined) return { cause: 'dependencies-missing', why: missing };
  const found = [...readVet(vet.stdout, own), ...readCompiler(vet.stderr, cwd, own)];
  if (vet.timedOut || (vet.exitCode !== 0 && found.length === 0)) return crashed('go vet', vet);
  const seen = new Set(packages.flatMap((one) => packageFiles(one, ALL_FIELDS, own)));
  const isData = (file: string) => /(?:^|\/)(?:testdata|vendor|_[^/]*|\.[^/]*)\//.test(file);
  const code = primitive.files
    .filter((file) => file.endsWith('.go') && !isData(file))
    .map((file) => `${primitive.path}/${file}`);
  return {
    cases: casesOf(
      'go vet',
      code.filter((file) => seen.has(file)),
      found,
    ),
    leftOut: {
      files: code.filter((file) => !seen.has(file)),
      why: `it is not built here by ${['go vet', ...suite.args].join(' ')}`,
    },
  };
};

/** `go vet -json`: objects by package, then by analyzer, each of the form that `go doc unitchecker` has. */
function readVet(stdout: string, own: OwnPath): readonly Diagnostic[] {
  return readObjects(stdout).flatMap((packages) =>
    Object.values(packages).flatMap((analyzers) =>
      Object.entries(record(analyzers)).flatMap(([code, entries]) =>
        list(entries).map((entry): Diagnostic => {
          const [, file = '', line, column] = /^(.*):(\d+):(\d+)$/.exec(String(entry.posn)) ?? [];
          return { code, text: String(entry.message), ...placed(own(file), Number(line), Number(column)) };
        }),
      ),
    ),
  );
}

/** Message of the compiler, as `go vet` prints it: `vet: ./a.go:7:28: undefined: b`. */
function readCompiler(stderr: string, cwd: string, own: OwnPath): readonly Diagnostic[] {
  return stderr.split('\n').flatMap((line): readonly Diagnostic[] => {
    const [, file, row, column, text] = /^(?:vet: )?(\S[^:]*\.go):(\d+):(?:(\d+):)? (.*)$/.exec(line) ?? [];
    if (file === undefined || text === undefined) return [];
    return [{ code: 'compile', text, ...placed(own(resolve(cwd, file)), Number(row), Number(column ?? 1)) }];
  });
}
