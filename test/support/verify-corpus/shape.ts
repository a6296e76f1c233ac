import { digestOf } from '../../../src/core/digest.ts';
import type { BaselineFile } from '../../../src/features/verify/baseline.ts';
import type { RuleId } from '../../../src/features/verify/family.ts';
import type { Corpus, CorpusCase } from './case.ts';
import type { Files } from './tree.ts';

const MESH = 'primitives/integration/mesh';
const IMAGE = `docker.io/library/golang:1.26@sha256:${'a'.repeat(64)}`;
const RUNTIME = `docker.io/library/debian:13@sha256:${'b'.repeat(64)}`;

const CATALOG = 'apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: integration-mesh\n';
const DOCKERFILE = `FROM ${IMAGE} AS build
RUN go build -o /server ./cmd/server
FROM ${RUNTIME}
COPY --from=build /server /server
USER 65532:65532
ENTRYPOINT ["/server"]
`;

const base: Files = {
  'primitive.config.yaml': `registry: ghcr.io/acme
build:
  bases: { "internal/base:1": "${RUNTIME}" }
`,
  [`${MESH}/primitive.yaml`]: 'kind: integration\nname: mesh\ntemplate: { version: 1, files: {} }\n',
  [`${MESH}/Dockerfile`]: DOCKERFILE,
  [`${MESH}/.dockerignore`]: '*\n',
  [`${MESH}/catalog-info.yaml`]: CATALOG,
  [`${MESH}/go.mod`]: 'module example.com/mesh\n',
  [`${MESH}/go.sum`]: '',
  [`${MESH}/README.md`]: '# mesh\n',
  [`${MESH}/cmd/server/main.go`]: 'package main\n',
  [`${MESH}/internal/port/port.go`]: 'package port\n',
};

type Case = readonly [name: string, files: Files, finds?: string | undefined, without?: string];

/** Cases of one rule; `without` takes a file of the base away. */
function cases(rule: RuleId, language: string, list: readonly Case[]): readonly CorpusCase[] {
  return list.map(([name, files, finds, without]) => ({
    rule,
    language,
    name,
    files,
    finds,
    ...(without === undefined ? {} : { without }),
  }));
}

const POST = 'primitives/integration/post';
const OF_MESH = `${MESH}/primitive.yaml`;

/** A second primitive. */
const POSTED: Files = {
  [`${POST}/primitive.yaml`]: 'kind: integration\nname: post\n',
  [`${POST}/Dockerfile`]: DOCKERFILE,
  [`${POST}/.dockerignore`]: '*\n',
  [`${POST}/go.mod`]: 'module example.com/post\n',
  [`${POST}/go.sum`]: '',
  [`${POST}/README.md`]: '# post\n',
  [`${POST}/cmd/server/main.go`]: 'package main\n',
  [`${POST}/internal/port/port.go`]: 'package port\n',
  [`${POST}/sql/1.sql`]: 'SELECT 1;\n',
  [`${POST}/proto/post.proto`]: 'syntax = "proto3";\n',
  [`${POST}/gen/post.pb.go`]: 'package post\n',
  'pkg/log.go': 'package pkg\n',
};

/** Mesh is built of what `inputs` name in the repository. */
function shipping(inputs: string): Files {
  return {
    ...POSTED,
    [`${MESH}/primitive.yaml`]: `kind: integration\nname: mesh\ntemplate: { version: 1, files: {} }\nbuild: { context: ., inputs: ${inputs} }\n`,
  };
}

/** Cases of the Dockerfile: its text, and the line of the finding. */
function dockerfiles(rule: RuleId, list: readonly (readonly [text: string, line?: number])[]) {
  return cases(
    rule,
    'dockerfile',
    list.map(([text, line]) => [
      text,
      { [`${MESH}/Dockerfile`]: text },
      line === undefined ? undefined : `${MESH}/Dockerfile:${line}`,
    ]),
  );
}

const tail = (lines: string) => `FROM ${RUNTIME}\n${lines}\nUSER 65532\n`;

const WIDGET = 'primitives/widget/a1';

/** A primitive that scaffold wrote from a version of its template: what it recorded, and what is there. */
function widget(version: number, recorded: Readonly<Record<string, string>> = {}, files: Files = {}): Files {
  const digests = Object.entries(recorded).map(([path, text]) => [path, digestOf(Buffer.from(text))]);
  const template = JSON.stringify({ version, files: Object.fromEntries(digests) });
  return {
    [`${WIDGET}/Dockerfile`]: DOCKERFILE,
    [`${WIDGET}/primitive.yaml`]: `kind: widget\nname: a1\ntemplate: ${template}\n`,
    ...Object.fromEntries(Object.entries(files).map(([path, text]) => [`${WIDGET}/${path}`, text])),
  };
}

/** A widget with the template files that it records; that of now is main.go of `kinds/widget`. */
function taken(sources: Readonly<Record<string, string>>, more = ''): Files {
  const lines = Object.entries(sources).map(([path, hex]) => `    ${hex.padEnd(64, hex)}  ${path}\n`);
  return {
    [`${WIDGET}/Dockerfile`]: DOCKERFILE,
    [`${WIDGET}/primitive.yaml`]: `kind: widget\nname: a1\ntemplate:\n  version: 1\n${more}  sources: |\n${lines.join('')}`,
  };
}
const NOW = 'df1d036cbbf3df46e2045071e082245ece204c7f53ecf0a4e022bff9bb228f47';

/** Without what scaffold writes down. */
const adopted = (build = ''): Files => ({
  [`${MESH}/primitive.yaml`]: `kind: integration\nname: mesh\n${build}`,
});

/** A baseline with entries for findings that are not there. */
const baseline = (...entries: readonly (readonly [rule: string, path: string])[]): BaselineFile => ({
  shown: 'verify.json',
  read: async () =>
    JSON.stringify({
      schema: 'primitive.baseline/v1',
      findings: entries.map(([rule, path]) => ({ rule, path, fingerprint: '0'.repeat(32) })),
    }),
  write: async () => {
    throw new Error('it was not asked for');
  },
});
const baselines: readonly (readonly [string, BaselineFile, string?])[] = [
  ['a finding that is there no more', baseline(['SHAPE-001', MESH]), MESH],
  ['a file that is there no more', baseline(['SHAPE-002', `${MESH}/a.yaml`]), `${MESH}/a.yaml`],
  ['another fingerprint', baseline(['SHAPE-012', `${MESH}/Dockerfile`]), `${MESH}/Dockerfile`],
  ['none', baseline()],
  ['a family that is not checked', baseline(['IMP-001', `${MESH}/a.go`])],
  ['another family that is not checked', baseline(['SEC-001', `${MESH}/a.go`])],
];

const suppressions = (...entries: readonly string[]) =>
  `schema: primitive.suppressions/v1\nsuppressions:\n${entries.map((entry) => `  - { ${entry}, reason: Known and agreed on., owner: mesh }\n`).join('')}`;
const ROOT_USER = { [`${MESH}/Dockerfile`]: DOCKERFILE.replace('USER 65532:65532', 'USER 0') };

export const shape: Corpus = {
  base,
  cases: [
    ...cases('SHAPE-001', 'files', [
      ['no README', {}, MESH, `${MESH}/README.md`],
      ['no catalog entry', {}, MESH, `${MESH}/catalog-info.yaml`],
      ['no internal packages', { [`${MESH}/internal.go`]: '' }, MESH, `${MESH}/internal/port/port.go`],
      ['a file more', { [`${MESH}/docs/notes.md`]: '' }],
      ['another command', { [`${MESH}/cmd/other/main.go`]: '' }, undefined, `${MESH}/cmd/server/main.go`],
      ['no go.sum beside go.mod', {}, undefined, `${MESH}/go.sum`],
      ['code that became a primitive', adopted(), undefined, `${MESH}/README.md`],
      ['its Dockerfile', adopted(), MESH, `${MESH}/Dockerfile`],
      [
        'its Dockerfile of another name',
        {
          ...adopted('build: { dockerfile: docker/mesh.Dockerfile }\n'),
          [`${MESH}/docker/mesh.Dockerfile`]: DOCKERFILE,
        },
        undefined,
        `${MESH}/Dockerfile`,
      ],
    ]),
    ...cases('SHAPE-002', 'yaml', [
      ['a chart', { [`${MESH}/chart/Chart.yaml`]: 'name: mesh\n' }, `${MESH}/chart/Chart.yaml:1`],
      [
        'a kustomization',
        { [`${MESH}/kustomization.yaml`]: 'resources: []\n' },
        `${MESH}/kustomization.yaml:1`,
      ],
      [
        'a deployment',
        { [`${MESH}/deploy.yaml`]: '# of the mesh\napiVersion: apps/v1\nkind: Deployment\n' },
        `${MESH}/deploy.yaml:2`,
      ],
      [
        'the second document of a file',
        { [`${MESH}/all.yml`]: 'a: 1\n---\nkind: Service\napiVersion: v1\n' },
        `${MESH}/all.yml:4`,
      ],
      [
        'the template of a chart',
        { [`${MESH}/t/d.yaml`]: 'apiVersion: "v1"\nkind: ConfigMap\ndata:\n  a: {{ .Values.a }}\n' },
        `${MESH}/t/d.yaml:1`,
      ],
      [
        'a template with a condition at its start',
        { [`${MESH}/d.yaml.tmpl`]: '{{- if .a }}\napiVersion: apps/v1\nkind: Deployment\n{{- end }}\n' },
        `${MESH}/d.yaml.tmpl:2`,
      ],
      [
        'a deployment in JSON',
        { [`${MESH}/d.json`]: '{ "kind": "Deployment", "apiVersion": "apps/v1" }\n' },
        `${MESH}/d.json:1`,
      ],
      [
        'keys in quotes',
        { [`${MESH}/d.YML`]: '"apiVersion": apps/v1\n"kind": Deployment\n' },
        `${MESH}/d.YML:1`,
      ],
      [
        'a kustomization without a suffix',
        { [`${MESH}/Kustomization`]: 'resources: []\n' },
        `${MESH}/Kustomization:1`,
      ],
      [
        'an answer of an API in a test',
        { [`${MESH}/testdata/pod.json`]: '{ "kind": "Pod", "apiVersion": "v1" }\n' },
      ],
      ['other JSON', { [`${MESH}/a.json`]: '{ "kind": "Pod", "items": [{ "apiVersion": "v1" }] }\n' }],
      [
        'an entry of the catalog',
        { [`${MESH}/other.yaml`]: 'apiVersion: backstage.io/v1alpha1\nkind: API\n' },
      ],
      [
        'the config of a test cluster',
        { [`${MESH}/kind.yaml`]: 'kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\n' },
      ],
      [
        'the config of an API server',
        { [`${MESH}/t.yaml`]: 'apiVersion: apiserver.config.k8s.io/v1\nkind: TracingConfiguration\n' },
      ],
      ['a file of compose', { [`${MESH}/compose.yaml`]: 'services: { db: { image: postgres } }\n' }],
      ['an object inside another', { [`${MESH}/t.yaml`]: 'a:\n  apiVersion: v1\n  kind: Pod\n' }],
      ['outside of primitives', { 'deploy/d.yaml': 'apiVersion: v1\nkind: Pod\n' }],
    ]),
    ...cases('SHAPE-003', 'yaml', [
      [
        'aliases of aliases',
        {
          [`${MESH}/catalog-info.yaml`]: `a: &a [${'x,'.repeat(99)}]\nb: &b [${'*a,'.repeat(99)}]\nc: [${'*b,'.repeat(99)}]\nkind: Component\n`,
        },
        `${MESH}/catalog-info.yaml`,
      ],
      [
        'another name',
        { [`${MESH}/catalog-info.yaml`]: CATALOG.replace('-mesh', '-net') },
        `${MESH}/catalog-info.yaml`,
      ],
      [
        'no component',
        { [`${MESH}/catalog-info.yaml`]: CATALOG.replace('Component', 'API') },
        `${MESH}/catalog-info.yaml`,
      ],
      [
        'two components',
        { [`${MESH}/catalog-info.yaml`]: `${CATALOG}---\n${CATALOG}` },
        `${MESH}/catalog-info.yaml`,
      ],
      ['no YAML', { [`${MESH}/catalog-info.yaml`]: 'kind: [Component\n' }, `${MESH}/catalog-info.yaml`],
      [
        'an API beside it',
        { [`${MESH}/catalog-info.yaml`]: `${CATALOG}---\nkind: API\nmetadata: { name: mesh-api }\n` },
      ],
      [
        'the name in quotes',
        { [`${MESH}/catalog-info.yaml`]: CATALOG.replace('integration-mesh', '"integration-mesh"') },
      ],
      ['a byte order mark', { [`${MESH}/catalog-info.yaml`]: `\ufeff${CATALOG}` }],
    ]),
    ...cases('SHAPE-004', 'files', [
      ['no primitive.yaml', {}, MESH, `${MESH}/primitive.yaml`],
      [
        'a folder with a Dockerfile only',
        { 'primitives/domain/orders/Dockerfile': DOCKERFILE },
        'primitives/domain/orders',
      ],
      ['a folder of an unknown kind', { 'primitives/thing/orders/a.txt': '' }, 'primitives/thing/orders'],
      ['a file beside the folders', { 'primitives/integration/README.md': '' }],
      ['a file beside the kinds', { 'primitives/README.md': '' }],
      ['a folder elsewhere', { 'libs/integration/net/Dockerfile': DOCKERFILE }],
    ]),
    ...cases('SHAPE-005', 'yaml', [
      [
        'another kind',
        { [`${MESH}/primitive.yaml`]: 'kind: domain\nname: mesh\n' },
        `${MESH}/primitive.yaml:1`,
      ],
      [
        'another name',
        { [`${MESH}/primitive.yaml`]: 'kind: integration\nname: net\n' },
        `${MESH}/primitive.yaml:2`,
      ],
      [
        'an unknown key',
        { [`${MESH}/primitive.yaml`]: 'kind: integration\nname: mesh\nimages: a\n' },
        `${MESH}/primitive.yaml:3`,
      ],
      ['no YAML', { [`${MESH}/primitive.yaml`]: 'kind: [integration\n' }, `${MESH}/primitive.yaml:2`],
      [
        'a name that Go keeps for itself',
        { 'primitives/integration/func/primitive.yaml': 'kind: integration\nname: func\n' },
        'primitives/integration/func/primitive.yaml:2',
      ],
      ['an image of its own', { [`${MESH}/primitive.yaml`]: 'kind: integration\nname: mesh\nimage: mesh\n' }],
      ['CRLF', { [`${MESH}/primitive.yaml`]: 'kind: integration\r\nname: mesh\r\n' }],
      [
        'a platform of its own',
        {
          [`${MESH}/primitive.yaml`]: 'kind: integration\nname: mesh\nbuild: { platforms: [linux/amd64] }\n',
        },
      ],
    ]),
    ...cases('SHAPE-006', 'files', [
      [
        'an edit',
        widget(3, { 'gen/a.go': 'package gen\n' }, { 'gen/a.go': 'package gen // mine\n' }),
        `${WIDGET}/gen/a.go`,
      ],
      ['a line taken away', widget(3, { 'gen/a.go': 'a\nb\n' }, { 'gen/a.go': 'a\n' }), `${WIDGET}/gen/a.go`],
      ['CRLF', widget(3, { 'gen/a.go': 'a\n' }, { 'gen/a.go': 'a\r\n' }), `${WIDGET}/gen/a.go`],
      ['as it was written', widget(3, { 'gen/a.go': 'a\n' }, { 'gen/a.go': 'a\n' })],
      ['a file of a person', widget(3, { 'main.go': 'a\n' }, { 'main.go': 'b\n' })],
      ['a file that scaffold did not write', widget(3, {}, { 'gen/b.go': 'b\n' })],
    ]),
    ...cases('SHAPE-007', 'yaml', [
      ['an older version, without digests', widget(2), `${WIDGET}/primitive.yaml`],
      ['another digest', taken({ 'main.go': '4' }), `${WIDGET}/primitive.yaml`],
      ['a new template file', taken({}), `${WIDGET}/primitive.yaml`],
      ['a template file that is gone', taken({ 'main.go': NOW, 'b.go': '1' }), `${WIDGET}/primitive.yaml`],
      ['the template of now', taken({ 'main.go': NOW })],
      ['this version, without digests', widget(3)],
      ['a file that its owner deleted', taken({}, '  omitted: main.go\n')],
      ['no scaffold', { ...widget(3), [`${WIDGET}/primitive.yaml`]: 'kind: widget\nname: a1\n' }],
    ]),
    ...cases('SHAPE-017', 'yaml', [
      ['all of a kind', shipping('["primitives/integration/**"]'), OF_MESH],
      ['the whole repository', shipping('["**"]'), OF_MESH],
      ['one file', shipping('["primitives/integration/{mesh,post}/**", "pkg/**"]'), OF_MESH],
      ['migrations', shipping('["primitives/integration/mesh/**", "primitives/*/post/sql/*"]'), OF_MESH],
      ['its own folder and a package', shipping('["primitives/integration/mesh/**", "pkg/**"]')],
      ['all but the other one', shipping('["primitives/integration/**", "!primitives/integration/post/**"]')],
      [
        'the contract of the other one',
        shipping('["primitives/integration/mesh/**", "primitives/*/post/{go.mod,proto/**,gen/**}"]'),
      ],
      ['its folder alone', POSTED],
    ]),
    ...cases('SHAPE-016', 'yaml', [
      ['a digest that is affected', taken({ 'main.go': '1' }), `${WIDGET}/primitive.yaml`],
      [
        'any digest but that of the correction',
        taken({ 'main.go': NOW, 'text.go': '3' }),
        `${WIDGET}/primitive.yaml`,
      ],
      [
        'affected, and another file is not',
        taken({ 'main.go': '1', 'text.go': '2' }),
        `${WIDGET}/primitive.yaml`,
      ],
      ['the template of now', taken({ 'main.go': NOW })],
      ['a file that its owner deleted', taken({}, '  omitted: main.go\n')],
      ['no digests of template files', widget(3)],
      ['no scaffold', { ...widget(3), [`${WIDGET}/primitive.yaml`]: 'kind: widget\nname: a1\n' }],
    ]),
    ...cases('SHAPE-008', 'yaml', [
      [
        'nothing there',
        { 'primitive.suppressions.yaml': suppressions(`rule: SHAPE-012, path: ${MESH}/Dockerfile`) },
        'primitive.suppressions.yaml:3',
      ],
      [
        'another rule',
        {
          'primitive.suppressions.yaml': suppressions(
            `rule: SHAPE-012, path: ${MESH}/Dockerfile`,
            `rule: SHAPE-013, path: ${MESH}/Dockerfile`,
          ),
          ...ROOT_USER,
        },
        'primitive.suppressions.yaml:4',
      ],
      [
        'a fingerprint of before',
        { 'primitive.suppressions.yaml': suppressions(`rule: SHAPE-012, fingerprint: ${'0a'.repeat(16)}`) },
        'primitive.suppressions.yaml:3',
      ],
      [
        'the path of a finding',
        {
          'primitive.suppressions.yaml': suppressions(`rule: SHAPE-012, path: ${MESH}/Dockerfile`),
          ...ROOT_USER,
        },
      ],
      [
        'a rule of a family that was not asked for',
        { 'primitive.suppressions.yaml': suppressions(`rule: MARK-001, path: ${MESH}/a.go`) },
      ],
      [
        'no entry',
        { 'primitive.suppressions.yaml': 'schema: primitive.suppressions/v1\nsuppressions: []\n' },
      ],
    ]),
    ...cases('SHAPE-009', 'yaml', [
      [
        'long ago',
        { 'primitive.suppressions.yaml': suppressions(`rule: SHAPE-013, path: a, expires: 2020-01-01`) },
        'primitive.suppressions.yaml:3',
      ],
      [
        'yesterday',
        { 'primitive.suppressions.yaml': suppressions(`rule: SHAPE-013, path: a, expires: 2025-12-31`) },
        'primitive.suppressions.yaml:3',
      ],
      [
        'of another owner',
        { 'primitive.suppressions.yaml': suppressions(`rule: SHAPE-013, path: b, expires: 2025-01-31`) },
        'primitive.suppressions.yaml:3',
      ],
      [
        'today',
        {
          'primitive.suppressions.yaml': suppressions(
            `rule: SHAPE-012, path: ${MESH}/Dockerfile, expires: 2026-01-01`,
          ),
          ...ROOT_USER,
        },
      ],
      [
        'tomorrow',
        {
          'primitive.suppressions.yaml': suppressions(
            `rule: SHAPE-012, path: ${MESH}/Dockerfile, expires: 2026-01-02`,
          ),
          ...ROOT_USER,
        },
      ],
      [
        'never',
        {
          'primitive.suppressions.yaml': suppressions(`rule: SHAPE-012, path: ${MESH}/Dockerfile`),
          ...ROOT_USER,
        },
      ],
    ]),
    ...dockerfiles('SHAPE-010', [
      [`FROM debian:13\nUSER 1\n`, 1],
      [`ARG BASE=debian:13\nFROM $BASE\nUSER 1\n`, 2],
      [`FROM ${RUNTIME}\nCOPY --from=busybox:1 /bin/sh /sh\nUSER 1\n`, 2],
      [`# syntax=docker/dockerfile:1\nFROM ${RUNTIME}\nUSER 1\n`, 1],
      [`FROM ${RUNTIME}\nRUN --mount=type=bind,from=alpine:3,target=/a true\nUSER 1\n`, 2],
      [`ARG BASE=${RUNTIME}\nFROM $BASE\nUSER 1\n`],
      [`FROM internal/base:1\nUSER 1\n`],
      [`FROM ${RUNTIME} AS build\nFROM build\nUSER 1\n`],
      [`FROM scratch\nUSER 1\n`],
      [`FROM ${RUNTIME}\n# FROM debian:13\nRUN echo FROM debian:13\nUSER 1\n`],
    ]),
    ...dockerfiles('SHAPE-011', [
      [`FROM debian:latest@sha256:${'c'.repeat(64)}\nUSER 1\n`, 1],
      [`ARG TAG=latest\nFROM debian:$TAG@sha256:${'c'.repeat(64)}\nUSER 1\n`, 2],
      [`FROM ${RUNTIME}\nCOPY --from=a:latest@sha256:${'c'.repeat(64)} /a /a\nUSER 1\n`, 2],
      [`FROM debian@sha256:${'c'.repeat(64)}\nUSER 1\n`],
      [`FROM debian:latest-slim@sha256:${'c'.repeat(64)}\nUSER 1\n`],
      [`FROM latest:13@sha256:${'c'.repeat(64)}\nUSER 1\n`],
    ]),
    ...dockerfiles('SHAPE-018', [
      [tail('ADD https://acme.io/tool.tar.gz /opt/'), 2],
      [tail('ADD ["https://acme.io/a", "b", "/opt/"]'), 2],
      [tail('ADD --chown=1 --checksum=md5:1 \\\n  https://acme.io/a /opt/'), 2],
      [tail('ARG HOST=acme.io\nARG URL=https://$HOST/a\nADD $URL /opt/'), 4],
      [tail('ADD https://github.com/acme/a.git#main /src'), 2],
      [tail('ADD git@github.com:acme/a.git /src'), 2],
      [tail('ONBUILD ADD https://acme.io/a /opt/'), 2],
      [`FROM ${RUNTIME} AS other\nADD https://acme.io/a /a\nFROM ${RUNTIME}\nUSER 1\n`, 2],
      [tail(`ADD --checksum=sha256:${'a'.repeat(64)} https://acme.io/a /opt/`)],
      [tail(`ARG SUM=sha256:${'a'.repeat(64)}\nADD --checksum=$SUM https://acme.io/a /opt/`)],
      [tail(`ADD https://github.com/acme/a.git#${'a'.repeat(40)}:src /src`)],
      [tail('ADD a.tar.gz b@c.txt /opt/')],
      [tail('ADD <<EOF /a\nhttps://acme.io/a /b\nEOF')],
      [tail('# ADD https://acme.io/a /\nRUN echo ADD https://acme.io/a /')],
      [tail('COPY a /https://acme.io')],
    ]),
    ...dockerfiles('SHAPE-012', [
      [`FROM ${RUNTIME}\nENTRYPOINT ["/a"]\n`, 1],
      [`FROM ${RUNTIME}\nUSER root\n`, 2],
      [`FROM ${RUNTIME}\nUSER 0:0\n`, 2],
      [`FROM ${RUNTIME}\nUSER 1\nRUN true\nUSER root:root\n`, 4],
      [`FROM ${RUNTIME}\nARG U=1\nUSER $U\n`, 3],
      [`FROM ${IMAGE} AS build\nUSER 1\nFROM ${RUNTIME}\n`, 3],
      [`FROM ${RUNTIME}\nUSER root\nRUN true\nUSER 65532\n`],
      [`FROM gcr.io/distroless/static:nonroot@sha256:${'d'.repeat(64)}\n`],
      [`FROM ${RUNTIME} AS base\nUSER app\nFROM base\n`],
      [`FROM ${RUNTIME}\nUSER 10:0\n`],
    ]),
    ...dockerfiles('SHAPE-013', [
      [tail('ENV API_KEY=abc'), 2],
      [tail('ARG NPM_TOKEN'), 2],
      [tail('ENV A=1 \\\n  DB_PASSWORD="x y" B=2'), 2],
      [tail('ENV PASSWORD hunter2'), 2],
      [`FROM ${IMAGE} AS build\nARG GITHUB_TOKEN=\nFROM ${RUNTIME}\nUSER 1\n`, 2],
      [tail('ENV TOKEN_URL=https://example.com')],
      [tail('ENV PASSWORD_FILE=/run/secrets/password')],
      [tail('ARG KEYCLOAK_VERSION=26')],
      [tail('ENV API_KEY=')],
      [tail('RUN --mount=type=secret,id=npm_token,env=NPM_TOKEN npm ci')],
    ]),
    ...cases('SHAPE-014', 'dockerfile', [
      ['no stage', { [`${MESH}/Dockerfile`]: 'RUN true\n' }, `${MESH}/Dockerfile`],
      [
        'a name that is missing',
        { [`${MESH}/Dockerfile`]: `FROM ${RUNTIME} AS\nUSER 1\n` },
        `${MESH}/Dockerfile:1`,
      ],
      ['nothing', { [`${MESH}/Dockerfile`]: '' }, `${MESH}/Dockerfile`],
      ['a link', { [`${MESH}/Dockerfile`]: { link: 'Dockerfile.real' } }, `${MESH}/Dockerfile`],
      [
        'another that is missing',
        {
          [`${MESH}/primitive.yaml`]: 'kind: integration\nname: mesh\nbuild: { dockerfile: Containerfile }\n',
        },
        `${MESH}/Containerfile`,
      ],
      ['an empty argument', { [`${MESH}/Dockerfile`]: 'ARG A=\nFROM $A\nUSER 1\n' }, `${MESH}/Dockerfile:2`],
      ['CRLF', { [`${MESH}/Dockerfile`]: DOCKERFILE.replaceAll('\n', '\r\n') }],
      ['a here-document', { [`${MESH}/Dockerfile`]: tail('RUN <<EOF\nFROM nothing AS\nEOF') }],
      ['a byte order mark', { [`${MESH}/Dockerfile`]: `\ufeff${DOCKERFILE}` }],
    ]),
    ...baselines.map(([name, file, finds]): CorpusCase => {
      return { rule: 'SHAPE-015', language: 'baseline', name, files: {}, baseline: file, finds };
    }),
  ],
};
