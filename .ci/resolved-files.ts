import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename } from 'node:path';
import type { Plugin } from 'rolldown';

const RESOLVED = /import\.meta\.resolve\(\s*'([^']+\.(?:wasm|ts))'\s*\)/g;

/**
 * Puts into the bundle what a source finds with `import.meta.resolve('…')`: WebAssembly of a package as it is, and a
 * module of ours that a thread runs as a chunk.
 */
export const resolvedFiles: Plugin = {
  name: 'resolved-files',
  transform: {
    filter: { code: 'import.meta.resolve' },
    async handler(code, id) {
      let replaced = code;
      for (const [call, specifier = ''] of code.matchAll(RESOLVED)) {
        const path = createRequire(id).resolve(specifier);
        const file = this.emitFile(
          path.endsWith('.ts')
            ? { type: 'chunk', id: path, name: basename(path, '.ts') }
            : {
                type: 'asset',
                fileName: basename(path),
                originalFileName: path,
                source: await readFile(path),
              },
        );
        replaced = replaced.replace(call, `import.meta.ROLLUP_FILE_URL_${file}`);
      }
      return replaced;
    },
  },
};
