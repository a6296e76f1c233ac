import type { RuleHost } from '../../src/features/verify/foreign.ts';
import { NO_PLUGINS, type PluginSet } from '../../src/plugins/set.ts';
import type { InstalledPlugin } from '../../src/plugins/store.ts';

/** Ports of verify where no plugin is. */
export const withoutPlugins = {
  plugins: NO_PLUGINS,
  ruleHost: (): Promise<RuleHost> => {
    throw new Error('a rule of a plugin was to be run');
  },
};

/** A plugin with the rule ACME-001 of domains. */
export const ACME: InstalledPlugin = {
  name: '@acme/rules',
  version: '1.2.3',
  api: '0.1',
  oclif: {},
  commands: [],
  kinds: [],
  rules: [
    {
      id: 'ACME-001',
      level: 'error',
      title: 'Not as Acme has it',
      subject: 'primitive',
      kinds: ['domain'],
      module: 'a.js',
    },
  ],
  hooks: {},
  spec: '@acme/rules',
  integrity: 'sha512-x',
  resolved: 'https://registry.example/x.tgz',
  locked: null,
  linked: false,
  folder: '/plugins/node_modules/@acme/rules',
};

/** Ports of verify with {@link ACME}, whose rule returns or throws what `rule` does. */
export function withPlugin(rule: (subject: { readonly path: string }) => unknown): {
  readonly plugins: PluginSet;
  readonly ruleHost: () => Promise<RuleHost>;
} {
  return {
    plugins: { plugins: [ACME], problems: [], notices: [] },
    ruleHost: async () => ({
      run: async (_plugin, tasks) =>
        tasks.map((task) => {
          try {
            return { task, problems: rule(task.subject) };
          } catch (error) {
            return { task, error: (error as Error).message };
          }
        }),
    }),
  };
}
