import { Plugin } from '@oclif/core/config';
import { settings } from '@oclif/core/settings';

export interface CommandPackage {
  readonly name: string;
  readonly version: string;
  /** Absolute. */
  readonly root: string;
  readonly topics?: Readonly<Record<string, { readonly description: string }>>;
}

/**
 * The commands of a package as oclif caches them, for its `oclif.manifest.json`: ours and those of plugins. All are loaded
 * for it. `target` is their folder now, `packed` that in the package, where they are JavaScript. Throws what loading one
 * throws.
 */
export async function commandManifest(
  { name, version, root, topics = {} }: CommandPackage,
  { target, packed }: { readonly target: string; readonly packed: string },
): Promise<{ readonly commands: Readonly<Record<string, object>>; readonly version: string }> {
  settings.enableAutoTranspile = false;
  const pjson = {
    name,
    version,
    type: 'module',
    oclif: { commands: target, topics: structuredClone(topics) },
  };
  const plugin = new Plugin({
    type: 'link',
    name,
    root,
    pjson: pjson as never,
    ignoreManifest: true,
    errorOnManifestCreate: true,
  });
  await plugin.load();
  const commands = Object.entries(plugin.manifest.commands).map(
    ([id, { relativePath, pluginType: _, ...command }]) => {
      const file = relativePath?.join('/').replace(/\.[cm]?ts$/, '.js') ?? '';
      const below = file.slice(target.replace(/^\.\//, '').length + 1);
      return [id, { ...command, isESM: true, relativePath: `${packed}/${below}`.split('/') }] as const;
    },
  );
  return { commands: Object.fromEntries(commands), version };
}
