import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Packed } from './packed.ts';
import { blocks } from './pages.ts';
import type { Verdaccio } from './services/verdaccio.ts';

/** A package in a folder of its own below `base`, outside of the repository. */
export function packageFolder(base: string, files: Readonly<Record<string, string | object>>): string {
  const folder = mkdtempSync(join(base, 'package-'));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(folder, dirname(path)), { recursive: true });
    writeFileSync(join(folder, path), typeof content === 'string' ? content : JSON.stringify(content));
  }
  return folder;
}

/** The plugin that docs/plugins.md shows. */
export function documentedPlugin(base: string): string {
  const files = blocks().flatMap(({ page, subject, text }) =>
    page === 'docs/plugins.md' && subject.startsWith('plugin ')
      ? [[subject.slice('plugin '.length), text]]
      : [],
  );
  return packageFolder(base, Object.fromEntries(files));
}

/** Publishes a plugin as its author does: with the manifest of its commands. */
export async function publishPlugin(cli: Packed, registry: Verdaccio, folder: string): Promise<void> {
  const { code, stderr } = await cli.run(['plugins', 'manifest', folder]);
  if (code !== 0) throw new Error(stderr);
  await registry.publish(folder);
}
