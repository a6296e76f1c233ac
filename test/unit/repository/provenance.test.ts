import { describe, expect, test } from 'vitest';
import {
  newManifest,
  readManifest,
  type TemplateRecord,
  withProvenance,
} from '../../../src/repository/provenance.ts';

const hex = 'ab'.repeat(32);
const digest = `sha256:${hex}` as const;
const provenance: TemplateRecord = {
  version: 3,
  inputs: { service: 'proto/a.proto' },
  files: new Map([
    ['z.go', digest],
    ['a: b', digest],
    ['.gitignore', digest],
  ]),
};
const block = `template:
  version: 3
  inputs:
    service: proto/a.proto
  files: |-
    ${hex}  .gitignore
    ${hex}  a: b
    ${hex}  z.go
`;

test('a new manifest says what it is and what was written, and nothing of the machine', async () => {
  const text = newManifest('domain', 'orders', provenance);
  expect(text).toBe(
    `# yaml-language-server: $schema=https://raw.githubusercontent.com/ameideio/primitive/main/schemas/primitive.primitive.v1.json
schema: primitive.primitive/v1
kind: domain
name: orders
# Written by scaffold, to detect edited files and changed templates. Do not edit.
${block}`,
  );
  const read = await readManifest(text, 'primitive.yaml');
  expect(read).toMatchObject({
    kind: 'domain',
    name: 'orders',
    provenance: { version: 3, inputs: provenance.inputs },
  });
  expect([...(read.provenance?.files ?? [])].sort()).toEqual([...provenance.files].sort());
});

test('files are also read as a mapping, as earlier versions wrote them', async () => {
  const text = `kind: domain\nname: orders\ntemplate:\n  version: 1\n  files:\n    a.go: ${digest}\n`;
  const read = await readManifest(text, 'primitive.yaml');
  expect([...(read.provenance?.files ?? [])]).toEqual([['a.go', digest]]);
});

describe('other provenance in a manifest that people have written in', () => {
  const before = 'template:\n  version: 1 # old\n  files:\n    a: sha256:1\n';
  test.each([
    ['at the end', `kind: a # mine\nname: b\n${before}`, `kind: a # mine\nname: b\n${block}`],
    [
      'in the middle',
      `kind: a\n# before\n${before}# after\nname: b\nbuild:\n  target: x   # spaced\n`,
      `kind: a\n# before\n${block}# after\nname: b\nbuild:\n  target: x   # spaced\n`,
    ],
    [
      'without a line feed at the end',
      `kind: a\nname: b\ntemplate: { version: 1 }`,
      `kind: a\nname: b\n${block.trimEnd()}`,
    ],
    ['on one line', `kind: a\ntemplate: { version: 1 }\nname: b\n`, `kind: a\n${block}name: b\n`],
    [
      'with carriage returns',
      `kind: a\r\n${before.replaceAll('\n', '\r\n')}name: b\r\n`,
      `kind: a\r\n${block.replaceAll('\n', '\r\n')}name: b\r\n`,
    ],
  ])('%s', async (_, text, expected) => {
    const manifest = await readManifest(text, 'primitive.yaml');
    expect(withProvenance(manifest, 'primitive.yaml', provenance)).toBe(expected);
  });

  const note = '# Written by scaffold, to detect edited files and changed templates. Do not edit.';
  test.each([
    ['with an empty line at the end', 'kind: a\nname: b\n\n', `kind: a\nname: b\n\n${note}\n${block}`],
    ['without a line feed at the end', 'kind: a\nname: b', `kind: a\nname: b\n${note}\n${block}`],
    [
      'with carriage returns',
      'kind: a\r\nname: b\r\n',
      `kind: a\r\nname: b\r\n${note}\r\n${block.replaceAll('\n', '\r\n')}`,
    ],
  ])('the first is added after the rest: %s', async (_, text, expected) => {
    const manifest = await readManifest(text, 'primitive.yaml');
    expect(withProvenance(manifest, 'primitive.yaml', provenance)).toBe(expected);
  });

  test('the first is refused where the rest is in brackets', async () => {
    const manifest = await readManifest('{ kind: a, name: b }\n', 'primitive.yaml');
    expect(() => withProvenance(manifest, 'primitive.yaml', provenance)).toThrow(
      expect.objectContaining({ code: 'primitive-not-editable', exit: 2 }),
    );
  });

  test.each([
    ['a flow mapping', '{ kind: a, name: b, template: { version: 1 } }\n'],
    [
      'an anchor that the rest uses',
      'kind: a\ntemplate:\n  version: &one 1\nname: b\nbuild: { args: { x: *one } }\n',
    ],
  ])('%s is refused rather than rewritten', (_, text) => {
    const manifest = { text, kind: 'a', name: 'b', workload: {}, provenance };
    expect(() => withProvenance(manifest, 'primitive.yaml', provenance)).toThrow(
      expect.objectContaining({ code: 'primitive-not-editable', exit: 2 }),
    );
  });
});
