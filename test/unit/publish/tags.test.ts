import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { renderTags } from '../../../src/publish/tags.ts';

const SHA = '0123456789abcdef0123456789abcdef01234567';

describe('renderTags', () => {
  it('puts the commit first and names it once', () => {
    expect(renderTags(['dev-{sha}', '{sha}', 'main-{sha}'], SHA)).toEqual([SHA, `dev-${SHA}`, `main-${SHA}`]);
  });

  it.each(['dev', 'main', 'latest', '', 'v1'])('refuses the floating tag "%s"', (template) => {
    expect(() => renderTags([template], SHA)).toThrow(expect.objectContaining({ code: 'tag-floating' }));
  });

  it.each(['in-{sha}', 'sha256-{sha}'])('refuses the reserved tag "%s"', (template) => {
    expect(() => renderTags([template], SHA)).toThrow(expect.objectContaining({ code: 'tag-reserved' }));
  });

  it.each(['-{sha}', 'a/{sha}', '{sha}:x', `${'x'.repeat(100)}{sha}`])(
    'refuses "%s", which is no tag',
    (template) => {
      expect(() => renderTags([template], SHA)).toThrow(expect.objectContaining({ code: 'tag-invalid' }));
    },
  );

  it('only ever renders tags that name the commit', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (templates) => {
        let tags: readonly string[];
        try {
          tags = renderTags(templates, SHA);
        } catch {
          return;
        }
        expect(tags.every((tag) => tag.includes(SHA))).toBe(true);
      }),
    );
  });
});
