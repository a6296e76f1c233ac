/** Builds what is published: `dist/` and `THIRD-PARTY-NOTICES.txt`. */
import { join } from 'node:path';
import { bundle } from './bundle.ts';

const { files, bytes } = await bundle(join(import.meta.dirname, '..'));
console.log(`dist: ${files} files, ${Math.round(bytes / 1024)} KiB`);
