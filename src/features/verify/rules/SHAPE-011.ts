import type { Rule } from '../rule.ts';

export const rule: Rule<'dockerfile'> = {
  id: 'SHAPE-011',
  level: 'error',
  title: 'Image in a Dockerfile is latest',
  subject: 'dockerfile',
  check: ({ images }) =>
    images
      .filter(({ reference }) => /:latest(?:@|$)/.test(reference))
      .map(({ line, via, reference }) => ({
        message: `${via} ${reference} names the tag latest.`,
        line,
        fix: { kind: 'text', text: 'Name the version that the digest is of.' },
      })),
};
