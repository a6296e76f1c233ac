import { Type } from 'typebox';
import { type DataOf, nullable, strictObject } from '../../core/schema.ts';

const plugin = strictObject({
  name: Type.String(),
  version: Type.String(),
  spec: Type.String({ description: 'The requested package, or the folder of a linked one.' }),
  linked: Type.Boolean({ description: 'It is a folder of a developer, read each time.' }),
  folder: Type.String({ description: 'Absolute.' }),
  integrity: nullable('Of the package; null for one that is linked.'),
  resolved: nullable('URL of the package; null for one that is linked.'),
  pinned: Type.Boolean({ description: 'It was installed by the lock file of a repository.' }),
  api: Type.String({ description: 'Version of the interface that it was written for.' }),
  commands: Type.Array(Type.String(), { description: 'Sorted.' }),
  kinds: Type.Array(Type.String(), { description: 'Sorted.' }),
  rules: Type.Array(Type.String(), { description: 'Ids of rules of verify.' }),
  hooks: Type.Array(Type.String(), { description: 'Events, sorted.' }),
});

/** Contract `primitive.plugins/v1`: what `plugins` lists, or what a command of it did. */
export const pluginsSchema = strictObject(
  {
    schema: Type.Literal('primitive.plugins/v1'),
    plugins: Type.Array(
      strictObject({
        action: Type.Enum(['listed', 'installed', 'updated', 'unchanged', 'linked', 'uninstalled']),
        before: nullable('The version that was there before.'),
        plugin,
      }),
      { description: 'Sorted by name.' },
    ),
    problems: Type.Array(
      strictObject({
        name: Type.String({ description: 'The plugin.' }),
        code: Type.String(),
        message: Type.String(),
      }),
      { description: 'Plugins, or parts of them, that are not loaded.' },
    ),
  },
  'Plugins of this user.',
);

export type PluginsDocument = DataOf<typeof pluginsSchema>;
export type PluginEntry = PluginsDocument['plugins'][number];

/** Contract `primitive.plugin-manifest/v1`: what `plugins manifest` wrote. */
export const pluginManifestSchema = strictObject(
  {
    schema: Type.Literal('primitive.plugin-manifest/v1'),
    file: Type.String({ description: 'Absolute.' }),
    commands: Type.Array(Type.String(), { description: 'Sorted.' }),
  },
  'The manifest of the commands of a plugin.',
);

export type PluginManifestDocument = DataOf<typeof pluginManifestSchema>;
