import { realpath, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { messageOf, PrimitiveError } from '../../core/errors.ts';
import { COMMANDS_MANIFEST, readPlugin } from '../../plugins/manifest.ts';
import { registerInterface } from '../../plugins/module.ts';
import type { PluginManifestDocument } from './document.ts';

/** Ports to write the manifest of a plugin. */
export interface ManifestPorts {
  /** Base of a relative path. Absolute. */
  readonly cwd: string;
  /** Loads all commands of a package. */
  commandManifest(
    from: { readonly name: string; readonly version: string; readonly root: string },
    folders: { readonly target: string; readonly packed: string },
  ): Promise<{ readonly commands: Readonly<Record<string, object>>; readonly version: string }>;
}

/** Writes the manifest of the commands of a plugin. Throws `plugin-…` (exit 2), also for a command that cannot be loaded. */
export async function writeManifest(path: string, ports: ManifestPorts): Promise<PluginManifestDocument> {
  const root = await realpath(resolve(ports.cwd, path)).catch((cause: unknown) => {
    throw new PrimitiveError('folder-not-found', `Cannot find the folder ${path}.`, { cause });
  });
  const { name, version, oclif } = await readPlugin(root, { linked: true });
  const target = (oclif.commands ?? '').replace(/^\.\//, '').replace(/\/$/, '');
  if (target === '') {
    throw new PrimitiveError('plugin-commands', `Plugin ${name} has no commands.`, {
      why: '`oclif.commands` of its package.json names their folder.',
    });
  }
  registerInterface();
  const manifest = await ports
    .commandManifest({ name, version, root }, { target, packed: target })
    .catch((cause: unknown) => {
      throw new PrimitiveError('plugin-commands', `Cannot load the commands of ${name}.`, {
        why: messageOf(cause),
        suggestions: ['To print the stack, run the same command with PRIMITIVE_DEBUG=1.'],
        cause,
      });
    });
  const file = join(root, COMMANDS_MANIFEST);
  await writeFile(file, `${JSON.stringify(manifest, null, 2)}\n`);
  const commands = Object.keys(manifest.commands).sort();
  return {
    schema: 'primitive.plugin-manifest/v1',
    file,
    commands: commands.map((id) => id.replaceAll(':', ' ')),
  };
}
