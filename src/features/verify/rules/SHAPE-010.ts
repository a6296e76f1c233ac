import type { Rule } from '../rule.ts';

export const rule: Rule<'dockerfile'> = {
  id: 'SHAPE-010',
  level: 'error',
  title: 'Image in a Dockerfile has no digest',
  subject: 'dockerfile',
  check: ({ images }) =>
    images
      .filter(({ reference }) => !/@(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/.test(reference))
      .map(({ line, via, reference }) => ({
        message: `${via} ${reference} has no digest.`,
        line,
        fix: {
          kind: 'command',
          text: `docker buildx imagetools inspect ${reference} --format '{{.Manifest.Digest}}'`,
        },
      })),
};
