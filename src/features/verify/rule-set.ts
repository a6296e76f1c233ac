import type { PluginSet } from '../../plugins/set.ts';
import type { OwnRule } from '../../repository/own-rules.ts';
import { foreignRules } from './foreign.ts';
import { ownRules } from './own-rules.ts';
import type { AnyRule } from './rule.ts';
import { rules } from './rules/all.ts';

/** All rules that count here: of this program, of the config, and of plugins. */
export function ruleSet(own: readonly OwnRule[], plugins: PluginSet): readonly AnyRule[] {
  return [...rules, ...ownRules(own), ...foreignRules(plugins)];
}
