import { bufPlugins } from '../buf.ts';
import type { Rule } from '../rule.ts';

export const rule: Rule<'primitive'> = {
  id: 'GEN-005',
  level: 'error',
  title: 'Remote plugin of buf is not pinned',
  subject: 'primitive',
  check: async (primitive, { tree }) => {
    const plugins = await bufPlugins(primitive, tree);
    return plugins
      .filter(({ name, version }) => name !== undefined && version === undefined)
      .map(({ name, path, line }) => ({
        message: `Plugin ${name} has no version.`,
        path,
        line,
        fix: { kind: 'edit', text: `remote: ${name}:v1.2.3` },
      }));
  },
};
