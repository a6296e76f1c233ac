import { type Code, PrimitiveError } from '../../../src/core/errors.ts';
import type { RuleId } from '../../../src/features/verify/family.ts';
import type { Regenerated } from '../../../src/features/verify/subjects.ts';
import { composeText } from '../../../src/kinds/compose/compose.ts';
import { bundledKinds, openKinds } from '../../../src/kinds/kind.ts';
import { eventsDigestOf } from '../../../src/kinds/source.ts';
import { joinRepository } from '../../../src/oci/reference.ts';
import { readManifest } from '../../../src/repository/provenance.ts';
import type { Corpus, CorpusCase } from './case.ts';
import type { Files } from './tree.ts';

const ORDERS = 'primitives/domain/orders';
const STUB = 'gen/a.pb.go';
const BUF = `${ORDERS}/buf.gen.yaml`;

type Change = Regenerated['changes'][number]['change'];
const changes = (...list: readonly (readonly [change: Change, path: string])[]): readonly Regenerated[] => [
  { generator: 'proto', changes: list.map(([change, path]) => ({ change, path })) },
];
const refused = (code: Code, exit: 2 | 3 = 2) => new PrimitiveError(code, 'Cannot read its input.', { exit });

const BOARD = 'primitives/projection/board';
const COPY = 'proto/service.proto';
const EVENT = 'option (primitive.events.v1.event) = {};';
const EVENTS = `syntax = "proto3";\npackage acme.v1;\nmessage OrderPlaced { ${EVENT} string id = 1; }\n`;

/** A primitive with a copy of the proto of domain/orders, which may have changed since. */
function board({
  kind = 'projection',
  ...more
}: {
  kind?: string;
  source?: string | undefined;
  digest?: string;
}): { readonly files: Files } {
  const source = 'source' in more ? more.source : EVENTS;
  const path = `primitives/${kind}/board`;
  const events = more.digest === undefined ? '' : `  events: ${more.digest}\n`;
  return {
    files: {
      [`${path}/primitive.yaml`]: `kind: ${kind}\nname: board\ntemplate:\n  version: 1\n${events}  inputs: { source: domain/orders }\n  files: ""\n`,
      [`${path}/${COPY}`]: EVENTS,
      ...(source === undefined
        ? {}
        : {
            [`${ORDERS}/primitive.yaml`]: `kind: domain\nname: orders\ntemplate:\n  version: 1\n  files: |-\n    ${'a'.repeat(64)}  ${PROTO}\n`,
            [`${ORDERS}/${PROTO}`]: source,
          }),
    },
  };
}

const PROTO = 'proto/acme/v1/api.proto';
const served = { files: { [`${ORDERS}/${PROTO}`]: 'syntax = "proto3";\npackage acme.v1;\n' } };
const broken = (rule: string) => ({
  rule,
  message: 'Field "1" on message "Order" changed name.',
  path: 'acme/v1/api.proto',
  line: 3,
  column: 1,
});

type More = Partial<Pick<CorpusCase, 'generated' | 'compared' | 'files'>>;
function cases(
  rule: RuleId,
  found: readonly (readonly [name: string, more: More, place: string])[],
  missed: readonly (readonly [name: string, more: More])[],
): readonly CorpusCase[] {
  const one = (name: string, more: More, finds?: string): CorpusCase => ({
    rule,
    language: 'buf',
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

const domain = await (await openKinds({ bundled: bundledKinds() })).get('domain');
if (domain === undefined) throw new Error('the kind domain is missing');
const build = { context: ORDERS, dockerfile: 'Dockerfile', platforms: [], args: {}, bases: {}, secrets: [] };
const repository = joinRepository('ghcr.io/acme', 'domain-orders');
/** The compose file of the only primitive. */
const COMPOSED = composeText(
  [
    {
      id: 'domain/orders',
      kind: domain,
      component: {
        id: 'domain/orders',
        kind: 'domain',
        name: 'orders',
        path: ORDERS,
        image: 'domain-orders',
        repository,
        build,
      },
      manifest: await readManifest('kind: domain\nname: orders\n', 'primitive.yaml'),
    },
  ],
  '',
  '/',
);
const composed = (text: string): More => ({ files: { 'compose.yaml': text } });
const lineOf = (text: string) => COMPOSED.split('\n').findIndex((line) => line.includes(text)) + 1;

const plugins = (...lines: readonly string[]): Files => ({
  [BUF]: `version: v2\nplugins:\n${lines.map((line) => `  - ${line}\n`).join('')}`,
});
const stub = (head: string, more: Files = {}): Files => ({
  [`${ORDERS}/${STUB}`]: `// Code generated. DO NOT EDIT.\n${head}\npackage gen\n`,
  ...more,
});

export const generated: Corpus = {
  base: {
    'primitive.config.yaml': 'registry: ghcr.io/acme\n',
    [`${ORDERS}/primitive.yaml`]: 'kind: domain\nname: orders\n',
    [`${ORDERS}/go.mod`]:
      'module example.com/orders\n\nrequire (\n\tgoogle.golang.org/protobuf v1.36.12\n\tgoogle.golang.org/grpc/cmd/protoc-gen-go-grpc v1.6.0 // indirect\n)\n',
    [BUF]: 'version: v2\nplugins: []\n',
    [`${ORDERS}/${STUB}`]: 'package gen\n',
  },
  cases: [
    ...cases(
      'GEN-001',
      [
        ['a stub', { generated: changes(['changed', STUB]) }, `${ORDERS}/${STUB}`],
        [
          'a file of another generator',
          {
            generated: [...changes(), { generator: 'b', changes: [{ change: 'changed', path: 'gen/b.go' }] }],
          },
          `${ORDERS}/gen/b.go`,
        ],
        [
          'a deep path',
          { generated: changes(['changed', 'internal/gen/x/y/z.go']) },
          `${ORDERS}/internal/gen/x/y/z.go`,
        ],
      ],
      [
        ['nothing', { generated: changes() }],
        ['no generator', { generated: [] }],
        ['another generator without changes', { generated: [...changes(), { generator: 'b', changes: [] }] }],
      ],
    ),
    ...cases(
      'GEN-002',
      [
        [
          'a stub',
          { generated: changes(['created', 'internal/gen/b.pb.go']) },
          `${ORDERS}/internal/gen/b.pb.go`,
        ],
        ['the only file', { generated: changes(['created', STUB]) }, `${ORDERS}/${STUB}`],
        [
          'a name with a space',
          { generated: changes(['created', 'internal/gen/a b.go']) },
          `${ORDERS}/internal/gen/a b.go`,
        ],
      ],
      [
        ['nothing', { generated: changes() }],
        ['no generator', { generated: [] }],
        ['a file more of a person', { generated: changes(), files: { [`${ORDERS}/internal/b.go`]: '' } }],
      ],
    ),
    ...cases(
      'GEN-003',
      [
        [
          'a helper',
          { generated: changes(['removed', 'internal/gen/helper.go']) },
          `${ORDERS}/internal/gen/helper.go`,
        ],
        ['a link', { generated: changes(['removed', 'internal/gen/link']) }, `${ORDERS}/internal/gen/link`],
        ['a stub of a service that is gone', { generated: changes(['removed', STUB]) }, `${ORDERS}/${STUB}`],
      ],
      [
        ['nothing', { generated: changes() }],
        ['no generator', { generated: [] }],
        [
          'a helper beside the folder',
          { generated: changes(), files: { [`${ORDERS}/internal/generated.go`]: '' } },
        ],
      ],
    ),
    ...cases(
      'GEN-004',
      [
        ['no input', { generated: refused('generator-input') }, ORDERS],
        ['a link in the way', { generated: refused('generator-output') }, ORDERS],
        ['an unknown program', { generated: refused('generator-unknown') }, ORDERS],
      ],
      [
        ['a process model with a fault', { generated: refused('bpmn-invalid') }],
        ['several faults of a model', { generated: refused('bpmn-id-duplicate') }],
        ['nothing', { generated: changes() }],
      ],
    ),
    ...cases(
      'GEN-007',
      [
        ['another name', { ...served, compared: [broken('FIELD_SAME_NAME')] }, `${ORDERS}/${PROTO}:3`],
        [
          'a package that is gone',
          { ...served, compared: [{ ...broken('PACKAGE_NO_DELETE'), path: undefined }] },
          ORDERS,
        ],
        [
          'a call that is gone, after another',
          { ...served, compared: [{ ...broken('RPC_NO_DELETE'), line: 9 }] },
          `${ORDERS}/${PROTO}:9`,
        ],
      ],
      [
        ['nothing', { ...served, compared: [] }],
        ['no proto', { compared: [broken('FIELD_SAME_NAME')] }],
        [
          'modules of a registry',
          {
            files: { ...served.files, [`${ORDERS}/buf.yaml`]: 'version: v2\ndeps: [buf.build/acme/types]\n' },
            compared: [broken('FIELD_SAME_NAME')],
          },
        ],
      ],
    ),
    ...cases(
      'GEN-008',
      [
        [
          'an event more',
          board({ source: `${EVENTS}message OrderShipped { ${EVENT} }` }),
          `${BOARD}/${COPY}`,
        ],
        [
          'a field more',
          board({ source: EVENTS.replace('string id = 1;', 'string id = 1; string note = 2;') }),
          `${BOARD}/${COPY}`,
        ],
        ['a digest of other events', board({ digest: 'f'.repeat(64) }), BOARD],
        [
          'a call more, of a surface',
          board({ kind: 'uisurface', source: `${EVENTS}service Orders {}` }),
          `${BOARD.replace('projection', 'uisurface')}/${COPY}`,
        ],
      ],
      [
        ['the same', board({})],
        ['its digest', board({ digest: eventsDigestOf(EVENTS, 'proto') })],
        ['a call more, of a projection', board({ source: `${EVENTS}service Orders {}` })],
        ['no source', board({ source: undefined })],
        ['a source that cannot be read', board({ source: 'message' })],
        ['another end of line', board({ kind: 'uisurface', source: EVENTS.replaceAll('\n', '\r\n') })],
      ],
    ),
    ...cases(
      'GEN-009',
      [
        [
          'an edit',
          composed(COMPOSED.replace('sslmode=disable', 'sslmode=require')),
          `compose.yaml:${lineOf('sslmode=disable')}`,
        ],
        ['a volume more', composed(`${COMPOSED}  mine: {}\n`), `compose.yaml:${lineOf('  tokens: {}') + 1}`],
        ['a primitive less', composed(composeText([], '', '/')), `compose.yaml:${lineOf('services:')}`],
      ],
      [
        ['none', {}],
        ['as generated', composed(COMPOSED)],
        ['that of a person', composed('services: {}\n')],
        ['another end of line', composed(COMPOSED.replaceAll('\n', '\r\n'))],
      ],
    ),
    ...cases(
      'GEN-005',
      [
        ['no version', { files: plugins('remote: buf.build/protocolbuffers/go') }, `${BUF}:3`],
        [
          'the second',
          { files: plugins('local: protoc-gen-go', 'remote: buf.build/grpc/go # stubs') },
          `${BUF}:4`,
        ],
        ['a version that moves', { files: plugins('remote: buf.build/grpc/go:latest') }, `${BUF}:3`],
        [
          'the old format',
          { files: { [BUF]: 'version: v1\nplugins:\n  - plugin: buf.build/grpc/go\n    out: a\n' } },
          `${BUF}:3`,
        ],
      ],
      [
        ['a version', { files: plugins('remote: "buf.build/protocolbuffers/go:v1.36.12"') }],
        ['a local plugin', { files: plugins('local: [go, tool, protoc-gen-go]') }],
        [
          'a program of the old format',
          { files: { [BUF]: 'version: v1\nplugins:\n  - plugin: go\n    out: a\n' } },
        ],
        ['a comment', { files: plugins('local: a # remote: buf.build/grpc/go') }],
      ],
    ),
    ...cases(
      'GEN-006',
      [
        ['an older plugin', { files: stub('// \tprotoc-gen-go v1.35.0') }, `${ORDERS}/${STUB}:2`],
        [
          'a newer plugin',
          { files: stub('// versions:\n// - protoc-gen-go-grpc v1.7.0') },
          `${ORDERS}/${STUB}:3`,
        ],
        [
          'the pin of a remote plugin',
          {
            files: stub(
              '// \tprotoc-gen-go v1.36.12',
              plugins('remote: buf.build/protocolbuffers/go:v1.37.0'),
            ),
          },
          `${ORDERS}/${STUB}:2`,
        ],
      ],
      [
        ['the pinned version', { files: stub('// \tprotoc-gen-go v1.36.12') }],
        ['a version that is not known', { files: stub('// \tprotoc-gen-go (unknown)') }],
        ['a plugin that nobody pins', { files: stub('// \tprotoc-gen-validate v1.0.0') }],
        ['a file of a person', { files: { [`${ORDERS}/internal/a.go`]: '// protoc-gen-go v1.35.0\n' } }],
      ],
    ),
  ],
};
