import { writeFile } from 'node:fs/promises';

/** Writes a program that runs a file of TypeScript on this Node. What Node compiles is in `cache` for the next start. */
export async function writeNodeProgram(path: string, file: string, cache: string): Promise<void> {
  const text = `#!/bin/sh\nNODE_COMPILE_CACHE="${cache}" exec "${process.execPath}" "${file}" "$@"\n`;
  await writeFile(path, text, { mode: 0o755 });
}
