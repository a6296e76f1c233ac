/** `npm run goldens`: writes `test/golden/` anew, after a change of a template. Read the difference before it is committed. */
import { writeGoldens } from '../test/support/goldens.ts';

console.log(`wrote test/golden/{${(await writeGoldens()).join(',')}}`);
