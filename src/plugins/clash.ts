import { PrimitiveError } from '../core/errors.ts';
import { prefixOf } from './compatible.ts';
import type { PluginManifest } from './manifest.ts';

/** Names that this program has taken. */
export interface Taken {
  /** First words of commands: `gitops`. */
  readonly words: readonly string[];
  /** Families of rules: `SEC`. */
  readonly families: readonly string[];
  readonly kinds: readonly string[];
}

/**
 * Name of a plugin that this program or another plugin has; undefined if all its names are its own. A plugin owns the
 * first word of its commands, so that no release of this program or of another plugin puts something beside them.
 */
export function clashOf(
  plugin: PluginManifest,
  others: readonly PluginManifest[],
  taken: Taken,
): PrimitiveError | undefined {
  const owners = [
    { who: 'primitive', ...taken },
    ...others
      .filter(({ name }) => name !== plugin.name)
      .map((other) => ({
        who: other.name,
        words: wordsOf(other),
        families: familiesOf(other),
        kinds: other.kinds,
      })),
  ];
  for (const { who, words, families, kinds } of owners) {
    const clashes = [
      ...wordsOf(plugin)
        .filter((word) => words.includes(word))
        .map((word) => `the command ${word}`),
      ...familiesOf(plugin)
        .filter((family) => families.includes(family))
        .map((family) => `rules ${family}-…`),
      ...plugin.kinds.filter((kind) => kinds.includes(kind)).map((kind) => `the kind ${kind}`),
    ];
    if (clashes.length === 0) continue;
    return new PrimitiveError('plugin-clash', `Plugin ${plugin.name} cannot be used beside ${who}.`, {
      why: `Both have ${clashes.join(', ')}.`,
      suggestions: who === 'primitive' ? [] : [`primitive plugins uninstall ${who}`],
    });
  }
  return undefined;
}

/** The first words of its commands. */
function wordsOf({ commands }: PluginManifest): readonly string[] {
  return [...new Set(commands.map((id) => id.split(':')[0] ?? id))];
}

function familiesOf({ rules }: PluginManifest): readonly string[] {
  return [...new Set(rules.map(({ id }) => prefixOf(id)))];
}
