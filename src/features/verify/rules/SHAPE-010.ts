import type { Rule } from '../rule.ts';

export const rule: Rule<'dockerfile'> = {
  id: 'SHAPE-010',
  level: 'error',
  title: 'Image in a Dockerfile has no digest',
  subject: 'dockerfile',
  check: ({ images }) =>
    images
      .filter(({ pinned }) => !/@(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/.test(pinned))
      .map(({ line, via, pinned }) => ({
        message: `${via} ${pinned} has no digest.`,
        ...(line > 0 ? { line } : {}),
        fix: {
          kind: 'command',
          text: `docker buildx imagetools inspect ${pinned} --format '{{.Manifest.Digest}}'`,
        },
      })),
};
