import { pem, random } from '../verify-corpus/secrets.ts';
import type { Files } from '../verify-corpus/tree.ts';
import type { Seed } from './seed.ts';

const ORDERS = 'primitives/domain/orders';
const PARSED = 'Imports in pages of HTML and in style sheets are not read';

const manifest = (more = '') => `kind: domain\nname: orders\n${more}`;
const INPUTS = 'build: { context: ., inputs: ["primitives/domain/orders/**", "pkg/**"] }\n';
const config: Files = {
  'primitive.config.yaml':
    'registry: ghcr.io/acme\nimports: { forbidden: [github.com/pkg/errors, lodash, requests] }\n',
};
const base: Files = {
  ...config,
  [`${ORDERS}/primitive.yaml`]: manifest(),
  [`${ORDERS}/go.mod`]: 'module example.com/acme/orders\n\ngo 1.26\n',
  [`${ORDERS}/Dockerfile`]: `FROM scratch@sha256:${random(64, 'hex')}\nUSER 65532\n`,
};
const marker = ['AMEIDE', 'SCAFFOLD'].join('_');
const token = `ghp_${random(36)}`;
const shipped = (files: Files): Files => ({ [`${ORDERS}/primitive.yaml`]: manifest(INPUTS), ...files });

/** What an image takes in from outside of the folder of a primitive. */
const SHIPPED: Readonly<Record<string, Files>> = {
  'private key in an input': shipped({ 'pkg/creds/key.pem': pem('RSA PRIVATE KEY') }),
  'token in an input': shipped({ 'pkg/a.go': `package pkg\n\nvar t = "${token}"\n` }),
  'stub in an input': shipped({ 'pkg/a.go': `package pkg\n\nvar t = "${marker}: not implemented"\n` }),
  'forbidden import in an input': shipped({ 'pkg/a.go': 'package pkg\n\nimport "github.com/pkg/errors"\n' }),
  'input that does not parse': shipped({ 'pkg/a.go': 'package pkg\n\nimport (\n' }),
  'input of another primitive': shipped({
    'pkg/a.go': 'package pkg\n\nimport "example.com/acme/billing/api"\n',
    'primitives/domain/billing/primitive.yaml': 'kind: domain\nname: billing\n',
    'primitives/domain/billing/go.mod': 'module example.com/acme/billing\n',
    'primitives/domain/billing/api/api.go': 'package api\n',
  }),
  'link to code outside': {
    'libs/clock.go': 'package libs\n',
    [`${ORDERS}/clock.go`]: { link: '../../../libs/clock.go' },
  },
  'link to code by another name': {
    'libs/clock.go': 'package libs\n',
    [`${ORDERS}/clock`]: { link: '../../../libs/clock.go' },
  },
  'link to data of another primitive': {
    'primitives/domain/billing/primitive.yaml': 'kind: domain\nname: billing\n',
    'primitives/domain/billing/data.json': '{}\n',
    [`${ORDERS}/data.json`]: { link: '../billing/data.json' },
  },
  'link to code in an input': shipped({
    'libs/clock.go': 'package libs\n',
    'pkg/clock.go': { link: '../libs/clock.go' },
  }),
  'another primitive in place of a package': {
    'primitives/domain/billing/primitive.yaml': 'kind: domain\nname: billing\n',
    [`${ORDERS}/web/node_modules/react`]: { link: '../../../billing' },
  },
  'Dockerfile in lower case': { [`${ORDERS}/debug/dockerfile`]: 'FROM alpine:latest\n' },
  'link in the place of a primitive': { 'primitives/domain/billing': { link: 'orders' } },
  'vendored code': { [`${ORDERS}/vendor/example.com/a/a.go`]: 'package a\n' },
  'packages of npm': { [`${ORDERS}/web/node_modules/a/index.js`]: "require('lodash');\n" },
  'packages of Python': { [`${ORDERS}/.venv/lib/site-packages/a.py`]: 'import requests\n' },
  'second Dockerfile': { [`${ORDERS}/Dockerfile.debug`]: 'FROM alpine:latest\nENV DB_PASSWORD=x\n' },
  'Containerfile beside it': { [`${ORDERS}/Containerfile`]: 'FROM alpine:latest\n' },
  'process that no kind compiles': { [`${ORDERS}/a.bpmn`]: '<definitions/>\n' },
  'file that cannot be read': { [`${ORDERS}/a.go`]: { error: 'permission denied' } },
};

/** What `--mode repo` sees of code in no primitive. */
const ELSEWHERE: Readonly<Record<string, Files | readonly [Files, string]>> = {
  'forbidden import': { 'tools/a.go': 'package tools\n\nimport "github.com/pkg/errors"\n' },
  'TypeScript that does not parse': { 'tools/a.ts': 'import { from;\n' },
  'a failing test': { 'tools/a_test.go': 'package tools\n\nfunc TestA(t *testing.T) { t.Fatal() }\n' },
  'an unpinned Dockerfile': { 'tools/Dockerfile': 'FROM alpine:latest\n' },
  'a token': { 'notes.txt': `${token}\n` },
  'a process': { 'models/a.bpmn': '<definitions/>\n' },
  'an import in a component of Vue': { 'web/a.vue': "<script>import 'lodash';</script>\n" },
  'an import of a page': [{ 'web/a.html': '<script type="module">import "lodash";</script>\n' }, PARSED],
};

/** The account of files: whatever ships or decides is judged, or listed as not checked. */
export const accountSeeds: readonly Seed[] = [
  ...Object.entries(SHIPPED).map(
    ([name, files]): Seed => ({
      group: 'account: what ships',
      name,
      families: ['SHAPE', 'IMP', 'TEST', 'MARK', 'SEC', 'BPMN'],
      mode: 'primitives',
      base,
      files,
    }),
  ),
  ...Object.entries(ELSEWHERE).map(([name, one]): Seed => {
    const [files, limit] = Array.isArray(one) ? (one as readonly [Files, string]) : [one as Files, undefined];
    const families = ['SHAPE', 'IMP', 'TEST', 'SEC', 'BPMN'];
    return {
      group: 'account: code in no primitive',
      name,
      families,
      mode: 'repo',
      tests: true,
      base: config,
      files,
      ...(limit === undefined ? {} : { limit }),
    };
  }),
];
