import type { Rule } from '../rule.ts';

export const rule: Rule<'dockerfile'> = {
  id: 'SHAPE-011',
  level: 'error',
  title: 'Image in a Dockerfile has the tag latest',
  subject: 'dockerfile',
  check: ({ images }) =>
    images
      .filter(({ pinned }) => /:latest(?:@|$)/.test(pinned))
      .map(({ line, via, pinned }) => ({
        message: `${via} ${pinned} names the tag latest.`,
        ...(line > 0 ? { line } : {}),
        fix: { kind: 'text', text: 'Name the version that the digest is of.' },
      })),
};
