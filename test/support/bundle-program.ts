import { rolldown } from 'rolldown';
import { bundling } from '../../.ci/bundle.ts';

/** Writes a program of `test/support` as one file, as the CLI is shipped: to load its modules would be most of its time. */
export async function bundleProgram(source: string, file: string): Promise<void> {
  await using build = await rolldown({
    ...bundling.input,
    input: source,
    transform: {
      ...bundling.input.transform,
      // Where the code looks for the kinds of this package.
      define: { 'import.meta.dirname': JSON.stringify(import.meta.dirname) },
    },
  });
  await build.write({ ...bundling.output, file, codeSplitting: false });
}
