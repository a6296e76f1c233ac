import { expect, test } from 'vitest';
import { knownTemplate } from '../../../../src/features/generate/known-plugins.ts';

const GO = 'google.golang.org/protobuf/cmd/protoc-gen-go';
const goMod = `module acme

require (
	google.golang.org/protobuf v1.36.12 // a note
	google.golang.org/genproto/googleapis/rpc v0.0.0-20261005182115-fad411399dd8 // indirect
)

tool ${GO}
`;
const bufGen = `version: v2
inputs: [{ directory: ../../../proto, paths: [../../../proto/a.proto] }]
managed: { enabled: true }
plugins:
  # from go.mod
  - local: [go, tool, protoc-gen-go]
    out: gen
    opt: paths=source_relative
`;

test('what kinds write is known, and buf gets what was judged', () => {
  const found = knownTemplate(bufGen, goMod);
  expect('template' in found && JSON.parse(found.template)).toEqual({
    version: 'v2',
    inputs: [{ directory: '../../../proto', paths: ['../../../proto/a.proto'] }],
    managed: { enabled: true },
    plugins: [{ local: ['go', 'tool', 'protoc-gen-go'], out: 'gen', opt: 'paths=source_relative' }],
  });
});

const plugin = (text: string) => `version: v2\nplugins:\n  - { out: gen, ${text} }\n`;

test.each([
  ['a shell', plugin('local: [sh, -c, "touch /tmp/x"]')],
  ['a program on PATH', plugin('local: protoc-gen-go')],
  ['another tool of go.mod', plugin('local: [go, tool, protoc-gen-evil]')],
  ['a name of all objects', plugin('local: [go, tool, constructor]')],
  ['go run', plugin('local: [go, run, ./evil]')],
  ['more arguments', plugin('local: [go, tool, protoc-gen-go, -x]')],
  ['a remote plugin', plugin('remote: buf.build/protocolbuffers/go:v1.36.0')],
  ['a protoc of its own', plugin('protoc_builtin: go, protoc_path: ./evil')],
  ['a known plugin with a protoc', plugin('local: [go, tool, protoc-gen-go], protoc_path: ./evil')],
  ['an output outside', plugin('local: [go, tool, protoc-gen-go], out: ../../..').replace('out: gen, ', '')],
  ['one of two', `${bufGen}  - { local: [sh, -c, "true"], out: gen }\n`],
  ['a repository as input', `${bufGen.replace(/inputs.*/, 'inputs: [{ git_repo: "ext::sh -c true" }]')}`],
  ['an address as folder', `${bufGen.replace(/inputs.*/, 'inputs: [{ directory: "ssh://host/x" }]')}`],
  ['a format of old', 'version: v1\nplugins: [{ plugin: evil, out: gen }]\n'],
  ['hooks of later versions', `${bufGen}before: [sh]\n`],
  ['a key twice', `${bufGen}plugins: [{ local: [sh], out: gen }]\n`],
  ['two documents', `${bufGen}---\nplugins: [{ local: [sh], out: gen }]\n`],
  ['no YAML', '{'],
  ['nothing', undefined],
])('%s is not', (_, text) => {
  expect(knownTemplate(text, goMod)).toEqual({ why: expect.any(String) });
});

test.each([
  ['a module in the place of another', `${goMod}\nreplace google.golang.org/protobuf => ./evil\n`],
  ['a replace in a block', `${goMod}\nreplace (\n\tgolang.org/x/net => ./evil\n)\n`],
  ['another package of that name', goMod.replace(`tool ${GO}`, 'tool example.com/evil/protoc-gen-go')],
  ['another package beside it', `${goMod}tool acme/evil/protoc-gen-go\n`],
  ['a path in quotes', `${goMod}tool "example.com/evil\\x2fprotoc-gen-go"\n`],
  ['a version that is a commit', goMod.replace('v1.36.12', 'v1.36.13-0.20261005182115-fad411399dd8')],
  ['none', undefined],
  ['no tool', 'module acme\n'],
])('a go.mod with %s is not', (_, text) => {
  expect(knownTemplate(bufGen, text)).toEqual({ why: expect.stringContaining('go.mod') });
});
