import type { RuleId } from '../../../src/features/verify/family.ts';
import type { Corpus, CorpusCase } from './case.ts';

/** What a runner did, for `SuiteDouble`. */
export interface Recorded {
  readonly exitCode: number;
  /** `go test -json`. */
  readonly stdout?: string;
  /** The JUnit file that it left. */
  readonly report?: string;
  readonly stderr?: string;
  /** What the plugin of pytest wrote: files that were loaded, and cases that have no result, relative to the root. */
  readonly evidence?: {
    readonly files: readonly string[];
    readonly left: readonly (readonly [string, string, number])[];
  };
  /** What its suite writes, relative to the root of the repository; undefined removes. */
  readonly writes?: Readonly<Record<string, string | undefined>>;
  /** The time limit ended it. */
  readonly timedOut?: true;
}

type State = 'pass' | 'fail' | 'skip' | 'run';
type Language = 'go' | 'python' | 'ts';

const ID = { go: 'domain/orders', python: 'agent/helper', ts: 'uisurface/shop' } as const;
const MODULE = 'example.com/orders';

/** `go test -json` of one package; a case that ends with `run` never came to its end. */
function go(
  cases: readonly (readonly [name: string, state: State, output?: string])[],
  more: Partial<Recorded> = {},
): Recorded {
  const events = cases.flatMap(([Test, state, Output]) => [
    { Action: 'run', Package: `${MODULE}/a`, Test },
    ...(Output === undefined ? [] : [{ Action: 'output', Package: `${MODULE}/a`, Test, Output }]),
    ...(state === 'run' ? [] : [{ Action: state, Package: `${MODULE}/a`, Test }]),
  ]);
  const failed = cases.some(([, state]) => state === 'fail' || state === 'run');
  const end = { Action: failed ? 'fail' : 'pass', Package: `${MODULE}/a` };
  return { exitCode: failed ? 1 : 0, stdout: lines([...events, end]), ...more };
}

function goBuild(output: string): Recorded {
  const build = `${MODULE}/a [${MODULE}/a.test]`;
  const events = [
    { Action: 'build-output', ImportPath: build, Output: output },
    { Action: 'build-fail', ImportPath: build },
    { Action: 'fail', Package: `${MODULE}/a`, FailedBuild: build },
  ];
  return { exitCode: 1, stdout: lines(events) };
}

function lines(events: readonly object[]): string {
  return events.map((event) => `${JSON.stringify(event)}\n`).join('');
}

/** A package without a case that ends with 0 and prints so, beside one that passes. */
function packageAndOthers(Output: string): Recorded {
  const Package = `${MODULE}/b`;
  const more = [
    { Action: 'output', Package, Output },
    { Action: 'pass', Package },
  ];
  return { ...passing.go, stdout: `${passing.go.stdout}${lines(more)}` };
}

/** A JUnit report; `result` is what is inside of the case. */
function junit(
  cases: readonly (readonly [name: string, result?: string, attributes?: string])[],
  more: Partial<Recorded> = {},
): Recorded {
  const body = cases.map(
    ([name, result = '', attributes = '']) =>
      `<testcase classname="t" name="${name}" ${attributes}>${result}</testcase>`,
  );
  const failed = cases.some(([, result]) => /<(failure|error)/.test(result ?? ''));
  return {
    exitCode: failed ? 1 : 0,
    report: `<testsuites><testsuite>${body.join('')}</testsuite></testsuites>`,
    ...more,
  };
}

const failure = (message: string, type = 'testCodeFailure') =>
  `<failure type="${type}" message="${message}">${message}</failure>`;
const error = (message: string) => `<error message="${message}">${message}</error>`;
const SKIPPED = '<skipped/>';
const passing = { go: go([['TestOther', 'pass']]), python: junit([['test_other']]), ts: junit([['other']]) };

/** Cases of a rule in a language: what is found, by the end of its path, and what comes close to it. */
function cases(
  rule: RuleId,
  language: Language,
  found: readonly (readonly [name: string, recorded: Recorded, place?: string])[],
  missed: readonly (readonly [name: string, recorded: Recorded])[],
): readonly CorpusCase[] {
  const one = (name: string, recorded: Recorded, finds?: string): CorpusCase => ({
    rule,
    language,
    name,
    files: {},
    suite: { primitive: ID[language], recorded },
    finds,
  });
  return [
    ...found.map(([name, recorded, place = '']) => one(name, recorded, `primitives/${ID[language]}${place}`)),
    ...missed.map(([name, recorded]) => one(name, recorded)),
  ];
}

const MARK = 'AMEIDE_SCAFFOLD: Total is not implemented';

/** Cases of what keeps a check from running. */
function obstacles(
  rule: RuleId,
  found: readonly (readonly [name: string, one: Partial<CorpusCase>, place: string])[],
  missed: readonly (readonly [name: string, one: Partial<CorpusCase>])[],
): readonly CorpusCase[] {
  const one = (name: string, more: Partial<CorpusCase>, finds?: string): CorpusCase => ({
    rule,
    language: 'tools',
    name,
    files: {},
    ...more,
    finds,
  });
  return [
    ...found.map(([name, more, place]) => one(name, more, place)),
    ...missed.map(([name, more]) => one(name, more)),
  ];
}

const ORDERS = {
  files: { 'primitives/domain/orders/primitive.yaml': 'kind: domain\nname: orders\n' },
};

const suiteOf = (
  language: Language,
  tool?: NonNullable<CorpusCase['suite']>['tool'],
): Partial<CorpusCase> => ({
  suite: { primitive: ID[language], recorded: passing[language], ...(tool === undefined ? {} : { tool }) },
});
const replayed = (
  language: Language,
  recorded: Recorded,
  files: CorpusCase['files'] = {},
): Partial<CorpusCase> => ({
  suite: { primitive: ID[language], recorded },
  files,
});
const TESTS = {
  required: 'registry: ghcr.io/acme\nverify: { tests: required }\n',
  optional: 'registry: ghcr.io/acme\nverify: { tests: optional }\n',
};
const folder = (language: Language) => `primitives/${ID[language]}`;
const LOCK = `${folder('ts')}/package-lock.json`;
const locked = (version: string, more = {}) =>
  JSON.stringify({ packages: { '': {}, 'node_modules/a': { version, ...more } } });

/** What package.json asks for, and what the lock file says that it asks for. */
const lockCase = (name: string, asked: object, locked: object, isFound: boolean): CorpusCase => ({
  rule: 'TEST-011',
  language: 'ts',
  name,
  files: {
    [`${folder('ts')}/package.json`]: JSON.stringify(asked),
    [LOCK]: JSON.stringify({ packages: { '': locked } }),
  },
  suite: { primitive: ID.ts, recorded: passing.ts },
  finds: isFound ? LOCK : undefined,
});
const one = { a: '^1.0.0' };
/** Go and uv compare their own, in test/integration/verify. */
const lockCases = [
  lockCase('a package more', { dependencies: { ...one, zod: '^4' } }, { dependencies: one }, true),
  lockCase('a package less', {}, { devDependencies: one }, true),
  lockCase('another range', { dependencies: { a: '^1.0.1' } }, { dependencies: one }, true),
  lockCase('a package in another section', { devDependencies: one }, { dependencies: one }, true),
  lockCase('the same', { dependencies: one }, { dependencies: one }, false),
  lockCase(
    'other keys',
    { name: 'a', scripts: one, dependencies: one },
    { name: 'b', dependencies: one },
    false,
  ),
  lockCase(
    'a package that is optional, too',
    { dependencies: one, optionalDependencies: one },
    { optionalDependencies: one },
    false,
  ),
];

/** A test file beside the one that the report is of. */
const fileCase = (name: string, path: string, text: string, finds?: string): CorpusCase => ({
  rule: 'TEST-009',
  language: 'ts',
  name,
  files: { [`${folder('ts')}/${path}`]: text },
  suite: { primitive: ID.ts, recorded: passing.ts },
  finds: finds && `${folder('ts')}/${finds}`,
});
const CALLS_TEST = `import { test } from 'node:test';\ntest('a', (t) => t.assert.ok(true));\n`;
/** The other languages are tried for real, in test/integration/verify. */
const fileCases = [
  fileCase('another folder', 'src/a.test.ts', '', 'src/a.test.ts'),
  fileCase('a spec', 'test/a.spec.js', '', 'test/a.spec.js'),
  fileCase('another name', 'test/a.ts', CALLS_TEST, 'test/a.ts'),
  fileCase('what helps tests', 'test/support/page.ts', `import { mock } from 'node:test';\nmock.fn();\n`),
  fileCase('a function of that name', 'src/a.ts', 'test();\nfunction test() {}\n'),
  fileCase('a suite that lacks its service', 'test/browser/a.test.ts', CALLS_TEST),
];

const TEST_PY = `${folder('python')}/tests/test_a.py`;
const leftCase = (
  name: string,
  left: NonNullable<Recorded['evidence']>['left'],
  finds?: string,
  report = passing.python,
): CorpusCase => ({
  rule: 'TEST-010',
  language: 'python',
  name,
  files: { [TEST_PY]: 'def test_a():\n    assert True\n' },
  suite: { primitive: ID.python, recorded: { ...report, evidence: { files: [TEST_PY], left } } },
  finds,
});
const leftCases = [
  leftCase('a case without a result', [[TEST_PY, 'test_a', 1]], `${TEST_PY}:1`),
  leftCase('a case with parameters', [[TEST_PY, 'test_a[1]', 1]], `${TEST_PY}:1`),
  leftCase('beside others', [[TEST_PY, 'test_a', 7]], `${TEST_PY}:7`, junit([['test_b'], ['test_c']])),
  leftCase('none', [], undefined, junit([['test_a[1]', '', 'file="tests/test_a.py"']])),
  leftCase(
    'a case that was not collected',
    [],
    `${TEST_PY}:1`,
    junit([['test_b', '', 'file="tests/test_a.py"']]),
  ),
  leftCase(
    'a case that has one',
    [[TEST_PY, 'test_a', 1]],
    undefined,
    junit([['test_a', '', 'file="tests/test_a.py"']]),
  ),
  leftCase(
    'a skipped case',
    [],
    undefined,
    junit([['test_a', SKIPPED, 'file="tests/test_a.py"'], ['test_b']]),
  ),
];

export const suites: Corpus = {
  base: {
    'primitive.config.yaml': 'registry: ghcr.io/acme\n',
    'primitives/domain/orders/primitive.yaml': 'kind: domain\nname: orders\n',
    'primitives/domain/orders/go.mod': `module ${MODULE}\n`,
    'primitives/agent/helper/primitive.yaml': 'kind: agent\nname: helper\n',
    'primitives/uisurface/shop/primitive.yaml': 'kind: uisurface\nname: shop\n',
    'primitives/uisurface/shop/package-lock.json': '{}',
    'primitives/uisurface/shop/node_modules/.package-lock.json': '{}',
  },
  cases: [
    ...cases(
      'TEST-001',
      'go',
      [
        ['no case', go([])],
        [
          'all skipped',
          go([
            ['TestA', 'skip'],
            ['TestB', 'skip'],
          ]),
        ],
        [
          'all subtests skipped',
          go([
            ['TestA/a', 'skip'],
            ['TestA/b', 'skip'],
            ['TestA', 'pass'],
          ]),
        ],
        ['no package', { exitCode: 0, stdout: '' }],
        ['a package without tests', { exitCode: 0, stdout: lines([{ Action: 'skip', Package: MODULE }]) }],
      ],
      [
        [
          'one skipped',
          go([
            ['TestA', 'skip'],
            ['TestB', 'pass'],
          ]),
        ],
        [
          'one subtest skipped',
          go([
            ['TestA/a', 'skip'],
            ['TestA/b', 'pass'],
            ['TestA', 'pass'],
          ]),
        ],
        [
          'a package without tests beside another',
          { ...passing.go, stdout: `${passing.go.stdout}${lines([{ Action: 'skip', Package: MODULE }])}` },
        ],
        [
          'a program that prints JSON',
          { ...passing.go, stdout: `{"Action":1}\n{"a":{}}\n{\n${passing.go.stdout}` },
        ],
      ],
    ),
    ...(['python', 'ts'] as const).flatMap((language) =>
      cases(
        'TEST-001',
        language,
        [
          ['no case', junit([])],
          [
            'all skipped',
            junit([
              ['a', SKIPPED],
              ['b', SKIPPED],
            ]),
          ],
          [
            'a describe without cases',
            {
              exitCode: 0,
              report:
                '<testsuites><testcase name="empty"/>\n\t<!-- tests 0 -->\n\t<!-- pass 0 -->\n</testsuites>',
            },
          ],
          [
            'counters that lie',
            { exitCode: 0, report: '<testsuites tests="3"><testsuite tests="3"/></testsuites>' },
          ],
        ],
        [
          ['one skipped', junit([['a', SKIPPED], ['b']])],
          [
            'a describe without cases beside a case',
            {
              exitCode: 0,
              report:
                '<testsuites><testcase name="empty"/><testcase name="a"/>\n\t<!-- pass 1 -->\n</testsuites>',
            },
          ],
          [
            'a case without a suite',
            { exitCode: 0, report: '<testsuites><testcase name="a"/></testsuites>' },
          ],
          [
            'a case in nested suites',
            {
              exitCode: 0,
              report:
                '<testsuites><testsuite><testsuite><testcase name="a"/></testsuite></testsuite></testsuites>',
            },
          ],
        ],
      ),
    ),
    ...cases(
      'TEST-002',
      'go',
      [
        ['a wrong value', go([['TestA', 'fail', '    a_test.go:4: got 1, want 2\n']]), '/a/a_test.go:4'],
        [
          'beside others',
          go([
            ['TestA', 'fail', 'no place'],
            ['TestB', 'pass'],
          ]),
        ],
        ['a hostile name', go([['TestA', 'fail', '::error::x\n']])],
      ],
      [
        ['one that prints FAIL', go([['TestA', 'pass', '--- FAIL: TestB\nFAIL\n']])],
        [
          'one that is skipped',
          go([
            ['TestA', 'skip', 'a_test.go:4: not here\n'],
            ['TestB', 'pass'],
          ]),
        ],
        [
          'a program that prints events',
          {
            ...passing.go,
            stdout: `FAIL {"Action":"fail","Package":"x","Test":"TestA"}\n${passing.go.stdout}`,
          },
        ],
      ],
    ),
    ...(['python', 'ts'] as const).flatMap((language) =>
      cases(
        'TEST-002',
        language,
        [
          ['a wrong value', junit([['a', failure('1 != 2')]])],
          [
            'with file and line',
            junit([['a', failure('1 != 2'), `file="tests/a.x" line="3"`]]),
            '/tests/a.x:4',
          ],
          ['a hostile name', junit([['&lt;b&gt;&#10;::error::x', failure('no')]])],
        ],
        [
          ['one that prints a failure', junit([['a', '<system-out>FAILED a</system-out>']])],
          ['one that is skipped', junit([['a', SKIPPED], ['b']])],
          ['a name that says so', junit([['failure']])],
        ],
      ),
    ),
    ...cases(
      'TEST-003',
      'go',
      [
        ['a stub', go([['TestA', 'fail', `    a_test.go:4: got error "${MARK}"\n`]]), '/a/a_test.go:4'],
        ['the bare marker', go([['TestA', 'fail', 'AMEIDE_SCAFFOLD\n']])],
        [
          'in a subtest',
          go([
            ['TestA', 'fail', `        a_test.go:9: ${MARK}\n`],
            ['TestB', 'pass'],
          ]),
          '/a/a_test.go:9',
        ],
      ],
      [
        ['one that passes', go([['TestA', 'pass', MARK]])],
        [
          'one that is skipped',
          go([
            ['TestA', 'skip', MARK],
            ['TestB', 'pass'],
          ]),
        ],
        ['output of no case', { ...passing.go, stdout: `${MARK}\n${passing.go.stdout}` }],
      ],
    ),
    ...(['python', 'ts'] as const).flatMap((language) =>
      cases(
        'TEST-003',
        language,
        [
          ['a stub', junit([['a', failure(MARK)]])],
          [
            'a stub that raises',
            junit([['a', `<failure message="x">E  NotImplementedError: ${MARK}</failure>`]]),
          ],
          ['beside others', junit([['a', failure(MARK)], ['b']])],
        ],
        [
          ['one that passes', junit([['a', `<system-out>${MARK}</system-out>`]])],
          ['one that is skipped', junit([['a', `<skipped message="${MARK}"/>`], ['b']])],
          ['a name that has it', junit([['AMEIDE_SCAFFOLD']])],
        ],
      ),
    ),
    ...cases(
      'TEST-004',
      'go',
      [
        [
          'an unknown name',
          goBuild('# example.com/orders/a\na/a_test.go:3:5: undefined: x\n'),
          '/a/a_test.go:3',
        ],
        ['an import that is missing', goBuild('a/b.go:1:2: package x is not in std\n'), '/a/b.go:1'],
        ['without a place', goBuild('go: link failed\n')],
      ],
      [
        ['one that prints so', go([['TestA', 'pass', '# example.com/a\nundefined: x\n']])],
        ['a package that is built with warnings', { ...passing.go, stderr: 'ld: warning: x\n' }],
        [
          'output of a build that succeeds',
          {
            ...passing.go,
            stdout: `${lines([{ Action: 'build-output', ImportPath: MODULE, Output: '# cgo\n' }])}${passing.go.stdout}`,
          },
        ],
      ],
    ),
    ...cases(
      'TEST-005',
      'python',
      [
        ['an import that is missing', junit([['tests.test_a', error('collection failure')]])],
        ['a syntax error', junit([['tests.test_b', error('collection failure')]], { exitCode: 2 })],
        ['beside others', junit([['tests.test_a', error('collection failure')], ['b']], { exitCode: 2 })],
      ],
      [
        ['a name that says so', junit([['collection failure']])],
        ['one that prints so', junit([['a', '<system-err>collection failure</system-err>']])],
        ['one that is skipped', junit([['a', '<skipped message="collection failure"/>'], ['b']])],
      ],
    ),
    ...cases(
      'TEST-005',
      'ts',
      [
        [
          'an import that is missing',
          junit([['test/a.ts', failure('test failed'), 'file="test/a.ts"']]),
          '/test/a.ts',
        ],
        [
          'an absolute path',
          junit([
            [
              '/repository/primitives/uisurface/shop/test/a.ts',
              failure('test failed'),
              'file="/repository/primitives/uisurface/shop/test/a.ts"',
            ],
          ]),
          '/test/a.ts',
        ],
        [
          'beside others',
          junit([['test/a.ts', failure('test failed'), 'file="test/a.ts"'], ['b']]),
          '/test/a.ts',
        ],
        ['no case in it', junit([['test/a.ts', '', 'file="test/a.ts"'], ['b']]), '/test/a.ts'],
      ],
      [
        ['a name that is a path', junit([['test/a.ts']])],
        ['a file of tests that pass', junit([['a', '', 'file="test/a.ts"']])],
        ['a name that says so', junit([['test failed', '', 'file="test/a.ts"']])],
        [
          'a case to be done',
          junit([['a', `<skipped type="todo"/>${failure('x')}`], ['b']], { exitCode: 0 }),
        ],
      ],
    ),
    ...cases(
      'TEST-006',
      'go',
      [
        ['a panic', go([['TestA', 'fail', 'panic: boom\n']])],
        ['an exit', go([['TestA', 'run', '']])],
        [
          'a package that fails without a case',
          { exitCode: 1, stdout: lines([{ Action: 'fail', Package: `${MODULE}/a` }]) },
        ],
        ['an exit code without a reason', { ...passing.go, exitCode: 2 }],
        ['a race of the runtime', go([['TestA', 'fail', 'fatal error: concurrent map writes\n']])],
        ['a TestMain that exits before its cases', packageAndOthers(`ok  \t${MODULE}/b\t0.003s\n`)],
      ],
      [
        [
          'a package with benchmarks alone',
          packageAndOthers(`PASS\nok  \t${MODULE}/b\t0.046s [no tests to run]\n`),
        ],
        ['one that recovers', go([['TestA', 'pass', 'panic: boom [recovered]\n']])],
        ['a word', go([['TestA', 'pass', 'no panic: all is well\n']])],
        ['warnings', { ...passing.go, stderr: 'panic: of a child\n' }],
      ],
    ),
    ...(['python', 'ts'] as const).flatMap((language) =>
      cases(
        'TEST-006',
        language,
        [
          ['no report', { exitCode: 139 }],
          ['a broken report', { exitCode: 1, report: '<testsuites><testcase name="a"' }],
          ['an exit code without a reason', junit([['a']], { exitCode: 3 })],
          ['an exit code that hides it', junit([['a', error('teardown')]], { exitCode: 1 })],
        ],
        [
          ['warnings', junit([['a']], { stderr: 'Segmentation fault of a child\n' })],
          ['one that prints so', junit([['a', '<system-out>Fatal Python error</system-out>']])],
          ['a name that says so', junit([['uncaughtException']])],
        ],
      ),
    ),
    ...cases(
      'TEST-007',
      'go',
      [
        ["Go's own limit", go([['TestA', 'fail', 'panic: test timed out after 1s\n']])],
        ['ours', go([['TestA', 'run']], { timedOut: true })],
        ['nothing was said', { exitCode: 1, stdout: '', timedOut: true }],
      ],
      [
        ['one that prints so', go([['TestA', 'pass', 'panic: test timed out after 1s\n']])],
        ['one that waits for a time-out', go([['TestTimeout', 'pass', 'context deadline exceeded\n']])],
        [
          'one that is skipped',
          go([
            ['TestA', 'skip', 'timed out\n'],
            ['TestB', 'pass'],
          ]),
        ],
      ],
    ),
    ...(['python', 'ts'] as const).flatMap((language) =>
      cases(
        'TEST-007',
        language,
        [
          ['the limit of a case', junit([['a', failure('test timed out after 50ms', 'testTimeoutFailure')]])],
          ['the limit of a plugin', junit([['a', failure('Failed: Timeout &gt;1.0s', 'pytest_timeout')]])],
          ['ours', { exitCode: 1, timedOut: true }],
        ],
        [
          ['a name that says so', junit([['timeout']])],
          ['one that prints so', junit([['a', '<system-out>Failed: Timeout</system-out>']])],
          ['one that is skipped', junit([['a', '<skipped type="timeout"/>'], ['b']])],
        ],
      ),
    ),
    ...(['go', 'python', 'ts'] as const).flatMap((language) => {
      const other = `${folder(language)}/testdata/got.json`;
      const wrote = (writes: Recorded['writes'] & {}) => ({ ...passing[language], writes });
      return cases(
        'TEST-008',
        language,
        [
          ['a file more', wrote({ [other]: '{}' }), '/testdata/got.json'],
          ['a file changed', wrote({ [`${folder(language)}/primitive.yaml`]: '' }), '/primitive.yaml'],
          ['a file removed', wrote({ [`${folder(language)}/primitive.yaml`]: undefined }), '/primitive.yaml'],
        ],
        [
          ['nothing', wrote({})],
          ['the same text', wrote({ 'primitive.config.yaml': 'registry: ghcr.io/acme\n' })],
          ['a file that was not there', wrote({ [other]: undefined })],
        ],
      );
    }),
    // Go and uv compare their own, in test/integration/verify.
    ...fileCases,
    ...leftCases,
    ...lockCases,
    ...obstacles(
      'INT-001',
      (['go', 'python', 'ts'] as const).map((language) => [
        language,
        suiteOf(language, 'tool-not-found'),
        folder(language),
      ]),
      (['go', 'python', 'ts'] as const).map((language) => [language, suiteOf(language)]),
    ),
    ...obstacles(
      'INT-002',
      [
        ['too old', suiteOf('ts', 'tool-too-old'), folder('ts')],
        ['broken', suiteOf('python', 'tool-broken'), folder('python')],
        [
          'a module for a newer Go',
          replayed('go', { exitCode: 1, stderr: 'go: go.mod requires go >= 1.99 (running go 1.26)\n' }),
          folder('go'),
        ],
      ],
      [
        [
          'a case that prints so',
          replayed('go', go([['TestA', 'pass', 'go: go.mod requires go >= 1.99\n']])),
        ],
        [
          'a runner that warns',
          replayed('ts', { ...passing.ts, stderr: 'ExperimentalWarning: go: x requires y\n' }),
        ],
        ['a runner in a good version', suiteOf('python')],
      ],
    ),
    ...obstacles(
      'INT-003',
      [
        [
          'no node_modules',
          { ...suiteOf('ts'), without: `${folder('ts')}/node_modules/.package-lock.json` },
          folder('ts'),
        ],
        ['another version', { ...suiteOf('ts'), files: { [LOCK]: locked('2.0.0') } }, folder('ts')],
        [
          'a lock file that is no JSON',
          { ...suiteOf('ts'), files: { [LOCK]: '<<<<<<< HEAD' } },
          folder('ts'),
        ],
        ['no environment', replayed('python', { exitCode: 127 }), folder('python')],
        [
          'another distribution',
          replayed('python', passing.python, {
            [`${folder('python')}/requirements.lock`]: 'a==1.0 \\\n    --hash=sha256:0\n',
          }),
          folder('python'),
        ],
        [
          'modules that are not in the cache',
          replayed('go', { exitCode: 1, stderr: 'a.go:1:2: module lookup disabled by GOPROXY=off\n' }),
          folder('go'),
        ],
      ],
      [
        [
          'what is for another platform',
          { ...suiteOf('ts'), files: { [LOCK]: locked('2.0.0', { optional: true }) } },
        ],
        [
          'a distribution for another platform',
          replayed('python', passing.python, {
            [`${folder('python')}/requirements.lock`]:
              'a==1.0 ; sys_platform == "win32" \\\n    --hash=sha256:0\n',
          }),
        ],
        [
          'a case that prints so',
          replayed('go', go([['TestA', 'pass', 'module lookup disabled by GOPROXY=off\n']])),
        ],
      ],
    ),
    ...obstacles(
      'INT-004',
      [
        [
          'no permission',
          { files: { 'primitives/domain/orders/a.go': { error: 'EACCES: permission denied' } } },
          'primitives/domain/orders/a.go',
        ],
        [
          'a disk that fails',
          { files: { 'primitives/domain/orders/b.md': { error: 'EIO: i/o error' } } },
          'primitives/domain/orders/b.md',
        ],
        [
          '65 MiB',
          { files: { 'primitives/domain/orders/c.sql': new Uint8Array(65 * 1024 * 1024) } },
          'primitives/domain/orders/c.sql',
        ],
      ],
      [
        ['50 MiB', { files: { 'primitives/domain/orders/c.sql': new Uint8Array(50 * 1024 * 1024) } }],
        ['a link that leads nowhere', { files: { 'primitives/domain/orders/d': { link: 'nowhere' } } }],
        ['no UTF-8', { files: { 'primitives/domain/orders/e.go': new Uint8Array([0xff, 0xfe, 0x41]) } }],
      ],
    ),
    ...obstacles(
      'INT-007',
      ['a.go', 'b.md', 'c.bin'].map((name) => {
        const path = `primitives/domain/orders/${name}`;
        return [name, { files: { [path]: 'package orders\n' }, endless: [path] }, path];
      }),
      [
        ['a scan that ends', { files: { 'primitives/domain/orders/a.go': 'package orders\n' } }],
        ['a large file', { files: { 'primitives/domain/orders/b.md': 'a '.repeat(2 ** 20) } }],
        ['one that is not there', { files: {}, endless: ['primitives/domain/orders/c.bin'] }],
      ],
    ),
    ...obstacles(
      'INT-008',
      [
        [
          'a rule that throws',
          {
            ...ORDERS,
            plugin: () => {
              throw new Error('it cannot');
            },
          },
          'primitives/domain/orders',
        ],
        ['a rule that returns no list', { ...ORDERS, plugin: () => null }, 'primitives/domain/orders'],
        [
          'a problem of another place',
          { ...ORDERS, plugin: () => [{ message: 'x', path: 'primitives/domain/orders/../../x' }] },
          'primitives/domain/orders',
        ],
      ],
      [
        ['a rule that finds nothing', { ...ORDERS, plugin: () => [] }],
        ['a rule that takes its time', { ...ORDERS, plugin: ({ path }) => (path === '' ? null : []) }],
        ['no plugin', ORDERS],
      ],
    ),
    ...obstacles(
      'INT-005',
      (['a1', 'a2', 'a3'] as const).map((name) => [
        name,
        {
          files: { [`primitives/stored/${name}/primitive.yaml`]: `kind: stored\nname: ${name}\n` },
          suite: { primitive: `stored/${name}`, recorded: passing.go },
        },
        `primitives/stored/${name}`,
      ]),
      (['go', 'python', 'ts'] as const).map((language) => [
        `${language}: a suite that nobody requires`,
        suiteOf(language),
      ]),
    ),
    ...obstacles(
      'INT-006',
      [
        ['required', { files: { 'primitive.config.yaml': TESTS.required } }, 'primitive.config.yaml'],
        [
          'required by a config with more',
          { files: { 'primitive.config.yaml': `${TESTS.required}plugins: []\n` } },
          'primitive.config.yaml',
        ],
        [
          'required in another form',
          { files: { 'primitive.config.yaml': 'registry: ghcr.io/acme\nverify:\n  tests: "required"\n' } },
          'primitive.config.yaml',
        ],
      ],
      [
        ['optional', { files: { 'primitive.config.yaml': TESTS.optional } }],
        ['not said', { files: { 'primitive.config.yaml': 'registry: ghcr.io/acme\nverify: {}\n' } }],
        ['required, and run', { ...suiteOf('go'), files: { 'primitive.config.yaml': TESTS.required } }],
      ],
    ),
  ],
};
