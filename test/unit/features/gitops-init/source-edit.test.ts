import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { withSource } from '../../../../src/features/gitops-init/source-edit.ts';

const source = (name: string, registry = `ghcr.io/${name}`) => ({
  repository: `acme/${name}`,
  registry,
  trusted: [{ key: `keys/${name}.pub` }],
});

const BLOCK = `# Mine
lanes: [dev]   # one

sources:
  # First.
  - repository: acme/app
    registry: ghcr.io/app   # here
    trusted:
      - key: keys/app.pub

  # Second.
  - repository: acme/web
    registry: ghcr.io/web
    trusted: [{ key: keys/web.pub }]

cli: {}
`;

describe('a source in kit.yaml', () => {
  it('is added after the others, or in a list of its own', () => {
    const { text, change } = withSource(BLOCK, source('shop'));
    expect(change).toMatchObject({
      change: 'added',
      signers: [{ change: 'added', signer: 'key keys/shop.pub' }],
    });
    const entry =
      '\n  - repository: acme/shop\n    registry: ghcr.io/shop\n    trusted:\n      - key: keys/shop.pub';
    expect(text).toBe(BLOCK.replace('[{ key: keys/web.pub }]', `[{ key: keys/web.pub }]${entry}`));
    expect(parse(withSource('lanes: [dev]\n', source('app')).text)).toEqual({
      lanes: ['dev'],
      sources: [source('app')],
    });
  });

  it.each([
    ['a block', BLOCK],
    ['with line ends of Windows', BLOCK.replaceAll('\n', '\r\n')],
    ['in brackets', `sources: [${JSON.stringify(source('app'))}, ${JSON.stringify(source('web'))}] # all\n`],
    ['the last line', BLOCK.slice(0, BLOCK.indexOf('\n\ncli'))],
  ])('changes alone: %s', (_, text) => {
    for (const [i, name] of ['app', 'web'].entries()) {
      const edited = withSource(text, source(name, 'ghcr.io/moved'));
      expect(edited.change).toMatchObject({
        change: 'changed',
        settings: [`registry: ghcr.io/${name} -> ghcr.io/moved`],
      });
      const wanted = parse(text);
      wanted.sources[i] = source(name, 'ghcr.io/moved');
      expect(parse(edited.text)).toEqual(wanted);
      for (const comment of text.match(/#[^\r\n]*/g) ?? [])
        if (comment !== '# here') expect(edited.text).toContain(comment);
      expect(edited.text.includes('\r\n')).toBe(text.includes('\r\n'));
      expect(/(?<!\r)\n/.test(edited.text)).toBe(/(?<!\r)\n/.test(text));
    }
  });

  it('stays as it is if it says the same', () => {
    expect(withSource(BLOCK, source('web'))).toEqual({
      text: BLOCK,
      change: { repository: 'acme/web', change: 'unchanged', signers: [], settings: [] },
    });
  });

  it('is refused where an entry cannot be replaced alone', () => {
    const text = `x: &x\n  repository: acme/app\n  registry: old\n  trusted: []\nsources:\n  - *x\n`;
    expect(() => withSource(text, source('app'))).toThrow('Cannot write source acme/app into kit.yaml.');
  });
});
