import type { Rule } from '../rule.ts';

export const rule: Rule<'dockerfile'> = {
  id: 'SHAPE-018',
  level: 'error',
  title: 'Download in a Dockerfile has no checksum',
  subject: 'dockerfile',
  check: ({ remotes }) =>
    remotes
      .filter(({ isPinned }) => !isPinned)
      .map(({ line, source }) => ({
        message: `ADD ${shown(source)} has no checksum.`,
        line,
        fix: {
          kind: 'text',
          text: 'Write --checksum=sha256:… before it, or the commit of a git repository behind #.',
        },
      })),
};

/** An address without what may be a secret in it. */
function shown(source: string): string {
  return source.replace(/\/\/[^@/]*@/, '//').replace(/[?#].*/s, '');
}
