import type { Outcome } from '../../render/outcome.ts';
import type { Style } from '../../render/style.ts';
import { table } from '../../render/table.ts';
import { sanitizeLine } from '../../render/text.ts';
import type { PluginEntry, PluginManifestDocument, PluginsDocument } from './document.ts';

/** Everything that commands of `plugins` can be shown as. */
export function pluginsOutcome(document: PluginsDocument): Outcome {
  return { document, text: (style) => pluginsText(document, style), exit: 0 };
}

export function inspectOutcome(document: PluginsDocument): Outcome {
  const text = (style: Style) => document.plugins.map(({ plugin }) => details(plugin, style)).join('\n');
  return { document, text: (style) => `${text(style)}${problemsText(document, style)}`, exit: 0 };
}

function pluginsText(document: PluginsDocument, style: Style): string {
  if (document.plugins.length === 0 && document.problems.length === 0)
    return 'No plugins. To install one: primitive plugins install PACKAGE\n';
  const rows = document.plugins.map(({ action, before, plugin }) => [
    ...(action === 'listed' ? [] : [action]),
    style.bold(sanitizeLine(plugin.name)),
    before === null || before === plugin.version ? plugin.version : `${before} -> ${plugin.version}`,
    plugin.linked ? sanitizeLine(plugin.folder) : '',
    style.dim(brings(plugin)),
  ]);
  return `${table(rows, style)}${problemsText(document, style)}`;
}

function problemsText({ problems }: PluginsDocument, style: Style): string {
  return problems
    .map(
      ({ message, code }) =>
        `${style.hang(`${style.yellow('warning:')} `, `${sanitizeLine(message)} ${style.dim(`[${code}]`)}`)}\n`,
    )
    .join('');
}

function brings({ commands, kinds, rules, hooks }: PluginEntry['plugin']): string {
  const parts = [
    [commands.length, 'command'],
    [kinds.length, 'kind'],
    [rules.length, 'rule'],
    [hooks.length, 'hook'],
  ] as const;
  return parts
    .flatMap(([count, noun]) => (count === 0 ? [] : [`${count} ${noun}${count === 1 ? '' : 's'}`]))
    .join(', ');
}

function details(plugin: PluginEntry['plugin'], style: Style): string {
  const rows: (readonly [string, string])[] = [
    ['version', plugin.version],
    ['interface', plugin.api],
    [plugin.linked ? 'linked' : 'folder', plugin.folder],
    ...(plugin.resolved === null ? [] : [['from', plugin.resolved] as const]),
    ...(plugin.integrity === null ? [] : [['integrity', plugin.integrity] as const]),
    ...(['commands', 'kinds', 'rules', 'hooks'] as const).flatMap((key) =>
      plugin[key].length === 0 ? [] : [[key, plugin[key].join(', ')] as const],
    ),
  ];
  const body = table(
    rows.map(([key, value]) => [`  ${style.dim(key)}`, sanitizeLine(value)]),
    style,
  );
  return `${style.bold(sanitizeLine(plugin.name))}\n${body}`;
}

export function manifestOutcome(document: PluginManifestDocument): Outcome {
  const count = document.commands.length === 1 ? '1 command' : `${document.commands.length} commands`;
  return { document, text: () => `${sanitizeLine(document.file)}: ${count}\n`, exit: 0 };
}
