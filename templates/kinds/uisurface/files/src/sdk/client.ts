import { NotImplementedError } from '../failures.ts';
import type { Sdk } from './sdk.ts';

/**
 * The SDK behind this surface's interface. Yours to write, and the only file that imports the SDK's package.
 *
 * `_url` is where its services are. Pass on all that the caller has with each call, the signal too: it ends calls that
 * take too long. Throw a DeniedError when the caller may not do this, an SdkError for whatever else goes wrong, both
 * with the cause.
 */
export function createSdk(_url: URL): Sdk {
  return {
    async listItems() {
      throw new NotImplementedError('AMEIDE_SCAFFOLD: no SDK asks for the items yet');
    },
    async close() {},
  };
}
