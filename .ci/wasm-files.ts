import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'rolldown';

const RESOLVED = /import\.meta\.resolve\(\s*'([^']+\.wasm)'\s*\)/g;

/** Puts WebAssembly that a source finds with `import.meta.resolve('<package>/<file>.wasm')` into the bundle. */
export const wasmFiles: Plugin = {
  name: 'wasm-files',
  transform: {
    filter: { code: 'import.meta.resolve' },
    async handler(code) {
      let replaced = code;
      for (const [call, specifier = ''] of code.matchAll(RESOLVED)) {
        const path = fileURLToPath(import.meta.resolve(specifier));
        const file = this.emitFile({
          type: 'asset',
          fileName: basename(path),
          originalFileName: path,
          source: await readFile(path),
        });
        replaced = replaced.replace(call, `import.meta.ROLLUP_FILE_URL_${file}`);
      }
      return replaced;
    },
  },
};
