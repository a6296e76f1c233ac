import { PrimitiveError } from '../errors.ts';

const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;

/**
 * The tags of one commit: the commit itself first, then each template with `{sha}` replaced, without repeats.
 *
 * A template without `{sha}` would be a tag that moves, and one that begins like an input pointer would shadow it;
 * both are refused with `tag-floating` and `tag-reserved`, a result outside the OCI tag grammar with `tag-invalid`.
 */
export function renderTags(templates: readonly string[], sha: string): readonly string[] {
  const tags = templates.map((template) => {
    if (!template.includes('{sha}')) {
      throw new PrimitiveError('tag-floating', `The tag "${template}" would move from commit to commit.`, {
        why: 'Publish only writes tags that name one commit for good; what is deployed must not change under its name.',
        suggestions: [`Use a template that contains the commit, such as "${template}-{sha}".`],
      });
    }
    if (/^(in-|sha256-)/.test(template)) {
      throw new PrimitiveError(
        'tag-reserved',
        `The tag "${template}" begins like one that publish keeps for itself.`,
        {
          why: '`in-*` points from inputs to sealed images, `sha256-*` lists what is attached to an image.',
          suggestions: ['Choose another prefix.'],
        },
      );
    }
    const tag = template.replaceAll('{sha}', sha);
    if (!TAG.test(tag)) {
      throw new PrimitiveError('tag-invalid', `"${tag}" is not a tag that registries accept.`, {
        why: 'A tag is 1 to 128 characters of A-Z, a-z, 0-9, "_", "." and "-", and begins with a letter, a digit or "_".',
        suggestions: [`Correct the template "${template}" in the config.`],
      });
    }
    return tag;
  });
  return [...new Set([sha, ...tags])];
}
