import { globSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { namedExports } from './named-exports.ts';
import { thirdPartyNotices } from './notices.ts';

const root = join(import.meta.dirname, '..');

/**
 * Bundles the CLI into `<folder>/dist`, one ES module per command with their shared chunks, and writes the notices of
 * the third-party code in it beside that. Same sources, same bytes. Returns the number of files and of bytes.
 */
export async function bundle(folder: string): Promise<{ readonly files: number; readonly bytes: number }> {
  const outdir = join(folder, 'dist');
  await rm(outdir, { recursive: true, force: true });
  const commands = globSync('src/commands/**/*.ts', { cwd: root }).sort();
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [
      { in: 'src/cli/main.ts', out: 'cli' },
      ...commands.map((path) => ({ in: path, out: path.slice('src/'.length, -'.ts'.length) })),
    ],
    outdir,
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node22.12',
    minify: true,
    // Stack traces name our functions, also in a report from a user.
    keepNames: true,
    legalComments: 'none',
    plugins: [namedExports],
    metafile: true,
    logLevel: 'warning',
    // Bundled CommonJS asks for Node's own modules with `require`; the long name is none that minifying makes up.
    banner: {
      js: "import{createRequire as createBundleRequire}from'node:module';const require=createBundleRequire(import.meta.url);",
    },
  });
  const notices = await thirdPartyNotices(root, Object.keys(metafile.inputs));
  await writeFile(join(folder, 'THIRD-PARTY-NOTICES.txt'), notices);
  const outputs = Object.values(metafile.outputs);
  return { files: outputs.length, bytes: outputs.reduce((sum, output) => sum + output.bytes, 0) };
}
