import type { RuleId } from '../../../src/features/verify/family.ts';
import type { Corpus, CorpusCase } from './case.ts';

const ORDERS = 'primitives/domain/orders';
const STUB = 'AMEIDE_SCAFFOLD: CreateItem is not implemented';

const one = (rule: RuleId, path: string, text: string | Uint8Array, line?: number): CorpusCase => ({
  rule,
  language: 'text',
  name: path,
  files: { [path]: text },
  finds: line === undefined ? undefined : `${path}:${line}`,
});

export const markers: Corpus = {
  base: {
    'primitive.config.yaml': 'registry: ghcr.io/acme\n',
    [`${ORDERS}/primitive.yaml`]: 'kind: domain\nname: orders\n',
  },
  cases: [
    one('MARK-001', `${ORDERS}/internal/a.go`, `package a\n\nvar err = errors.New("${STUB}")\n`, 3),
    one('MARK-001', `${ORDERS}/src/agent.py`, `raise NotImplementedError('${STUB}')\n`, 1),
    one('MARK-001', `${ORDERS}/Makefile`, 'all:\n\t@echo AMEIDE_SCAFFOLD\n', 2),
    one('MARK-001', `${ORDERS}/a.sql`, '-- AMEIDE_SCAFFOLD\r\n', 1),
    one('MARK-001', `${ORDERS}/a.bin`, Buffer.from('\0\0\nAMEIDE_SCAFFOLD\0'), 2),
    one('MARK-001', `${ORDERS}/internal/test/db.go`, `package test\n\nvar err = errors.New("${STUB}")\n`, 3),
    one('MARK-001', `${ORDERS}/src/test/db.ts`, `throw new Error('${STUB}');\n`, 1),
    one('MARK-001', `${ORDERS}/src/acme/test/db.py`, `raise NotImplementedError('${STUB}')\n`, 1),
    one('MARK-001', `${ORDERS}/src/acme/integration/db.py`, `raise NotImplementedError('${STUB}')\n`, 1),
    one('MARK-001', 'docs/scaffold.md', 'A stub has the marker AMEIDE_SCAFFOLD.\n'),
    one('MARK-001', `${ORDERS}/internal/b.go`, '// AMEIDE_SCAFFOL is cut off, ameide_scaffold is not it\n'),
    one('MARK-001', 'libs/go/stub.go', `var err = errors.New("${STUB}")\n`),
    one('MARK-002', `${ORDERS}/internal/a_test.go`, `package a\n\nconst want = "${STUB}"\n`, 3),
    one('MARK-002', `${ORDERS}/tests/test_agent.py`, 'match="AMEIDE_SCAFFOLD"\n', 1),
    one('MARK-002', `${ORDERS}/src/home.test.ts`, "assert.match(text, 'AMEIDE_SCAFFOLD')\n", 1),
    one('MARK-002', `${ORDERS}/internal/testdata/x.go`, `package x\n\nconst want = "${STUB}"\n`, 3),
    one('MARK-002', `${ORDERS}/conftest.py`, 'MARKER = "AMEIDE_SCAFFOLD"\n', 1),
    one('MARK-002', `${ORDERS}/src/__tests__/home.ts`, "export const marker = 'AMEIDE_SCAFFOLD';\n", 1),
    one('MARK-002', 'test/lab.ts', "const MARKER = 'AMEIDE_SCAFFOLD';\n"),
    one('MARK-002', `${ORDERS}/internal/c_test.go`, 'const want = "AMEIDE"\n'),
    one('MARK-002', `${ORDERS}/tests/notes.md`, 'No marker here.\n'),
  ],
};
